"""The operating system's user that runs the server if root starts it."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .options import ServerError

_OS_USER = "pulp_conda"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system: the current one, or another if the current one is root."""

    other: pwd.struct_passwd | None
    """None for the current user."""

    @classmethod
    def unprivileged(cls) -> "Account":
        """Return a user who can run PostgreSQL, since root cannot: the current or a system user."""
        if os.geteuid() != 0:
            return cls(None)
        try:
            return cls(pwd.getpwnam(_OS_USER))
        except KeyError:
            return cls(_create())

    @property
    def popen_arguments(self) -> dict[str, Any]:
        """The arguments with which `subprocess.Popen` runs a program as this user."""
        if self.other is None:
            return {}
        return {"user": self.other.pw_uid, "group": self.other.pw_gid, "extra_groups": []}

    @property
    def is_ours(self) -> bool:
        """Whether this is the user that was made for servers of this kind."""
        return self.other is not None and self.other.pw_name == _OS_USER

    def become(self) -> None:
        """Switch this process, and all that it starts later, to this user."""
        if self.other is not None:
            os.setgroups([])
            os.setresgid(self.other.pw_gid, self.other.pw_gid, self.other.pw_gid)
            os.setresuid(self.other.pw_uid, self.other.pw_uid, self.other.pw_uid)
            os.environ.update(
                HOME=self.other.pw_dir, USER=self.other.pw_name, LOGNAME=self.other.pw_name
            )

    def own(self, folder: Path) -> None:
        """Make this user the owner of a folder that nobody else may enter."""
        if self.other is not None:
            os.chown(folder, self.other.pw_uid, self.other.pw_gid, follow_symlinks=False)
        folder.chmod(0o700)

    def can_enter(self, folder: Path) -> bool:
        """Tell whether the user may enter a folder and the folders above it."""
        return self.can_run(["test", "-x", str(folder)])

    def can_run(self, command: Sequence[str]) -> bool:
        """Tell whether a command succeeds for this user."""
        try:
            done = subprocess.run(
                ["/usr/bin/env", *command],
                check=False,
                cwd="/",
                capture_output=True,
                **self.popen_arguments,
            )
        except OSError:
            return False
        return done.returncode == 0


def _create() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--no-create-home", "--home-dir", "/", _OS_USER]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except FileNotFoundError:
        # Without useradd (Alpine, distroless), use a user that every system has.
        return pwd.getpwnam("nobody")
    if done.returncode not in (0, 9):  # 9: another server was faster
        raise ServerError(
            f"PostgreSQL does not run as root, and its user {_OS_USER} cannot be created: "
            f"{done.stderr.strip()}"
        )
    return pwd.getpwnam(_OS_USER)
