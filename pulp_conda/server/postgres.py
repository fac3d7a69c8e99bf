"""A PostgreSQL cluster of a home's own."""

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
_PREDECESSOR_SECONDS = 10.0
_DATA = "data"
_INITIALISED = "initialised"
_PREPARING = "preparing"
_PORT = "5432"
"""Only the name of the socket depends on it."""

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
    account: Account
    root: Path
    """The cluster's folder: `postgresql` in the home, or what that is a link to."""
    installation: Installation
    sockets: Path
    """The folder of the cluster's socket; who can enter it is a superuser of the cluster."""

    @classmethod
    def find(cls, home: Home) -> "Postgres":
        """Return the cluster of a home, whether it exists already or not.

        Raises:
            ServerError: there is no PostgreSQL on this machine, or not the one that is needed.
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
            # A new connection costs a request as much processor time as all that it asks.
            "CONN_MAX_AGE": None,
            "CONN_HEALTH_CHECKS": True,
        }

    def initialise(self) -> None:
        """Create the cluster where there is none.

        Raises:
            ServerError: something else is in its place, or it cannot be created.
        """
        if (self.root / _INITIALISED).exists():
            return
        if self.root.exists():
            raise ServerError(f"{self.root} was not made by this server; move it out of its home")
        # It gets its name when it is whole, so whatever bears this one was left half-made.
        making = self.root.with_name(f"{self.root.name}.{self.home.identity}")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        self.account.own(making)
        data = making / _DATA
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8",
                  "--locale=C", f"--pgdata={data}")  # fmt: skip
        with (data / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in _CONFIGURATION.items())
        (making / _INITIALISED).touch()
        making.rename(self.root)

    def process(self) -> Process:
        """Return the server process, to be started and supervised like the others."""
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        self.account.own(self.sockets)
        self._end_predecessor()
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

    def _end_predecessor(self) -> None:
        """Wait for the server of a supervisor that was killed, and end it where it hangs.

        A lock file whose process is another's is removed: PostgreSQL would take any process
        with that number for a server, and after a reboot or in a new container there is one.
        """
        lock = self.data / "postmaster.pid"
        deadline = time.monotonic() + _PREDECESSOR_SECONDS
        while (pid := _owner(lock, self.data)) is not None:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGQUIT)
                deadline += _PREDECESSOR_SECONDS
            time.sleep(0.1)
        lock.unlink(missing_ok=True)
        for leftover in self.sockets.glob(".s.PGSQL.*"):
            leftover.unlink()

    def wait(self, process: Process) -> None:
        """Wait until the cluster answers, and create the database the first time.

        Raises:
            ServerError: it ended or took too long; names its log.
        """
        deadline = time.monotonic() + _START_SECONDS
        while self._psql("postgres", "SELECT 1").returncode:
            if time.monotonic() > deadline:
                raise ServerError(f"PostgreSQL did not start; {process.log_tail()}")
            # After a crash the old cluster's last processes may be in the way for a moment.
            process.restart_if_dead()
            time.sleep(0.1)
        preparing = self.root / _PREPARING
        if preparing.exists():
            # Some of pulpcore's migrations are no transactions: half of one cannot be completed.
            self._psql("postgres", "DROP DATABASE IF EXISTS pulp WITH (FORCE)").check_returncode()
        if not self._psql("postgres", "SELECT 1 FROM pg_database WHERE datname='pulp'").stdout:
            preparing.touch()
            self._psql("postgres", "CREATE DATABASE pulp").check_returncode()

    def keep(self) -> None:
        """Have the next start take the database as it is, for it is prepared by now."""
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
    """Tell whether the operator names a database of their own."""
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
    # Recorded before it is made: where the data is must never depend on a folder's mode later on.
    inside.symlink_to(outside)
    return outside


def _major_of(root: Path) -> int | None:
    """Return the major version that a cluster was made by, None where there is none yet."""
    if not (root / _INITIALISED).exists():
        return None
    return int((root / _DATA / "PG_VERSION").read_text())


def _owner(lock: Path, data: Path) -> int | None:
    """Return the process that holds a cluster, None where it is gone."""
    try:
        pid = int(lock.read_text().split("\n", 1)[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if os.fsencode(data) in command else None


def _environment() -> dict[str, str]:
    """Return our environment without what would make PostgreSQL's programs look elsewhere."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**ours, "LC_ALL": "C"}
