"""The PostgreSQL cluster of a home."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .account import Account
from .home import Home, is_short_enough
from .installation import Installation, shared_folder
from .options import ServerError
from .processes import Process, die_with_parent

_START_SECONDS = 30.0
_OLD_SERVER_SECONDS = 10.0
_DATA = "data"
_INITIALISED = "initialised"
_PREPARING = "preparing"
_PORT = "5432"
"""Only the name of the socket depends on it."""

_CONFIGURATION = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    # A checkpoint during a burst of uploads costs more than the disk space that it saves.
    "max_wal_size": "2GB",
}


@dataclass(slots=True)
class Postgres:
    """A PostgreSQL cluster that belongs to one home."""

    home: Home
    account: Account
    root: Path
    """The cluster's folder: `postgresql` in the home, or the folder that it links to."""
    installation: Installation
    sockets: Path
    """The folder of the cluster's socket. Users who can enter it are superusers of the cluster."""

    @classmethod
    def find(cls, home: Home) -> "Postgres":
        """Return the cluster of a home, which need not exist yet.

        Raises:
            ServerError: this machine has no PostgreSQL, or not of the cluster's version.
        """
        account = Account.unprivileged()
        root = _root(home, account)
        installation = Installation.find(account, _major_of(root))
        sockets = root / "run"
        return cls(
            home, account, root, installation,
            sockets if is_short_enough(sockets) else home.sockets(),
        )  # fmt: skip

    @property
    def data(self) -> Path:
        """The cluster's data folder."""
        return self.root / _DATA

    @property
    def connection(self) -> dict[str, Any]:
        """Django's `DATABASES` entry."""
        return {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": str(self.sockets),
            "PORT": _PORT,
            "NAME": "pulp",
            "USER": "postgres",
            # A new connection costs as much processor time as all queries of a request.
            "CONN_MAX_AGE": None,
            "CONN_HEALTH_CHECKS": True,
        }

    def initialise(self) -> None:
        """Create the cluster if it does not exist.

        Raises:
            ServerError: its folder is used for something else, or it cannot be created.
        """
        if (self.root / _INITIALISED).exists():
            return
        if self.root.exists():
            raise ServerError(f"{self.root} was not made by this server; move it out of its home")
        # The folder gets its name when it is complete, so this one was left by an interruption.
        incomplete = self.root.with_name(f"{self.root.name}.{self.home.identity}")
        shutil.rmtree(incomplete, ignore_errors=True)
        incomplete.mkdir(parents=True)
        self.account.own(incomplete)
        data = incomplete / _DATA
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8",
                  "--locale=C", f"--pgdata={data}")  # fmt: skip
        with (data / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in _CONFIGURATION.items())
        (incomplete / _INITIALISED).touch()
        incomplete.rename(self.root)

    def process(self) -> Process:
        """Return the server process, to be started and supervised like the others."""
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        self.account.own(self.sockets)
        self._end_old_server()
        programs = self.installation.programs
        command = [programs / "postgres", "-D", self.data, "-k", self.sockets, "-p", _PORT]
        return Process(
            "postgresql",
            [str(part) for part in command],
            log=self.home.logs / "postgresql.log",
            env=_environment(),
            stop_signal=signal.SIGINT,  # PostgreSQL's "fast" shutdown
            identity=self.account.popen_arguments,
        )

    def _end_old_server(self) -> None:
        """Wait until the server of a killed supervisor has ended, and kill it if it hangs.

        A lock file whose process is not a PostgreSQL of this cluster is removed. PostgreSQL would
        take any process with that number for a server, and after a reboot or in a new container
        there is one.
        """
        lock = self.data / "postmaster.pid"
        deadline = time.monotonic() + _OLD_SERVER_SECONDS
        while (pid := _owner(lock, self.data)) is not None:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGQUIT)
                deadline += _OLD_SERVER_SECONDS
            time.sleep(0.1)
        lock.unlink(missing_ok=True)
        for leftover in self.sockets.glob(".s.PGSQL.*"):
            leftover.unlink()

    def wait(self, process: Process) -> None:
        """Wait until the cluster answers, and create the database at the first start.

        Raises:
            ServerError: the cluster took too long; the message contains the end of its log.
        """
        deadline = time.monotonic() + _START_SECONDS
        while self._psql("postgres", "SELECT 1").returncode:
            if time.monotonic() > deadline:
                raise ServerError(f"PostgreSQL did not start; {process.log_tail()}")
            # After a crash the last processes of the old server may be in the way for a moment.
            process.restart_if_dead()
            time.sleep(0.1)
        preparing = self.root / _PREPARING
        if preparing.exists():
            # Some of pulpcore's migrations are not transactions, and cannot be completed later.
            self._psql("postgres", "DROP DATABASE IF EXISTS pulp WITH (FORCE)").check_returncode()
        if not self._psql("postgres", "SELECT 1 FROM pg_database WHERE datname='pulp'").stdout:
            preparing.touch()
            self._psql("postgres", "CREATE DATABASE pulp").check_returncode()

    def mark_prepared(self) -> None:
        """Mark the database as prepared, so that the next start keeps it."""
        (self.root / _PREPARING).unlink(missing_ok=True)

    def _psql(self, database: str, sql: str) -> subprocess.CompletedProcess[str]:
        return self._run("psql", "-h", str(self.sockets), "-p", _PORT, "-U", "postgres", "-Atqc",
                         sql, database, check=False)  # fmt: skip

    def _run(
        self, program: str, *args: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(self.installation.programs / program), *args],
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            preexec_fn=die_with_parent(signal.SIGKILL),
            env=_environment(),
            **self.account.popen_arguments,
        )
        if check and done.returncode:
            raise ServerError(f"{program} failed: {done.stderr.strip()}")
        return done


def has_own_database(environ: Mapping[str, str], settings: Mapping[str, object]) -> bool:
    """Tell whether the operator's settings or variables name another database."""
    return "DATABASES" in settings or any(name.startswith("PULP_DATABASES") for name in environ)


def _root(home: Home, account: Account) -> Path:
    inside = home.path / "postgresql"
    if inside.is_symlink():
        return inside.readlink()
    if account.can_enter(home.path):
        return inside
    if inside.exists():
        raise ServerError(
            f"PostgreSQL's user cannot enter {home.path}, where its data lies: let every user "
            "pass through it and the folders above it (chmod o+x)"
        )
    outside = shared_folder() / home.identity
    # Linked before it is made: a later change of a folder's mode must not change where data is.
    inside.symlink_to(outside)
    return outside


def _major_of(root: Path) -> int | None:
    """Return the major version of a cluster's data, None if the cluster does not exist yet."""
    if not (root / _INITIALISED).exists():
        return None
    return int((root / _DATA / "PG_VERSION").read_text())


def _owner(lock: Path, data: Path) -> int | None:
    """Return the id of the process that runs a cluster, None if there is none."""
    try:
        pid = int(lock.read_text().split("\n", 1)[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if os.fsencode(data) in command else None


def _environment() -> dict[str, str]:
    """Return the environment without variables that lead PostgreSQL's programs elsewhere."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**ours, "LC_ALL": "C"}
