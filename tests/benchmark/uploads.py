"""The cost of uploads: `python -m tests.benchmark.uploads [--packages 1000] [--large-mb 1500] ...`.

Starts a server of its own in a temporary folder. Figures are given beside something measured in
the same run (a GET of a package, copying and hashing the same bytes, a public channel); they are
for comparison, never pass or fail.
"""

import argparse
import os
import random
import shutil
import statistics
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import requests

from tests.benchmark.clients import Client, burst, milliseconds, packages
from tests.builders import PackageBuilder, zip_of
from tests.functional.harness import PASSWORD, Rest, RunningServer

_TRIES = 25
_CLIENTS = 8
_FILE_MB = 100  # of which the large package is made


def median(action: Callable[[], object], tries: int = _TRIES) -> float:
    """Return the median time of an action, after it was done once unmeasured."""
    action()
    return statistics.median(milliseconds(action) for _ in range(tries))


def latency(client: Client, channel: str, label: str) -> None:
    """Print the median time from PUT to 201, beside that of a GET of a package."""
    made = iter(packages(label, _TRIES + 1))
    put = median(lambda: client.upload(channel, next(made)))
    url = f"{client.server.channel('bench', channel)}/noarch/{label}0-1.0-0.conda"
    get = median(partial(client.get, url))
    print(f"PUT to 201, {label}: p50 {put:.0f} ms = {put / get:.1f} x GET of it ({get:.1f} ms)")


def versions_of(server: RunningServer, channel: str) -> int:
    """Return the number of a channel's newest version."""
    found = Rest(server).get("repositories/conda/conda/", name=f"bench/{channel}")["results"]
    return int(found[0]["latest_version_href"].rstrip("/").rsplit("/", 1)[1])


def parallel(clients: list[Client], channel: str, made: list[bytes], label: str) -> None:
    """Upload from all clients at once and print rate, processor time and versions."""
    done = burst(clients, channel, made)
    assert not done.refused
    url = f"{client_channel(clients[0], channel)}/noarch/repodata.json"
    listed = len(requests.get(url, timeout=60).json()["packages.conda"])
    assert listed >= len(made)
    print(f"{label}: {done.a_second:.1f}/s, p95 {done.p95_ms:.0f} ms, "
          f"{done.processor_ms:.0f} ms of processor time each, "
          f"{versions_of(clients[0].server, channel)} versions, "
          f"{listed} in the index at the last 201")  # fmt: skip


def client_channel(client: Client, channel: str) -> str:
    """Return a channel's URL."""
    return client.server.channel("bench", channel)


def private(client: Client) -> None:
    """Print the times of reads in a private channel and in a public one."""
    server, rest = client.server, Rest(client.server)
    for channel in ("public", "private"):
        client.upload(channel, packages("read", 1)[0])
    guard = rest.create("contentguards/conda/conda/", name="bench")["pulp_href"]
    found = rest.get("distributions/conda/conda/", base_path="bench/private")["results"]
    rest.wait(rest.request("PATCH", found[0]["pulp_href"], json={"content_guard": guard}))
    path = "noarch/repodata.json.zst"
    anonymous, password = requests.Session(), requests.Session()
    password.auth = ("admin", PASSWORD)

    def get(session: requests.Session, channel: str) -> None:
        url = f"{server.channel('bench', channel)}/{path}"
        assert session.get(url, timeout=60).status_code == 200

    public = median(lambda: get(anonymous, "public"), 100)
    token = median(lambda: client.get(f"{server.channel('bench', 'private')}/{path}"), 100)
    known = median(lambda: get(password, "private"), 100)
    print(f"GET of an index: public p50 {public:.1f} ms; private with a token "
          f"{token / public:.2f} x, with a password {known / public:.2f} x")  # fmt: skip


def processes(server: RunningServer) -> list[int]:
    """Return the processes that take uploads."""
    master = server.pids()["api"]
    return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


def memory_mb(server: RunningServer, field: str = "VmRSS") -> float:
    """Return the largest resident set of a process of the API, now or ever (`VmHWM`)."""
    return max(
        int(line.split()[1]) / 1024
        for pid in processes(server)
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith(field)
    )


def large(client: Client, folder: Path, megabytes: int) -> None:
    """Upload one large package from a file."""
    builder = PackageBuilder("large")
    for number in range(max(1, megabytes // _FILE_MB)):
        builder.file(f"share/{number}", random.Random(number).randbytes(_FILE_MB * 1024**2))
    path = folder / "large.conda"
    path.write_bytes(zip_of([(name, data) for name, data in builder.zip_members()]))
    del builder
    before = memory_mb(client.server, "VmHWM")
    with path.open("rb") as body:
        took = milliseconds(
            lambda: client.server.put(
                f"{client_channel(client, 'large')}/x.conda", body
            ).raise_for_status()
        )

    def copy_and_hash() -> None:
        shutil.copyfile(path, folder / "copy")
        subprocess.run(["sha256sum", str(folder / "copy")], check=True, capture_output=True)

    floor = milliseconds(copy_and_hash)
    size = path.stat().st_size / 1024**2
    print(f"{size:.0f} MB: {took / 1000:.1f} s = {took / floor:.1f} x cp and sha256sum")
    print(f"peak memory of an API process: {before:.0f} -> "
          f"{memory_mb(client.server, 'VmHWM'):.0f} MB")  # fmt: skip


def hostile(clients: list[Client], count: int, seed: int) -> None:
    """Upload broken packages, and print the statuses."""
    server = clients[0].server
    chance = random.Random(seed)
    good = [PackageBuilder("mutant").payload(500).conda(), PackageBuilder("m").tar_bz2()]

    def mutant() -> bytes:
        data = bytearray(chance.choice(good))
        for _ in range(chance.randint(1, 8)):
            place = chance.randrange(len(data) or 1)
            match chance.randrange(4):
                case 0:
                    data[place : place + 1] = chance.randbytes(1)
                case 1:
                    del data[place : place + chance.randint(1, 64)]
                case 2:
                    data[place:place] = chance.randbytes(chance.randint(1, 64))
                case _:
                    data = data[: place + 1]
        return bytes(data)

    before, files = memory_mb(server), stored(server)
    bodies = [mutant() for _ in range(count)]
    shares = [bodies[number :: len(clients)] for number in range(len(clients))]
    with ThreadPoolExecutor(len(clients)) as pool:
        answers = pool.map(
            lambda client, share: Counter(client.put("hostile", body) for body in share),
            clients,
            shares,
        )
        statuses = sum(answers, Counter[int]())
    print(f"{count} broken uploads (seed {seed}): {dict(statuses)}; memory of an API process "
          f"{before:.0f} -> {memory_mb(server):.0f} MB; {stored(server) - files} files more, "
          f"{statuses[201]} taken for valid")  # fmt: skip


def stored(server: RunningServer) -> int:
    """Return how many files of packages, finished and not, a server holds."""
    packages = Rest(server).get("artifacts/", limit=1)["count"]
    left = sum(1 for _ in (server.home / "tmp").rglob("*.upload*"))
    return int(packages) + left


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=int, default=1000, help="size of the filled channel")
    parser.add_argument("--burst", type=int, default=500, help="packages from 8 clients at once")
    parser.add_argument("--large-mb", type=int, default=1500, help="size of the large package")
    parser.add_argument("--hostile", type=int, default=1000, help="number of broken uploads")
    parser.add_argument("--seed", type=int, default=1, help="what the broken ones are made from")
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.2f}, {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as folder:
        server = RunningServer(Path(folder) / "home").start()
        try:
            made = Rest(server).create("conda/tokens/", name="bench", scopes=["read", "write"])
            clients = [Client(server, made["token"]) for _ in range(_CLIENTS)]
            latency(clients[0], "small", "empty")
            private(clients[0])
            if options.burst:
                label = f"{options.burst} packages by {_CLIENTS} clients"
                parallel(clients, "burst", packages("burst", options.burst), label)
            if options.packages:
                fill = packages("fill", options.packages)
                parallel(clients, "filled", fill, f"filling with {options.packages}")
                latency(clients[0], "filled", "full")
            if options.large_mb:
                large(clients[0], Path(folder), options.large_mb)
            if options.hostile:
                hostile(clients, options.hostile, options.seed)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
