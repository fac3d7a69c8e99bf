"""The effect of wrong passwords on readers: `python -m tests.benchmark.passwords`.

Starts a server of its own. One client reads a public document, alone and beside 20 connections
that present wrong passwords as fast as they are answered: to the content app, each time another
one and always the same, and to the API. Figures are for comparison, never pass or fail.
"""

import argparse
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import requests

from tests.builders import PackageBuilder
from tests.functional.harness import RunningServer

_OWNER = "bench"
_numbers = count(1)

Attack = Callable[[requests.Session], int]


def reading(url: str, password: Callable[[], str]) -> Attack:
    """Return a request to the content app with a wrong password."""
    return lambda session: session.get(url, auth=("admin", password()), timeout=300).status_code


def uploading(url: str) -> Attack:
    """Return an upload with a wrong password that was not tried before."""
    return lambda session: session.put(url, data=b"x", auth=("admin", fresh())).status_code


def fresh() -> str:
    """Return a password that was not tried before."""
    return f"wrong {next(_numbers)}"


@contextmanager
def beside(attack: Attack | None, connections: int) -> Iterator["Counter[int]"]:
    """Repeat requests on a number of connections; yield the counts of their statuses."""
    stopped = threading.Event()
    statuses: Counter[int] = Counter()

    def go_on(attack: Attack) -> None:
        with requests.Session() as session:
            while not stopped.is_set():
                statuses[attack(session)] += 1

    threads = [threading.Thread(target=go_on, args=(attack,)) for _ in range(connections) if attack]
    for thread in threads:
        thread.start()
    yield statuses
    stopped.set()
    for thread in threads:
        thread.join()


def read(url: str, seconds: float) -> list[float]:
    """Read a document for a while; return the milliseconds of each time."""
    taken = []
    with requests.Session() as session:
        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            assert session.get(url, timeout=300).status_code == 200
            taken.append((time.perf_counter() - began) * 1000)
    return sorted(taken)


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        server = RunningServer(Path(folder) / "home").start()
        try:
            channel = server.channel(_OWNER)
            assert server.put(f"{channel}/x.conda", PackageBuilder().conda()).status_code == 201
            document = f"{channel}/noarch/repodata.json"
            attacks: dict[str, Attack | None] = {
                "alone": None,
                "content app, new passwords": reading(document, fresh),
                "content app, one password": reading(document, lambda: "wrong"),
                "API, new passwords": uploading(f"{channel}/x.conda"),
            }
            read(document, 3)
            alone = 0.0
            for name, attack in attacks.items():
                with beside(attack, options.connections) as statuses:
                    time.sleep(3)
                    taken = read(document, options.seconds)
                p50, p95 = statistics.median(taken), taken[int(len(taken) * 0.95)]
                alone = alone or p50
                print(
                    f"{name:30} p50 {p50:7.2f} ms  p95 {p95:7.2f} ms  {p50 / alone:5.2f} x alone  "
                    f"{dict(statuses)}"
                )
        finally:
            server.stop()


if __name__ == "__main__":
    main()
