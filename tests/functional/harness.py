"""A real server in processes of its own, and the clients that the tests talk to it with."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import requests

from tests.processes import dies_with_tests

PASSWORD = "password"  # the admin's, in tests
PATIENCE_SECONDS = 300
"""How long a test waits for anything, on a machine of any load. It measures nothing."""
ONE_OF_EACH = ("--workers", "1", "--api-workers", "1", "--content-workers", "1")
"""Arguments of a server with one process of each kind, which starts in a third of the time."""


@dataclass
class RunningServer:
    """A server that `python -m pulp_conda.server` started."""

    home: Path
    domains: bool = False
    arguments: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    checkout: Path | None = None
    """Another checkout to run the server of, with its virtual environment in `.venv`."""
    origin: str = ""
    output: str = ""
    _process: "subprocess.Popen[str] | None" = None

    @property
    def python(self) -> str:
        """The Python of the checkout's environment."""
        return str(self.checkout / ".venv/bin/python") if self.checkout else sys.executable

    def start(self) -> "RunningServer":
        """Start the server and wait for its line `ready:`."""
        command = [
            self.python, "-m", "pulp_conda.server", "--home", str(self.home), "--port", "0",
            *(["--domains"] if self.domains else []), *self.arguments,
        ]  # fmt: skip
        self.home.parent.mkdir(parents=True, exist_ok=True)
        env = {**os.environ, "PULP_CONDA_ADMIN_PASSWORD": PASSWORD, **self.env}
        with self.log.open("w") as output:
            self._process = subprocess.Popen(
                command, stdout=output, stderr=output, text=True, env=env,
                preexec_fn=dies_with_tests, cwd=self.checkout,
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            self.output = self.log.read_text()
            if found := re.search(r"^ready: (\S+)$", self.output, re.MULTILINE):
                self.origin = found[1]
                return self
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"the server did not start:\n{self.output}")

    @property
    def log(self) -> Path:
        """The server's output, beside its home because a new home must be empty."""
        return self.home.with_name(f"{self.home.name}.log")

    def stop(self) -> float:
        """Stop the server as Ctrl-C does; return how many seconds that took."""
        assert self._process is not None
        began = time.monotonic()
        self._process.send_signal(signal.SIGINT)
        assert self._process.wait(timeout=PATIENCE_SECONDS) == 0
        return time.monotonic() - began

    def __enter__(self) -> Self:
        """Return the server, which has been started."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server."""
        self.stop()

    def restart(self) -> None:
        """Stop the server and start it with the same home; the port may change."""
        self.stop()
        self.start()

    def kill_everything(self) -> None:
        """Kill all processes at once, as a power failure does."""
        assert self._process is not None
        pids = self.pids()
        self._process.kill()
        self._process.wait()
        for pid in pids.values():
            _kill_group(pid)

    def pids(self) -> dict[str, int]:
        """Return the process ids by name; each process leads a group."""
        pids: dict[str, int] = json.loads((self.home / "processes.json").read_text())
        return pids

    def sockets(self) -> Path:
        """Return the folder of the API's and the content app's sockets."""
        command = Path(f"/proc/{self.pids()['proxy']}/cmdline").read_text().split("\0")
        return next(Path(part[6:]).parent for part in command if part.startswith("--api="))

    def kill(self, prefix: str) -> None:
        """Kill the processes whose names start with `prefix`, and their children."""
        for name, pid in self.pids().items():
            if name.startswith(prefix):
                _kill_group(pid)

    def shell(self, code: str) -> str:
        """Run Python in another process with this server's settings; return its output."""
        env = {
            **os.environ,
            "PULP_SETTINGS": str(self.home / "settings.py"),
            "DJANGO_SETTINGS_MODULE": "pulpcore.app.settings",
        }
        command = [sys.executable, "-c", f"import django\ndjango.setup()\n{code}"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def channel(self, owner: str, channel: str | None = None) -> str:
        """Return the registry's URL of a channel."""
        base = f"{self.origin}/api/packages/{owner}/conda"
        return f"{base}/{channel}" if channel else base

    def put(
        self,
        url: str,
        body: Any,
        *,
        auth: tuple[str, str] | None = ("admin", PASSWORD),
        **kwargs: Any,
    ) -> requests.Response:
        """Upload as curl does."""
        return requests.put(url, data=body, auth=auth, timeout=PATIENCE_SECONDS, **kwargs)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def failed_start(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a server that is expected to refuse to start."""
    return subprocess.run(
        [sys.executable, "-m", "pulp_conda.server", *arguments],
        check=False, capture_output=True, text=True, timeout=PATIENCE_SECONDS,
    )  # fmt: skip


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Rest:
    """Pulp's REST API."""

    def __init__(
        self,
        server: RunningServer,
        domain: str = "default",
        auth: tuple[str, str] = ("admin", PASSWORD),
    ) -> None:
        self.server = server
        self.domain = domain
        self._session = requests.Session()
        self._session.auth = auth

    @property
    def root(self) -> str:
        """The API's path."""
        return f"/pulp/{self.domain}/api/v3/" if self.server.domains else "/pulp/api/v3/"

    def _full(self, path: str) -> str:
        return path if path.startswith("/") else self.root + path

    def request(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Send a request to a path, relative to the API's root unless it begins with a slash."""
        url = self.server.origin + self._full(path)
        return self._session.request(method, url, timeout=PATIENCE_SECONDS, **kwargs)

    def get(self, path: str, **params: Any) -> Any:
        """Read one resource or list."""
        answer = self.request("GET", path, params=params)
        assert answer.ok, answer.text
        return answer.json()

    def create(self, path: str, **body: Any) -> Any:
        """Create a resource and return it, also if a task creates it among others."""
        answer = self.request("POST", path, json=body)
        assert answer.ok, answer.text
        if answer.status_code == 201:
            return answer.json()
        created: list[str] = self.wait(answer)["created_resources"]
        return self.get(next(href for href in created if href.startswith(self._full(path))))

    def update(self, path: str, **body: Any) -> None:
        """Change a resource, also if a task does it. No change is no error."""
        answer = self.request("PATCH", path, json=body)
        assert answer.ok, answer.text
        if answer.status_code == 202:
            self.wait(answer)

    def wait(self, answer: requests.Response, *, state: str = "completed") -> Any:
        """Wait for the task in an answer and return it; it must end in `state`."""
        assert answer.status_code == 202, answer.text
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            task = self.get(answer.json()["task"])
            if task["state"] in ("completed", "failed", "canceled", "skipped"):
                assert task["state"] == state, task["error"]
                return task
            time.sleep(0.05)
        raise AssertionError(f"the task did not end: {task}")

    def upload(self, content: bytes, **fields: Any) -> Any:
        """Upload a package by Pulp's own API and return the unit."""
        answer = self.request(
            "POST", "content/conda/packages/", files={"file": ("package", content)}, data=fields
        )
        created: list[str] = self.wait(answer)["created_resources"]
        return self.get(next(href for href in created if "/content/" in href))
