"""Clients that upload to a server, one or many at once, and what the server spends on them."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from itertools import chain
from os import sysconf
from pathlib import Path
from typing import NamedTuple

import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import bearer
from tests.functional.harness import RunningServer
from tests.processes import dies_with_tests

_PAYLOAD_BYTES = 18_000  # makes a package of about 20 kB


def milliseconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


def packages(label: str, count: int) -> list[bytes]:
    """Return different packages."""
    return [
        PackageBuilder(f"{label}{number}").payload(_PAYLOAD_BYTES).conda()
        for number in range(count)
    ]


class Client:
    """A client with a token and one connection."""

    def __init__(self, server: RunningServer, token: str) -> None:
        self.server = server
        self._session = requests.Session()
        self._session.headers.update(bearer(token))

    def put(self, channel: str, body: bytes) -> int:
        """Upload and return the status."""
        url = f"{self.server.channel('bench', channel)}/x.conda"
        return self._session.put(url, data=body, timeout=300).status_code

    def upload(self, channel: str, package: bytes) -> None:
        """Upload a package and insist on 201."""
        assert self.put(channel, package) == HTTPStatus.CREATED

    def get(self, url: str) -> None:
        """Fetch a file."""
        answer = self._session.get(url, timeout=60)
        assert answer.status_code == HTTPStatus.OK, answer.text


class Burst(NamedTuple):
    """The uploads of many clients at once."""

    a_second: float
    """Uploads that were answered by 201."""
    p95_ms: float
    processor_ms: float
    """Of the server and PostgreSQL, for one upload."""
    refused: int
    """Uploads that were answered by 503; they are not repeated."""


def burst(clients: list[Client], channel: str, made: list[bytes]) -> Burst:
    """Upload packages from all clients at once."""

    def work(number: int) -> list[tuple[float, int]]:
        answers = []
        for package in made[number :: len(clients)]:
            began = time.perf_counter()
            status = clients[number].put(channel, package)
            assert status in (HTTPStatus.CREATED, HTTPStatus.SERVICE_UNAVAILABLE), status
            answers.append((time.perf_counter() - began, status))
        return answers

    spent = processor_seconds(clients[0].server)
    with ThreadPoolExecutor(len(clients)) as pool:
        began = time.perf_counter()
        answers = sorted(chain.from_iterable(pool.map(work, range(len(clients)))))
        took = time.perf_counter() - began
    spent = processor_seconds(clients[0].server) - spent
    done = sum(status == HTTPStatus.CREATED for _, status in answers)
    p95 = answers[int(len(answers) * 0.95)][0]
    return Burst(done / took, p95 * 1000, spent * 1000 / done, len(answers) - done)


def processor_seconds(server: RunningServer) -> float:
    """Return the processor time that a server's processes, PostgreSQL's too, have spent so far."""
    children: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        children.setdefault(int(fields[1]), []).append(int(folder.name))
        ticks[int(folder.name)] = sum(map(int, fields[11:15]))

    def of(pid: int) -> int:
        return ticks.get(pid, 0) + sum(map(of, children.get(pid, [])))

    return sum(map(of, server.pids().values())) / sysconf("SC_CLK_TCK")


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """Keep a number of processors busy with other work."""
    command = [sys.executable, "-c", "while True: pass"]
    loops = [subprocess.Popen(command, preexec_fn=dies_with_tests) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
