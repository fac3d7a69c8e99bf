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
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Self

from tests.benchmark.clients import (
    Client,
    burst,
    busy_loops,
    milliseconds,
    packages,
    processor_seconds,
)
from tests.benchmark.index import Channel
from tests.functional.harness import Rest, RunningServer

_FEW, _MANY = 8, 24  # clients at once
_BUSY_LOOPS = 2  # beside the many
_GETS = 40
_PUTS = 8
_OURS, _THEIRS = "this", "other"

Work = Callable[["Side"], Mapping[str, float]]
"""Does some work on a side; returns figures by their names."""


@dataclass
class Side:
    """A server of one of the checkouts, and its measurements."""

    server: RunningServer
    clients: list[Client]
    large: Channel
    """The largest of the channels that have packages from the start."""
    figures: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def of(cls, server: RunningServer, sizes: list[int]) -> Self:
        """Return a side with clients that have a token, and a channel of each size."""
        made = Rest(server).create("conda/tokens/", name="bench", scopes=["read", "write"])
        for size in sorted(sizes):
            channel = Channel(server, f"of{size}")
            channel.create()
            channel.load(size, seed=1)
            channel.publish()
        return cls(server, [Client(server, made["token"]) for _ in range(_MANY)], channel)

    def note(self, figures: Mapping[str, float]) -> None:
        """Keep figures."""
        for name, figure in figures.items():
            self.figures.setdefault(name, []).append(figure)


def put(channel: str, label: str, made: list[bytes], side: Side) -> Mapping[str, float]:
    """Upload packages one by one; return the median time, and the processor time of one."""
    client = side.clients[0]
    spent = processor_seconds(side.server)
    times = [milliseconds(partial(client.upload, channel, package)) for package in made]
    spent = processor_seconds(side.server) - spent
    return {
        f"PUT of 20 kB, {label}, ms": statistics.median(times),
        f"processor of a PUT, {label}, ms": spent * 1000 / len(made),
    }


def put_again(package: bytes, side: Side) -> Mapping[str, float]:
    """Upload a package that the channel has; return how long that took."""
    statuses = []
    took = milliseconds(lambda: statuses.append(side.clients[0].put("single", package)))
    assert statuses == [HTTPStatus.CONFLICT]
    return {"PUT of what is there, ms": took}


def index_anew(side: Side) -> Mapping[str, float]:
    """Publish the large channel's version once more, without a previous index."""
    return {"index of the large channel, ms": milliseconds(side.large.publish)}


def get(label: str, path: str, side: Side) -> Mapping[str, float]:
    """Fetch a file; return how long it took."""
    url = f"{side.server.channel('bench', 'single')}/{path}"
    return {f"GET of the {label}, ms": milliseconds(lambda: side.clients[0].get(url))}


def put_at_once(clients: int, loops: int, made: list[bytes], side: Side) -> Mapping[str, float]:
    """Upload from many clients at once, beside busy loops."""
    with busy_loops(loops):
        done = burst(side.clients[:clients], "burst", made)
    label = f"{clients} clients" + (f", {loops} busy loops" if loops else "")
    return {
        f"uploads a second, {label}": done.a_second,
        f"p95 of an upload, {label}, ms": done.p95_ms,
        f"processor of an upload, {label}, ms": done.processor_ms,
        f"503s, {label}": done.refused,
    }


def round_(number: int, size: int, sizes: list[int]) -> Iterator[Work]:
    """Yield the work of a round, which both sides do one after the other."""
    yield partial(put_at_once, _FEW, 0, packages(f"few{number}-", size))
    yield partial(put_at_once, _MANY, _BUSY_LOOPS, packages(f"many{number}-", size))
    single = packages(f"single{number}-", _PUTS)
    yield partial(put, "single", "new channel", single)
    for package in single:
        yield partial(put_again, package)
    paths = {"package": "noarch/single0-0-1.0-0.conda", "index": "noarch/repodata.json.zst"}
    for _ in range(_GETS):
        for label, path in paths.items():
            yield partial(get, label, path)
    for count in sizes:
        yield partial(put, f"of{count}", f"{count} packages", packages(f"more{number}-", _PUTS))
    yield index_anew


def measure(sides: Mapping[str, Side], rounds: int, size: int, sizes: list[int]) -> None:
    """Run the same work on both sides, in alternating order."""
    for number in range(rounds + 1):
        order = list(sides.values())
        if number % 2:
            order.reverse()
        for work in round_(number, size, sizes):
            for side in order:
                figures = work(side)
                if number:  # the first round warms up
                    side.note(figures)


def report(sides: Mapping[str, Side]) -> None:
    """Print the medians and their ratio."""
    for name, figures in sides[_OURS].figures.items():
        ours = statistics.median(figures)
        theirs = statistics.median(sides[_THEIRS].figures[name])
        ratio = f"this/other {ours / theirs:.3f}" if theirs else ""
        print(f"{name:52} this {ours:7.2f}  other {theirs:7.2f}  {ratio}")


def main() -> None:
    """Start both, measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path, help="the checkout to compare with")
    parser.add_argument("--rounds", type=int, default=9, help="how often all of it is done")
    parser.add_argument("--records", type=int, nargs="+", default=[1000, 10_000],
                        help="packages of the channels that are filled first")  # fmt: skip
    parser.add_argument("--burst", type=int, default=120, help="packages of a burst")
    options = parser.parse_args()
    checkouts = {_OURS: None, _THEIRS: options.other.resolve()}
    print(f"load {os.getloadavg()[0]:.2f}, {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        sides = {}
        for name, checkout in checkouts.items():
            server = RunningServer(Path(folder) / name / "home", checkout=checkout)
            sides[name] = Side.of(stack.enter_context(server.start()), options.records)
        measure(sides, options.rounds, options.burst, options.records)
        report(sides)
    print(f"load {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":
    main()
