"""Pulp's processes as an administrator starts them: one by one, without a supervisor."""

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import requests

from pulp_conda.server.configuration import environment, write_settings
from pulp_conda.server.home import Home
from pulp_conda.server.options import parse_options
from pulp_conda.server.postgres import Postgres
from pulp_conda.server.processes import Process, stop_all
from tests.functional.harness import PASSWORD

_START_SECONDS = 120
_API = "pulpcore.app.entrypoint:main"
_CONTENT = "pulpcore.content.entrypoint:main"
_WORKER = "pulpcore.tasking.entrypoint:worker"


@dataclass
class Production:
    """A PostgreSQL, the processes that a test starts, and requests to these."""

    home: Home
    postgres: Postgres
    env: dict[str, str]
    processes: dict[str, Process] = field(default_factory=dict)
    api: str = ""
    content: str = ""

    def start_api(self, *arguments: str, name: str = "api") -> None:
        """Start the API, and wait until it answers."""
        log = self._start(name, _API, "--bind=127.0.0.1:0", *arguments)
        self.api = self._origin(log)
        self.wait(lambda: requests.get(f"{self.api}/pulp/api/v3/status/", timeout=60).ok)

    def start_content(self, name: str = "content", **settings: str) -> str:
        """Start the content app; return its origin."""
        log = self._start(name, _CONTENT, "--bind=127.0.0.1:0", **settings)
        self.content = self._origin(log)
        return self.content

    def start_worker(self, name: str) -> None:
        """Start a worker, and wait until it is online."""
        online = "SELECT count(*) FROM core_appstatus WHERE app_type = 'worker'"
        before = self.query(online)
        self._start(name, _WORKER)
        self.wait(lambda: self.query(online) > before)

    def kill(self, name: str) -> None:
        """Kill a process and all processes that it forked."""
        self.processes.pop(name).kill()

    def kill_alone(self, name: str) -> None:
        """Kill a process, but not the processes that it forked."""
        process = self.processes.pop(name)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)

    def bury(self) -> None:
        """Forget the processes that have died."""
        self.processes = {n: each for n, each in self.processes.items() if each.is_running()}

    def _start(self, name: str, program: str, *arguments: str, **settings: str) -> Path:
        log = self.home.logs / f"{name}.log"
        command = [sys.executable, "-m", "tests.functional.failpoints", program, *arguments]
        env = {**self.env, **settings}
        process = Process(name, command, log, env, cwd=Path(__file__).parents[2])
        process.start()
        self.processes[name] = process
        return log

    def _origin(self, log: Path) -> str:
        self.wait(lambda: "Listening at: " in log.read_text())
        found = re.search(r"Listening at: (http://\S+)", log.read_text())
        assert found is not None
        return found[1]

    def wait(self, condition: Any) -> None:
        """Wait until a condition holds."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            try:
                if condition():
                    return
            except requests.ConnectionError:
                pass
            dead = [process for process in self.processes.values() if not process.is_running()]
            assert not dead, dead[0].log_tail()
            time.sleep(0.05)
        raise AssertionError("the condition did not come true")

    def query(self, statement: str) -> Any:
        """Return the single value that a statement selects."""
        where = self.postgres.connection
        with psycopg.connect(
            host=where["HOST"], port=where["PORT"], dbname=where["NAME"], user=where["USER"],
            autocommit=True,
        ) as connection:  # fmt: skip
            row = connection.execute(statement).fetchone()
        return row and row[0]

    def order(self, instant: str, action: str) -> None:
        """Make the next process that reaches an instant run an action (see `failpoints`)."""
        self.hit(instant).unlink(missing_ok=True)
        (self.home.tmp / "failpoints" / instant).write_text(action)

    def hit(self, instant: str) -> Path:
        """Return the file that appears when a process has run the action."""
        return self.home.tmp / "failpoints" / f"{instant}.hit"

    def wait_for_hit(self, instant: str) -> int:
        """Wait until a process has run the action, and return its id."""
        self.wait(self.hit(instant).exists)
        return int(self.hit(instant).read_text())

    def upload(self, package: bytes, channel: str = "main") -> requests.Response:
        """Upload a package, straight to the API."""
        url = f"{self.api}/api/packages/acme/conda/{channel}/x.conda"
        return requests.put(url, data=package, auth=("admin", PASSWORD), timeout=300)

    def repository(self, channel: str = "main") -> str:
        """Return the path of a channel's repository in Pulp's REST API."""
        url = f"{self.api}/pulp/api/v3/repositories/conda/conda/"
        wanted = {"name": f"acme/{channel}"}
        found = requests.get(url, params=wanted, auth=("admin", PASSWORD), timeout=60)
        href: str = found.json()["results"][0]["pulp_href"]
        return href

    def change(self, channel: str = "main") -> None:
        """Start a change of a channel by Pulp's REST API, which adds packages of another one."""
        body = {"base_version": f"{self.repository('other')}versions/1/"}
        url = f"{self.api}{self.repository(channel)}modify/"
        answer = requests.post(url, json=body, auth=("admin", PASSWORD), timeout=60)
        assert answer.status_code == 202, answer.text

    def remove(self, name: str) -> requests.Response:
        """Remove a package from noarch."""
        url = f"{self.api}/api/packages/acme/conda/main/noarch/{name}"
        return requests.delete(url, auth=("admin", PASSWORD), timeout=300)

    def names(self) -> set[str]:
        """Return the packages in the channel's index, after checking that each can be fetched."""
        url = f"{self.content}/api/packages/acme/conda/main/noarch"
        names = set(requests.get(f"{url}/repodata.json", timeout=60).json()["packages.conda"])
        for name in names:
            assert requests.get(f"{url}/{name}", timeout=60).status_code == 200
        return names


@contextmanager
def production(path: Path, **settings: str) -> Iterator[Production]:
    """Start the database of a prepared home; at the end, stop every process."""
    home = Home(path)
    home.open()
    postgres = Postgres.find(home)
    postgres.initialise()
    options = parse_options(["--home", str(path)])
    written = write_settings(home, options, "http://127.0.0.1", postgres.connection, None)
    failpoints = home.tmp / "failpoints"
    failpoints.mkdir()
    env = {
        **environment(written, has_own_database=False),
        "FAILPOINTS": str(failpoints),
        **settings,
    }
    database = postgres.process()
    database.start()
    running = Production(home, postgres, env)
    try:
        postgres.wait(database)
        yield running
    finally:
        for process in running.processes.values():
            if process.pid:
                _continue(process.pid)
        stop_all(running.processes.values(), 5)
        stop_all([database], 10)
        home.close()


def _continue(group: int) -> None:
    try:
        os.killpg(group, signal.SIGCONT)
    except ProcessLookupError:
        return
