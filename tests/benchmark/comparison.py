"""Compares two checkouts: `python -m tests.benchmark.comparison OTHER_CHECKOUT [--rounds 9] ...`.

It starts a server of each, and asks both in turn for the same work, so that other work on the
machine slows both. It prints the medians of this checkout beside those of the other one. The other
checkout needs an environment of its own (`.venv`), as `bin/test` makes it.
"""

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self

from tests.benchmark.index import Channel
from tests.benchmark.uploads import Client, milliseconds, packages
from tests.functional.harness import Rest, RunningServer

_CLIENTS = 4  # so many may wait for a channel without being refused
_GETS = 40
_PUTS = 8
_OURS, _THEIRS = "this", "other"

Work = Callable[["Side"], float]
"""Does some work on a side; returns a time in milliseconds, or a rate."""


@dataclass
class Side:
    """A server of one of the checkouts, and its measurements."""

    server: RunningServer
    clients: list[Client]
    large: Channel
    """A channel with many packages."""
    figures: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def of(cls, server: RunningServer, records: int) -> Self:
        """Return a side with clients that have a token, and a channel of so many records."""
        made = Rest(server).create("conda/tokens/", name="bench", scopes=["read", "write"])
        large = Channel(server, "large")
        large.create()
        large.load(records, seed=1)
        large.publish()
        return cls(server, [Client(server, made["token"]) for _ in range(_CLIENTS)], large)

    def note(self, name: str, figure: float) -> None:
        """Keep a figure."""
        self.figures.setdefault(name, []).append(figure)


def put(channel: str, package: bytes, side: Side) -> float:
    """Upload a package; return how long it took."""
    return milliseconds(lambda: side.clients[0].upload(channel, package))


def index_anew(side: Side) -> float:
    """Publish the large channel's version once more, without a previous index."""
    return milliseconds(side.large.publish)


def get(path: str, side: Side) -> float:
    """Fetch a file; return how long it took."""
    url = f"{side.server.channel('bench', 'single')}/{path}"
    return milliseconds(lambda: side.clients[0].get(url))


def burst(made: list[bytes], side: Side) -> float:
    """Upload from all clients at once; return how many a second."""

    def work(client: int) -> None:
        for package in made[client::_CLIENTS]:
            side.clients[client].upload("burst", package)

    with ThreadPoolExecutor(_CLIENTS) as pool:
        took = milliseconds(lambda: list(pool.map(work, range(_CLIENTS))))
    return len(made) / took * 1000


def round_(number: int, size: int) -> Iterator[tuple[str, Work]]:
    """Yield the work of a round, which both sides do one after the other."""
    yield f"uploads a second, {_CLIENTS} clients", partial(burst, packages(f"burst{number}-", size))
    for package in packages(f"single{number}-", _PUTS):
        yield "PUT of 20 kB, ms", partial(put, "single", package)
    paths = {"package": "noarch/single0-0-1.0-0.conda", "index": "noarch/repodata.json.zst"}
    for _ in range(_GETS):
        for name, path in paths.items():
            yield f"GET of the {name}, ms", partial(get, path)
    for package in packages(f"large{number}-", _PUTS):
        yield "PUT to the large channel, ms", partial(put, "large", package)
    yield "index of the large channel, ms", index_anew


def measure(sides: Mapping[str, Side], rounds: int, size: int) -> None:
    """Run the same work on both sides, in alternating order."""
    for number in range(rounds + 1):
        order = list(sides.values())
        if number % 2:
            order.reverse()
        for name, work in round_(number, size):
            for side in order:
                figure = work(side)
                if number:  # the first round warms up
                    side.note(name, figure)


def report(sides: Mapping[str, Side]) -> None:
    """Print the medians and their ratio."""
    for name, figures in sides[_OURS].figures.items():
        ours = statistics.median(figures)
        theirs = statistics.median(sides[_THEIRS].figures[name])
        print(f"{name:32} this {ours:7.2f}  other {theirs:7.2f}  this/other {ours / theirs:.3f}")


def main() -> None:
    """Start both, measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path, help="the checkout to compare with")
    parser.add_argument("--rounds", type=int, default=9, help="how often all of it is done")
    parser.add_argument("--records", type=int, default=10_000, help="packages of the large channel")
    parser.add_argument("--burst", type=int, default=80, help="packages of a burst")
    options = parser.parse_args()
    checkouts = {_OURS: None, _THEIRS: options.other.resolve()}
    print(f"load {os.getloadavg()[0]:.2f}, {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        sides = {}
        for name, checkout in checkouts.items():
            server = RunningServer(Path(folder) / name / "home", checkout=checkout)
            sides[name] = Side.of(stack.enter_context(server.start()), options.records)
        measure(sides, options.rounds, options.burst)
        report(sides)
    print(f"load {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":
    main()
