"""Who runs the server where root starts it, and where that user may go."""

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
    """An operating system's user: ourselves, unless we are root."""

    other: pwd.struct_passwd | None
    """None for ourselves."""

    @classmethod
    def unprivileged(cls) -> "Account":
        """Return who can run PostgreSQL, which root cannot: ourselves, or a system user for it."""
        if os.geteuid() != 0:
            return cls(None)
        try:
            return cls(pwd.getpwnam(_OS_USER))
        except KeyError:
            return cls(_create())

    @property
    def popen_arguments(self) -> dict[str, Any]:
        """What makes `subprocess` run a program as this user."""
        if self.other is None:
            return {}
        return {"user": self.other.pw_uid, "group": self.other.pw_gid, "extra_groups": []}

    @property
    def is_ours(self) -> bool:
        """Whether it is a user that nothing but servers of this kind runs as."""
        return self.other is not None and self.other.pw_name == _OS_USER

    def become(self) -> None:
        """Be this user from now on, with all that is started later."""
        if self.other is not None:
            os.setgroups([])
            os.setresgid(self.other.pw_gid, self.other.pw_gid, self.other.pw_gid)
            os.setresuid(self.other.pw_uid, self.other.pw_uid, self.other.pw_uid)
            os.environ.update(
                HOME=self.other.pw_dir, USER=self.other.pw_name, LOGNAME=self.other.pw_name
            )

    def own(self, folder: Path) -> None:
        """Give a folder to this user alone."""
        if self.other is not None:
            os.chown(folder, self.other.pw_uid, self.other.pw_gid, follow_symlinks=False)
        folder.chmod(0o700)

    def can_enter(self, folder: Path) -> bool:
        """Tell whether the user gets through to a folder and into it."""
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
        # Without useradd (Alpine, distroless): a user that every system has.
        return pwd.getpwnam("nobody")
    if done.returncode not in (0, 9):  # 9: another server was faster
        raise ServerError(
            f"PostgreSQL does not run as root, and the user {_OS_USER} for it cannot be made: "
            f"{done.stderr.strip()}"
        )
    return pwd.getpwnam(_OS_USER)
