"""The administrator's password: given, kept from an earlier start, or made up."""

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
    """It travels in files that only the owner of the home may read.

    Others may read what a process is started with.
    """

    home: Home
    value: str
    is_set: bool
    """Whether it is that of the last start, so that Pulp knows it."""
    made_up: bool
    """Whether nobody but this process knows it."""

    @classmethod
    def choose(cls, home: Home, given: str | None) -> "AdminPassword":
        """Return the given one, or that of the last start, or a new one."""
        kept = home.read(_KEPT)
        value = given or kept or secrets.token_urlsafe(12)
        return cls(home, value, value == kept, not (given or kept))

    def write(self) -> Path | None:
        """Write it for the process that sets it and return the file; None if it is set."""
        return None if self.is_set else self.home.write(_NEXT, self.value)

    def keep(self) -> None:
        """Remember what was written, for it is set."""
        if not self.is_set:
            (self.home.path / _NEXT).replace(self.home.path / _KEPT)

    def write_netrc(self, host: str) -> Path:
        """Write the file from which curl and others take a password, and return it."""
        quoted = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return self.home.write(_NETRC, f'machine {host} login {USER} password "{quoted}"\n')
