"""What an upload costs: `python -m tests.benchmark.uploads [--packages 1000] [--large-mb 1500]`.

Starts a server of its own in a temporary folder. Latencies are given beside those of a GET with the
same password in the same run, since checking a password costs more than the rest; the large
package beside `sha256` over the same bytes. Figures are for comparison, never pass or fail.
"""

import argparse
import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.builders import PackageBuilder, zip_of
from tests.functional.harness import Rest, RunningServer

_TRIES = 15
_PAYLOAD_BYTES = 18_000  # makes a package of about 20 kB


_FILE_MB = 100  # of which the large package is made


def milliseconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


def upload(server: RunningServer, channel: str, package: PackageBuilder) -> None:
    """Upload a package and insist on 201."""
    url = f"{server.channel('bench', channel)}/x.conda"
    assert server.put(url, package.conda()).status_code == 201


def latency(server: RunningServer, channel: str, label: str, baseline: float) -> None:
    """Print the median time from PUT to 201."""
    packages = [
        PackageBuilder(f"{label}{number}").payload(_PAYLOAD_BYTES) for number in range(_TRIES)
    ]
    times = [milliseconds(partial(upload, server, channel, package)) for package in packages]
    p50 = statistics.median(times)
    print(f"PUT to 201, {label}: p50 {p50:.0f} ms = {p50 / baseline:.2f} x GET with password, "
          f"{p50 - baseline:.0f} ms above it")  # fmt: skip


def fill(server: RunningServer, channel: str, count: int) -> None:
    """Upload packages from 8 clients and print the rate."""
    packages = [PackageBuilder(f"fill{number}").payload(_PAYLOAD_BYTES) for number in range(count)]
    with ThreadPoolExecutor(8) as pool:
        took = milliseconds(lambda: list(pool.map(lambda p: upload(server, channel, p), packages)))
    repository = Rest(server).get("repositories/conda/conda/", name=f"bench/{channel}")["results"][
        0
    ]
    versions = int(repository["latest_version_href"].rstrip("/").rsplit("/", 1)[1])
    print(f"{count} packages by 8 clients: {count / took * 1000:.1f}/s, {versions} versions")


def peak_memory_mb(server: RunningServer) -> float:
    """Return the largest resident set that any process of the API has had."""
    master = server.pids()["api"]
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    peaks = [
        int(line.split()[1]) / 1024
        for pid in children
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    ]
    return max(peaks)


def large(server: RunningServer, folder: Path, megabytes: int) -> None:
    """Upload one large package from a file."""
    builder = PackageBuilder("large")
    for number in range(megabytes // _FILE_MB):
        builder.file(f"share/{number}", os.urandom(_FILE_MB * 1024**2))
    path = folder / "large.conda"
    path.write_bytes(zip_of([(name, data) for name, data in builder.zip_members()]))
    del builder
    before = peak_memory_mb(server)
    with path.open("rb") as body:
        took = milliseconds(
            lambda: server.put(f"{server.channel('bench')}/x.conda", body).raise_for_status()
        )
    with path.open("rb") as body:
        floor = milliseconds(lambda: hashlib.file_digest(body, "sha256"))
    size = path.stat().st_size / 1024**2
    print(f"{size:.0f} MB: {took / 1000:.1f} s = {took / floor:.1f} x sha256 of the file")
    print(f"peak memory of an API process: {before:.0f} -> {peak_memory_mb(server):.0f} MB")


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=int, default=1000, help="size of the filled channel")
    parser.add_argument("--large-mb", type=int, default=1500, help="size of the large package")
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.2f}, {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as folder:
        server = RunningServer(Path(folder) / "home").start()
        try:
            look = partial(Rest(server).get, "users/", limit=1)
            baseline = statistics.median(milliseconds(look) for _ in range(_TRIES))
            print(f"GET with password: p50 {baseline:.0f} ms")
            latency(server, "small", "empty", baseline)
            if options.packages:
                fill(server, "filled", options.packages)
                latency(server, "filled", "full", baseline)
            if options.large_mb:
                large(server, Path(folder), options.large_mb)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
