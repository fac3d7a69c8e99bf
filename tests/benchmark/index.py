"""The cost of an index: `python -m tests.benchmark.index [--records 1000 ...] [--other CHECKOUT]`.

Starts a server of its own with one content process, and with `--other` one of another checkout,
which is measured in turn. Figures are given beside a floor measured in the same run: hashing the
bytes of the largest document and compressing them at zstd's level 1, which no publisher gets
around. They are for comparison, never pass or fail. A million records take some ten minutes and
11 GB of disk for each server.
"""

import argparse
import asyncio
import hashlib
import http.client
import os
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import zstandard
from rattler.index import index_fs

from tests.benchmark.memory import content_peak_mb, peak_of_tasks
from tests.benchmark.synthetic import Synthetic, packages
from tests.benchmark.uploads import median, memory_mb
from tests.builders import PackageBuilder
from tests.functional.accounts import bearer
from tests.functional.harness import Rest, RunningServer

_OWNER = "bench"
_SUBDIR = "linux-64"
_MORE = 5  # packages that are uploaded on top
_CHUNK = 1024 * 1024
_POLL_SECONDS = 0.02
_LARGEST_FOR_RATTLER = 10_000


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


class _UnixConnection(http.client.HTTPConnection):
    """A connection to one process, without the proxy in front."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=600)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


@dataclass
class Channel:
    """A synthetic channel that a server serves."""

    server: RunningServer
    name: str
    repository: str = ""

    def create(self) -> None:
        """Create it, empty."""
        rest, full = Rest(self.server), f"{_OWNER}/{self.name}"
        repository = rest.create("repositories/conda/conda/", name=full)
        self.repository = repository["pulp_href"]
        rest.create(
            "distributions/conda/conda/", name=full, base_path=full, repository=self.repository
        )

    def load(self, count: int, seed: int) -> float:
        """Fill it without publishing; return how many seconds that took."""
        env = {**os.environ, "PULP_SETTINGS": str(self.server.home / "settings.py"),
               "DJANGO_SETTINGS_MODULE": "pulpcore.app.settings"}  # fmt: skip
        arguments = [f"{_OWNER}/{self.name}", str(count), str(seed)]
        command = [self.server.python, "-m", "tests.benchmark.loading", *arguments]
        done = subprocess.run(
            command, env=env, cwd=self.server.checkout, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return float(done.stdout)

    def publish(self) -> Any:
        """Publish its newest version and return the task, an hour later at the most."""
        rest = Rest(self.server)
        answer = rest.request(
            "POST", "publications/conda/conda/", json={"repository": self.repository}
        )
        assert answer.status_code == 202, answer.text
        deadline = time.monotonic() + 3600
        while time.monotonic() < deadline:
            task = rest.get(answer.json()["task"])
            if task["state"] not in ("waiting", "running"):
                assert task["state"] == "completed", task["error"]
                return task
            time.sleep(_POLL_SECONDS)
        raise AssertionError("the publication did not end")

    def get(self, path: str, etag: str = "", into: Path | None = None) -> tuple[int, str, bytes]:
        """Fetch a path from the content process: status, ETag and body, if it is not kept."""
        connection = _UnixConnection(self.server.sockets() / "content.sock")
        headers = {"If-None-Match": etag} if etag else {}
        url = f"/pulp/content/{_OWNER}/{self.name}/{path}"
        connection.request("GET", url, headers=headers)
        answer = connection.getresponse()
        body = b""
        if into is None:
            body = answer.read()
        else:
            with into.open("wb") as file:
                while chunk := answer.read(_CHUNK):
                    file.write(chunk)
        connection.close()
        return answer.status, answer.headers.get("ETag", ""), body


def floor(document: Path) -> float:
    """Return the seconds for hashing and compressing a document, a lower bound for publishing."""

    def work() -> None:
        digest = hashlib.sha256()
        with (
            document.open("rb") as file,
            document.with_suffix(".floor").open("wb") as output,
            zstandard.ZstdCompressor(level=1).stream_writer(output) as compressed,
        ):
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                compressed.write(chunk)

    return seconds(work)


def build(package: Synthetic, version: str | None = None) -> tuple[str, bytes]:
    """Return a real file for a made-up package: its name and its bytes."""
    record = package.record
    builder = PackageBuilder(record["name"], version or record["version"], record["build"])
    fields = ("build_number", "depends", "license", "license_family", "timestamp", "noarch")
    builder.subdir(record["subdir"])
    builder.with_index(**{key: record[key] for key in fields if key in record})
    if package.extension == "conda":
        return f"{builder.stem}.conda", builder.conda()
    return f"{builder.stem}.tar.bz2", builder.tar_bz2()


def one_more(channel: Channel, token: str, count: int, seed: int) -> float:
    """Return the median seconds from PUT to 201, which says that clients find the package."""
    more = iter(list(packages(count, seed=seed))[: _MORE + 1])

    def upload() -> None:
        package = next(more)
        name, body = build(package, version="99.0")
        url = f"{channel.server.channel(_OWNER, channel.name)}/{name}"
        answer = channel.server.put(url, body, auth=None, headers=bearer(token))
        assert answer.status_code == 201, answer.text

    return median(upload, _MORE) / 1000


def serving(channel: Channel, count: int, seed: int) -> str:
    """Return the times of one content process for the most frequent requests."""
    _, etag, _ = channel.get(f"{_SUBDIR}/repodata.json.zst")
    package = next(p for p in packages(count, seed=seed) if p.record["subdir"] == _SUBDIR)
    wanted = {
        "304": lambda: expect(304, channel.get(f"{_SUBDIR}/repodata.json.zst", etag)),
        "package": lambda: expect(200, channel.get(f"{_SUBDIR}/{package.filename}")),
    }
    status, _, index = channel.get(f"{_SUBDIR}/repodata_shards.msgpack.zst")
    if status == 200:
        shards = msgspec.msgpack.decode(
            zstandard.ZstdDecompressor().decompressobj().decompress(index)
        )
        digests = [bytes(digest).hex() for digest in shards["shards"].values()]
        digest = statistics.median_low(sorted(digests))
        wanted["shard"] = lambda: expect(200, channel.get(f"{_SUBDIR}/shards/{digest}.msgpack.zst"))
    figures = (f"{name} {median(action, 100):.1f} ms" for name, action in wanted.items())
    return f"one content process: {', '.join(figures)}"


def stored_bytes(server: RunningServer) -> int:
    """Return the bytes of all files in the server's storage."""
    return sum(file.stat().st_size for file in (server.home / "media").rglob("*") if file.is_file())


def expect(status: int, answer: tuple[int, str, bytes]) -> None:
    """Insist on a status."""
    assert answer[0] == status, answer[2]


def rattler(folder: Path, count: int, seed: int) -> tuple[float, float]:
    """Return the seconds of py-rattler's indexer for as many real files, and for one more."""
    for subdir in (_SUBDIR, "noarch"):
        (folder / subdir).mkdir(parents=True)
    made = list(packages(count, seed=seed))
    for package in made:
        name, body = build(package)
        (folder / package.record["subdir"] / name).write_bytes(body)
    first = seconds(lambda: asyncio.run(index_fs(folder)))
    name, body = build(made[0], version="99.0")
    (folder / made[0].record["subdir"] / name).write_bytes(body)
    return first, seconds(lambda: asyncio.run(index_fs(folder)))


def measure(server: RunningServer, token: str, count: int, options: argparse.Namespace) -> None:
    """Print all figures of a channel of one size."""
    channel = Channel(server, f"records{count}")
    channel.create()
    print(f"-- {count} records: loaded in {channel.load(count, options.seed):.0f} s", flush=True)
    stored = stored_bytes(server)
    with peak_of_tasks(server) as peak:
        took = seconds(channel.publish)
    stored = stored_bytes(server) - stored
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "repodata.json"
        before = content_peak_mb(server)
        fetched = seconds(lambda: channel.get(f"{_SUBDIR}/repodata.json", into=document))
        after = content_peak_mb(server)
        least = floor(document)
        size = document.stat().st_size / 1024**2
        print(f"floor ({_SUBDIR}/repodata.json, {size:.1f} MB): {least:.3f} s")
        print(f"first publication: {took:.2f} s = {took / least:.0f} x floor, "
              f"peak {peak.megabytes:.0f} MB, {stored / 1024**2:.0f} MB on disk")  # fmt: skip
        more = one_more(channel, token, count, options.seed)
        print(f"one more, PUT to 201: {more:.2f} s = {more / least:.1f} x floor; "
              f"peak of an API process {memory_mb(server, 'VmHWM'):.0f} MB")  # fmt: skip
        if count <= options.rattler:
            first, again = rattler(Path(folder) / "channel", count, options.seed)
            print(f"rattler.index: {first:.2f} s and one more {again:.2f} s; "
                  f"ours {took / first:.2f} x and {more / again:.2f} x")  # fmt: skip
    print(f"repodata.json fetched in {fetched:.2f} s; "
          f"peak of the content process {before:.0f} -> {after:.0f} MB")  # fmt: skip
    print(serving(channel, count, options.seed), flush=True)


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--rattler", type=int, default=_LARGEST_FOR_RATTLER, help="largest channel to compare with"
    )
    parser.add_argument("--other", type=Path, help="another checkout to measure in turn")
    options = parser.parse_args()
    checkouts = [None, *([options.other.resolve()] if options.other else [])]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as started:
        measured = []
        for number, checkout in enumerate(checkouts):
            home = Path(folder) / str(number) / "home"
            arguments = ("--content-workers", "1")
            server = RunningServer(home, arguments=arguments, checkout=checkout).start()
            started.callback(server.stop)
            made = Rest(server).create("conda/tokens/", name="bench", scopes=["read", "write"])
            measured.append((server, made["token"]))
        for count in options.records:
            for server, token in measured:
                print(f"== {server.checkout or 'this checkout'}, load {os.getloadavg()[0]:.2f}, "
                      f"{os.cpu_count()} processors")  # fmt: skip
                measure(server, token, count, options)
            options.seed += 1  # other records, or the next channel would have the same units


if __name__ == "__main__":
    main()
