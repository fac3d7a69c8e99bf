"""The cost of syncs: `python -m tests.benchmark.sync [--records 10000 ...] [--names 300]`.

Starts two servers: an upstream with a made-up channel, and one that mirrors it on demand. Figures
are given beside the first publication of the channel by the upstream, which a first sync does too,
measured in the same run. They are for comparison, never pass or fail. A million records take some
fifteen minutes and 12 GB of disk.
"""

import argparse
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.benchmark.index import Channel, build, seconds
from tests.benchmark.memory import peak_of_tasks
from tests.benchmark.synthetic import Synthetic, packages
from tests.functional.accounts import bearer
from tests.functional.harness import Rest, RunningServer
from tests.functional.mirrors import ALLOWED, Mirror, make_mirror

_OWNER = "bench"
_CLIENTS = 8


def sync(mirror: Mirror, what: str, floor: float, **arguments: Any) -> None:
    """Sync a mirror, and print what that cost."""
    with peak_of_tasks(mirror.server) as peak:
        task: dict[str, Any] = {}
        took = seconds(lambda: task.update(mirror.sync(**arguments)))
    result = task["result"]
    print(f"{what}: {took:.2f} s = {took / floor:.3f} x the upstream's first publication; "
          f"{result['counts'].get('added', 0)} added, {result['names']} names compared, "
          f"{result['requests']} requests, {result['bytes'] / 1024**2:.1f} MB, "
          f"peak {peak.megabytes:.0f} MB", flush=True)  # fmt: skip


def change_names(channel: Channel, token: str, chosen: list[Synthetic]) -> None:
    """Upload one more version of some names."""

    def upload(package: Synthetic) -> None:
        name, body = build(package, version="99.0")
        url = f"{channel.server.channel(_OWNER, channel.name)}/{name}"
        answer = channel.server.put(url, body, auth=None, headers=bearer(token))
        assert answer.status_code == 201, answer.text

    with ThreadPoolExecutor(_CLIENTS) as pool:
        list(pool.map(upload, chosen))


def of_different_names(count: int, seed: int, names: int) -> list[Synthetic]:
    """Return packages of a channel, one of each name."""
    found: dict[str, Synthetic] = {}
    for package in packages(count, seed=seed):
        found.setdefault(package.record["name"], package)
        if len(found) == names:
            break
    return list(found.values())


def measure(upstream: RunningServer, server: RunningServer, token: str, count: int,
            options: argparse.Namespace) -> None:  # fmt: skip
    """Print all figures of a channel of one size."""
    channel = Channel(upstream, f"records{count}")
    channel.create()
    channel.load(count, options.seed)
    floor = seconds(channel.publish)
    print(f"-- {count} records, load {os.getloadavg()[0]:.2f}, {os.cpu_count()} processors; "
          f"first publication by the upstream {floor:.2f} s", flush=True)  # fmt: skip
    url = upstream.channel(_OWNER, channel.name)
    mirror = make_mirror(server, f"{_OWNER}{count}", url, subdirs=["linux-64"])
    sync(mirror, "first sync by shards", floor)
    sync(mirror, "unchanged", floor)
    change_names(channel, token, of_different_names(count, options.seed, options.names))
    sync(mirror, f"{options.names} names changed", floor)
    sync(mirror, "all records compared again", floor, optimize=False)


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--names", type=int, default=300, help="names that change upstream")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as started:
        upstream = RunningServer(Path(folder) / "upstream" / "home").start()
        started.callback(upstream.stop)
        server = RunningServer(Path(folder) / "mirror" / "home").start()
        server.stop()
        (server.home / "settings.local.py").write_text(ALLOWED)
        server.start()
        started.callback(server.stop)
        made = Rest(upstream).create("conda/tokens/", name="bench", scopes=["read", "write"])
        for count in options.records:
            measure(upstream, server, made["token"], count, options)
            options.seed += 1  # other records, or the next channel would have the same units


if __name__ == "__main__":
    main()
