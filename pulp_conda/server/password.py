"""The administrator's password: from the options, from the previous start, or generated."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from .home import Home

USER = "admin"
_KEPT = "admin-password"
_NEXT = "admin-password.next"
_NETRC = "netrc"


@dataclass(frozen=True, slots=True)
class AdminPassword:
    """The password of the user `admin`.

    It is passed on in files that only the owner of the home may read, because other users may
    read the arguments of a process.
    """

    home: Home
    value: str
    is_set: bool
    """Whether it equals that of the previous start, so that Pulp has it already."""
    made_up: bool
    """Whether it was generated just now, so that nobody has seen it."""

    @classmethod
    def choose(cls, home: Home, given: str | None) -> "AdminPassword":
        """Return the given password, or that of the previous start, or a new one."""
        kept = home.read(_KEPT)
        value = given or kept or secrets.token_urlsafe(12)
        return cls(home, value, value == kept, not (given or kept))

    def write(self) -> Path | None:
        """Write it to a file for the process that sets it; return None if it is set already."""
        return None if self.is_set else self.home.write(_NEXT, self.value)

    def keep(self) -> None:
        """Keep the file for the next start, since the password is set now."""
        if not self.is_set:
            (self.home.path / _NEXT).replace(self.home.path / _KEPT)

    def write_netrc(self, host: str) -> Path:
        """Write and return the netrc file, from which curl and other clients read passwords."""
        quoted = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return self.home.write(_NETRC, f'machine {host} login {USER} password "{quoted}"\n')
