"""The cost of a GET at the content app: `python -m tests.benchmark.serving [--packages 1000000]`.

Starts a server of its own with one content process, and asks that process directly, over its
socket and one connection. The same bytes as a static file of aiohttp, asked for in turn with them,
are what the times are given beside; figures are for comparison, never pass or fail. With
`--packages` the channel is a made-up one of that size, whose packages share one file. A private
channel serves the same repository to readers with a token, with a password and by a group's role,
in turn with the public one.
"""

import argparse
import base64
import http.client
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import zstandard

from tests.benchmark.index import Channel
from tests.functional.accounts import bearer, new_account, owner_href
from tests.functional.harness import Rest, RunningServer
from tests.processes import dies_with_tests

_TRIES = 300
_FILE_BYTES = 20_000
_OWNER, _CHANNEL, _PRIVATE, _SUBDIR = "bench", "main", "private", "linux-64"
_ROLE = "conda.channel_reader"

_STATIC = """
import sys
from aiohttp import web
app = web.Application()
app.router.add_static("/", sys.argv[1])
web.run_app(app, path=sys.argv[2], print=None)
"""


class Connection(http.client.HTTPConnection):
    """One connection to a server behind a socket of the file system."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))

    def fetch(self, path: str, status: int = 200, **headers: str) -> tuple[bytes, str]:
        """Return a body and its ETag."""
        self.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        answer = self.getresponse()
        body = answer.read()
        assert answer.status == status, (path, answer.status, body[:200])
        return body, answer.headers.get("ETag", "")


def timed(actions: dict[str, Callable[[], object]], tries: int) -> dict[str, list[float]]:
    """Return the milliseconds of each action. They alternate, so that all have the same noise."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(tries):
        for name, action in actions.items():
            began = time.perf_counter()
            action()
            times[name].append((time.perf_counter() - began) * 1000)
    return times


def shard_path(connection: Connection, base: str) -> str:
    """Return the path of some shard that the channel's index names."""
    raw, _ = connection.fetch(f"{base}/{_SUBDIR}/repodata_shards.msgpack.zst")
    index = msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompressobj().decompress(raw))
    return f"{_SUBDIR}/shards/{next(iter(index['shards'].values())).hex()}.msgpack.zst"


def readers(server: RunningServer, repository: str) -> dict[str, dict[str, str]]:
    """Make a private channel of a repository; return the credentials of those who may read it."""
    rest = Rest(server)
    guard = rest.create("contentguards/conda/conda/", name=_OWNER)["pulp_href"]
    name = f"{_OWNER}/{_PRIVATE}"
    rest.create(
        "distributions/conda/conda/",
        name=name, base_path=name, repository=repository, content_guard=guard,
    )  # fmt: skip
    owner = owner_href(rest, _OWNER)
    reader, member = new_account(server), new_account(server)
    reader.give(_ROLE, owner)
    group = rest.create("groups/", name=_OWNER)["pulp_href"]
    rest.create(f"{group}users/", username=member.name)
    rest.create(f"{group}roles/", role=_ROLE, content_object=owner)
    basic = base64.b64encode(":".join(reader.auth).encode()).decode()
    return {
        "token": bearer(reader.token(scopes=["read"])),
        "password": {"Authorization": f"Basic {basic}"},
        "group's role": bearer(member.token(scopes=["read"])),
    }


def compare_private(server: RunningServer, repository: str, tries: int) -> None:
    """Print the times of reads of a private channel beside those of a public one."""
    credentials = readers(server, repository)
    connection = Connection(server.sockets() / "content.sock")
    public, private = (f"/api/packages/{_OWNER}/conda/{name}" for name in (_CHANNEL, _PRIVATE))
    shard, document = shard_path(connection, public), f"{_SUBDIR}/run_exports.json.zst"
    _, etag = connection.fetch(f"{public}/{document}")

    def reads(url: str, label: str, headers: dict[str, str]) -> dict[str, Callable[[], object]]:
        unchanged = {**headers, "If_None_Match": etag}
        return {
            f"{label}: shard": partial(connection.fetch, f"{url}/{shard}", 200, **headers),
            f"{label}: 304": partial(connection.fetch, f"{url}/{document}", 304, **unchanged),
        }

    actions = reads(public, _CHANNEL, {})
    for reader, headers in credentials.items():
        actions |= reads(private, reader, headers)
    timed(actions, 20)
    times = {name: statistics.median(taken) for name, taken in timed(actions, tries).items()}
    for name, median in times.items():
        floor = times[f"{_CHANNEL}: {name.partition(': ')[2]}"]
        print(f"{name:42} p50 {median:6.2f} ms  {median / floor:5.2f} x public")


def report(times: dict[str, list[float]]) -> None:
    """Print the medians, beside that of the static file."""
    floor = statistics.median(times["static file"])
    for name, taken in times.items():
        ordered = sorted(taken)
        p50, p95 = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
        print(f"{name:42} p50 {p50:6.2f} ms  p95 {p95:6.2f} ms  {p50 / floor:5.1f} x static")


def measure(server: RunningServer, base: str, static: Connection, tries: int) -> None:
    """Ask the content process for a file of each kind, by both of a channel's URLs."""
    connection = Connection(server.sockets() / "content.sock")
    actions: dict[str, Callable[[], object]] = {
        "static file": partial(static.fetch, "/package"),
    }
    for url in (f"/api/packages/{_OWNER}/conda/{_CHANNEL}", f"/pulp/content/{_OWNER}/{_CHANNEL}"):
        label = url.split("/")[1]
        package = f"{url}/{base}"
        document = f"{url}/{_SUBDIR}/run_exports.json.zst"
        _, etag = connection.fetch(document)
        actions |= {
            f"{label}: shard": partial(connection.fetch, f"{url}/{shard_path(connection, url)}"),
            f"{label}: package of 20 kB": partial(connection.fetch, package),
            f"{label}: document": partial(connection.fetch, document),
            f"{label}: 304": partial(connection.fetch, document, 304, If_None_Match=etag),
            f"{label}: 404": partial(connection.fetch, f"{url}/{_SUBDIR}/a-1-0.conda", 404),
        }
    timed(actions, 20)
    report(timed(actions, tries))


def package_path(connection: Connection, url: str) -> str:
    """Return the path of some package that the channel's index names."""
    raw, _ = connection.fetch(f"{url}/{_SUBDIR}/current_repodata.json")
    return f"{_SUBDIR}/{next(iter(msgspec.json.decode(raw)['packages.conda']))}"


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=int, default=1000)
    parser.add_argument("--tries", type=int, default=_TRIES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        server = RunningServer(home / "home", arguments=("--content-workers", "1")).start()
        (home / "files").mkdir()
        (home / "files" / "package").write_bytes(bytes(_FILE_BYTES))
        command = [sys.executable, "-c", _STATIC, str(home / "files"), str(home / "static.sock")]
        static = subprocess.Popen(command, preexec_fn=dies_with_tests)
        try:
            channel = Channel(server, _CHANNEL)
            channel.create()
            channel.load(options.packages, seed=1)
            channel.publish()
            load = Path("/proc/loadavg").read_text().split()[0]
            print(f"{options.packages} packages, {options.tries} tries, load {load}")
            content = Connection(server.sockets() / "content.sock")
            path = package_path(content, f"/pulp/content/{_OWNER}/{_CHANNEL}")
            measure(server, path, Connection(home / "static.sock"), options.tries)
            compare_private(server, channel.repository, options.tries)
        finally:
            static.terminate()
            server.stop()


if __name__ == "__main__":
    main()
