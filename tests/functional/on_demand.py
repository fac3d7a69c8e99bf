"""Channels whose files are fetched from an upstream, on a server with two content processes."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import NamedTuple

import requests

from tests.functional import faulty_upstream as faults
from tests.functional.faulty_upstream import FaultyUpstream
from tests.functional.mirrored import File, Mirror, Saver, saver
from tests.functional.production import Production, production

_NETWORKS = '["127.0.0.0/8"]'
MIB = 1024**2
LARGE, SMALL = 3 * MIB + 5, 20_000
HELD_BACK = 64 * 1024
_numbers = count()
_bytes = random.Random(1)


class Running(NamedTuple):
    """A server with two content processes, and their origins."""

    server: Production
    origins: list[str]
    saver: Saver


@contextmanager
def server_with_two_processes(home: Path) -> Iterator[Running]:
    """Start the server of a prepared home, which may ask upstreams on this machine."""
    with production(home, PULP_CONDA_UPSTREAM_ALLOWED_NETWORKS=_NETWORKS) as started:
        started.start_api("--timeout=900")
        started.start_worker("worker")
        origins = [started.start_content(name) for name in ("content-1", "content-2")]
        with saver(started.env) as saves:
            yield Running(started, origins, saves)


class Channel:
    """A channel of its own for each test, with one package that is not here."""

    def __init__(self, running: Running, upstream: FaultyUpstream) -> None:
        self.server, self.origins, self.saver = running
        self.upstream = upstream
        self.name = f"mirror{next(_numbers)}"
        self.path = f"{self.name}/noarch/demo-1.0-0.conda"
        self.body = b""
        self.repository = ""

    def has(
        self,
        size: int,
        *told: faults.Fault | None,
        policy: str = "on_demand",
        by_md5: bool = False,
        sized: bool = True,
    ) -> "Channel":
        """Let the upstream have a file, and the channel its record."""
        self.body = _bytes.randbytes(size)
        self.upstream.files[self.path] = self.body
        self.upstream.faults[self.path] = list(told)
        files = [File.of("demo-1.0-0.conda", self.body, by_md5=by_md5, sized=sized)]
        self.mirror([f"{self.upstream.origin}/{self.name}"], files, policy)
        return self

    def mirror(self, urls: list[str], files: list[File], policy: str = "on_demand") -> None:
        """Put packages without files into the channel."""
        saved = self.saver.save(Mirror(f"{self.name}/main", urls, files, policy))
        self.repository = saved["repository"]
        self._post(f"{self.repository}modify/", add_content_units=saved["packages"])

    def reclaim(self) -> None:
        """Let Pulp free the room of the channel's files."""
        self._post("/pulp/api/v3/repositories/reclaim_space/", repo_hrefs=[self.repository])

    def _post(self, path: str, **body: object) -> None:
        """Start a task, and wait until it is completed."""
        auth = ("admin", "password")
        answer = requests.post(f"{self.server.api}{path}", json=body, auth=auth, timeout=60)
        assert answer.status_code == 202, answer.text
        task = f"{self.server.api}{answer.json()['task']}"

        def is_completed() -> bool:
            state: str = requests.get(task, auth=auth, timeout=60).json()["state"]
            assert state != "failed"
            return state == "completed"

        self.server.wait(is_completed)

    def url(self, process: int = 0) -> str:
        """Return the URL of the package at one of the content processes."""
        return (
            f"{self.origins[process]}/api/packages/{self.name}/conda/main/noarch/demo-1.0-0.conda"
        )

    def get(self, process: int = 0, **headers: str) -> requests.Response:
        """Get the package."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.get(self.url(process), headers=named, timeout=300)

    def partial(self, process: int = 0) -> bytes:
        """Return what a client gets of a file whose connection is broken."""
        got = bytearray()
        with requests.get(self.url(process), stream=True, timeout=300) as answer:
            assert answer.status_code == 200
            try:
                for chunk in answer.iter_content(4096):
                    got += chunk
            except requests.RequestException:
                return bytes(got)
        raise AssertionError("the whole file came")

    def asked(self) -> list[str]:
        """Return the range of each request to the upstream."""
        return self.upstream.requests_for(self.path)

    def is_stored(self) -> bool:
        """Return whether the file is an artifact of the package."""
        digest = sha256(self.body).hexdigest()
        stored: int = self.server.query(
            "SELECT count(*) FROM core_contentartifact c JOIN core_artifact a ON a.pulp_id ="
            f" c.artifact_id WHERE a.sha256 = '{digest}'"
        )
        return stored > 0

    def spools(self) -> list[str]:
        """Return what fetches have left in the working directory."""
        folder = self.server.home.tmp / "conda-fetch"
        return [path.name for path in folder.iterdir()] if folder.exists() else []
