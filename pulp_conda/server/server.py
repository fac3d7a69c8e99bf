"""The server as a whole: it is set up, started, supervised and stopped."""

import errno
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from .account import Account
from .bootstrap import PASSWORD_FILE
from .configuration import (
    UPLOAD_SECONDS,
    environment,
    operator_file,
    operator_settings,
    write_settings,
)
from .home import Home
from .logs import rotate
from .options import Options, ServerError
from .password import AdminPassword
from .postgres import Postgres, has_own_database
from .privileges import give_up_root
from .processes import Process, stop_all

_READY_SECONDS = 120.0
_STOP_SECONDS = 9.0
_STOP_PULP_SECONDS = 4.0
_ROTATE_SECONDS = 10.0
_GUNICORNS = ("api", "content")

Say = Callable[[str], None]


class Server:
    """PostgreSQL, Pulp's processes and the proxy in front of them, with one home."""

    def __init__(self, options: Options, say: Say) -> None:
        self.options = options
        self._say = say
        self._home = Home(options.home)
        self._listener: socket.socket | None = None
        self._database: Process | None = None
        self._processes: list[Process] = []
        self._rotated = 0.0
        self._alive: set[int] = set()
        self._processes_died = False
        self.origin = ""
        self.made_up_password: str | None = None
        """The administrator's password, at the start that generates it."""
        self.netrc = Path()
        """A netrc file with the administrator's password, for curl and other clients."""

    def start(self) -> None:
        """Start everything; return when clients can use the server.

        Raises:
            ServerError: the server cannot start.
        """
        self._listen()
        obstacle = self._give_up_root()
        self._home.open()
        if obstacle:
            self._say(f"Pulp's processes run as root, since {obstacle}")
        own, own_settings = operator_settings(self._home)
        postgres = None
        if not has_own_database(os.environ, own_settings):
            postgres = self._start_database()
        connection = postgres.connection if postgres else None
        settings = write_settings(self._home, self.options, self.origin, connection, own)
        env = environment(settings, has_own_database=connection is None)
        self._bootstrap(env, AdminPassword.choose(self._home, self.options.admin_password))
        if postgres:
            postgres.mark_prepared()
        self._say("starting Pulp")
        self._start_pulp(env)
        self._wait_until_ready()
        self._write_pids()

    def supervise(self) -> None:
        """Start processes again that died, and rotate logs; call it repeatedly."""
        everything = [self._database, *self._processes] if self._database else self._processes
        for process in everything:
            if process.restart_if_dead():
                self._say(f"{process.name} had died and was started again; see {process.log}")
                self._write_pids()
        self._reap_dead_processes()
        self._rotate_logs()

    def stop(self) -> None:
        """Stop every process, PostgreSQL last, within ten seconds."""
        deadline = time.monotonic() + _STOP_SECONDS
        stop_all(self._processes, _STOP_PULP_SECONDS)
        if self._database:
            # It writes its memory to disk; with more time for that, the next start is faster.
            stop_all([self._database], deadline - time.monotonic())
        if self._listener:
            self._listener.close()
        self._home.close()

    def _listen(self) -> None:
        """Open the port first, so that nothing is set up if the port is in use."""
        host, port = self.options.host, self.options.port
        self._listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind((host, port))
            self._listener.listen(1024)
        except OverflowError as error:
            raise ServerError(f"{port} is not a port; they end at 65535") from error
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ServerError(f"port {port} is in use; choose another with --port") from error
            raise ServerError(f"cannot listen on {host}:{port}: {error.strerror}") from error
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 (compared)
        self.origin = f"http://{shown}:{self._listener.getsockname()[1]}"

    def _give_up_root(self) -> str | None:
        if os.geteuid() != 0:
            return None
        return give_up_root(self._home, Account.unprivileged(), operator_file(self._home))

    def _start_database(self) -> Postgres:
        postgres = Postgres.find(self._home)
        self._say(f"starting PostgreSQL in {postgres.root}")
        postgres.initialise()
        self._database = postgres.process()
        self._database.start()
        postgres.wait(self._database)
        return postgres

    def _bootstrap(self, env: dict[str, str], password: AdminPassword) -> None:
        self._say("preparing the database")
        file = password.write()
        bootstrap = Process(
            "bootstrap",
            [sys.executable, "-m", "pulp_conda.server.bootstrap"],
            self._home.logs / "bootstrap.log",
            {**env, **({PASSWORD_FILE: str(file)} if file else {})},
        )
        try:
            if bootstrap.run() != 0:
                raise ServerError(f"preparing the database failed; {bootstrap.log_tail()}")
        finally:
            bootstrap.kill()
        password.keep()
        self.made_up_password = password.value if password.made_up else None
        self.netrc = password.write_netrc(urlsplit(self.origin).hostname or "")

    def _start_pulp(self, env: dict[str, str]) -> None:
        sockets = self._home.sockets()
        api, content = sockets / "api.sock", sockets / "content.sock"
        gunicorn = ("--no-control-socket", "--graceful-timeout", "3")
        self._add(
            env, "api", *_pulp("pulpcore.app.entrypoint:main"), f"--bind=unix:{api}",
            # Loaded once and forked, eight take less memory than two that load by themselves.
            "--preload",
            f"--workers={self.options.api_workers}", f"--timeout={UPLOAD_SECONDS}", *gunicorn,
        )  # fmt: skip
        self._add(
            env, "content", *_pulp("pulpcore.content.entrypoint:main"), f"--bind=unix:{content}",
            f"--workers={self.options.content_workers}", *gunicorn,
        )  # fmt: skip
        for number in range(1, self.options.workers + 1):
            self._add(env, f"worker-{number}", *_pulp("pulpcore.tasking.entrypoint:worker"))
        assert self._listener is not None  # noqa: S101 (start() opened it)
        fd = self._listener.fileno()
        self._add(
            env, "proxy", sys.executable, "-m", "pulp_conda.server.proxy",
            f"--fd={fd}", f"--api={api}", f"--content={content}",
            f"--per-address={self.options.requests_per_address}",
        )  # fmt: skip
        self._processes[-1].pass_fds = (fd,)
        command = [sys.executable, "-m", "pulp_conda.app.core.dead_processes"]
        self._reaper = Process("reaper", command, self._home.logs / "reaper.log", env)
        for process in self._processes:
            process.start()

    def _add(self, env: dict[str, str], name: str, *command: str) -> None:
        log = self._home.logs / f"{name}.log"
        self._processes.append(Process(name, list(command), log, env, cwd=self._home.tmp))

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not self._is_ready():
            if time.monotonic() > deadline:
                raise ServerError(f"Pulp did not become ready; see {self._home.logs}")
            for process in self._processes:
                if not process.is_running():
                    raise ServerError(f"{process.name} ended at its start; {process.log_tail()}")
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        try:
            url = f"{self.origin}/pulp/api/v3/status/"
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (our own)
                status = json.load(answer)
        except (urllib.error.URLError, OSError, ValueError):
            return False
        kinds = ("online_workers", "online_api_apps", "online_content_apps")
        return all(status.get(kind) for kind in kinds)

    def _reap_dead_processes(self) -> None:
        """Report processes that died to Pulp, including gunicorn's children."""
        alive = {pid for process in self._processes for pid in _recorded(process)}
        self._processes_died |= bool(self._alive - alive)
        self._alive = alive
        if self._processes_died and not self._reaper.is_running():
            self._processes_died = False
            self._reaper.start()

    def _rotate_logs(self) -> None:
        if time.monotonic() < self._rotated + _ROTATE_SECONDS:
            return
        self._rotated = time.monotonic()
        for log in self._home.logs.glob("*.log"):
            try:
                rotate(log)
            except OSError as error:
                self._say(f"{log} cannot be rotated: {error.strerror}")

    def _write_pids(self) -> None:
        everything = [*self._processes, *([self._database] if self._database else [])]
        pids = {process.name: process.pid for process in everything}
        self._home.write("processes.json", json.dumps(pids, indent=2))


def _recorded(process: Process) -> set[int]:
    """Return the ids of a process and its children that live and of which Pulp has a record.

    Each child of gunicorn has one (`AppStatus`). A worker's child has none: it ends with its task,
    and the worker itself notices if it dies.
    """
    family = process.family()
    return family if process.name in _GUNICORNS else family & {process.pid}


def _pulp(entry_point: str) -> list[str]:
    """Return the command of one of Pulp's programs.

    The installed script is not used: it names its interpreter by a path, which breaks when the
    checkout is moved or the path is too long.
    """
    return [sys.executable, "-P", "-m", "pulp_conda.server.program", entry_point]
