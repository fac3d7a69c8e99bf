"""What a GET costs at the content app: `python -m tests.benchmark.serving [--packages 1000000]`.

Starts a server of its own with one content process, and asks that process directly, over its
socket and one connection. The same bytes as a static file of aiohttp, asked for in turn with them,
are what the times are given beside; figures are for comparison, never pass or fail. With
`--packages` the channel is filled by SQL first: rows, no files.
"""

import argparse
import http.client
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import zstandard

from tests.builders import PackageBuilder
from tests.functional.harness import RunningServer

_TRIES = 300
_PAYLOAD_BYTES = 18_000  # makes a package of about 20 kB

_STATIC = """
import sys
from aiohttp import web
app = web.Application()
app.router.add_static("/", sys.argv[1])
web.run_app(app, path=sys.argv[2], print=None)
"""

_FILL = """
from django.db import connection, transaction
from pulpcore.plugin.util import get_domain_pk
from pulp_conda.app.models import CondaRepository
repository = CondaRepository.objects.get(name="bench/main")
version = repository.versions.defer("content_ids").last()
values = dict(domain=get_domain_pk(), repository=repository.pk, version=version.pk, count={count},
              number=version.number)
statements = '''
    CREATE TEMPORARY TABLE made AS
        SELECT gen_random_uuid() AS pk, n FROM generate_series(1, %(count)s) AS n;
    INSERT INTO core_content (pulp_id, pulp_created, pulp_last_updated, pulp_type,
            timestamp_of_interest, pulp_domain_id, pulp_labels)
        SELECT pk, now(), now(), 'conda.package', now(), %(domain)s, '' FROM made;
    INSERT INTO conda_condapackage
        SELECT (jsonb_populate_record(p, jsonb_build_object(
            'content_ptr_id', pk, 'name', 'fill' || n %% 20000, 'version', n::text,
            'sha256', encode(sha256(n::text::bytea), 'hex'),
            'filename', 'fill' || n %% 20000 || '-' || n || '-0.conda'))).*
        FROM made, (SELECT * FROM conda_condapackage LIMIT 1) AS p;
    INSERT INTO core_contentartifact (pulp_id, pulp_created, pulp_last_updated, relative_path,
            artifact_id, content_id)
        SELECT gen_random_uuid(), now(), now(), 'noarch/' || n, artifact_id, pk
        FROM made, (SELECT artifact_id FROM core_contentartifact WHERE artifact_id IS NOT NULL
                    LIMIT 1) AS a;
    INSERT INTO core_repositorycontent (pulp_id, pulp_created, pulp_last_updated, content_id,
            repository_id, version_added_id)
        SELECT gen_random_uuid(), now(), now(), pk, %(repository)s, %(version)s FROM made;
    UPDATE core_repositoryversion SET content_ids = content_ids || ARRAY(SELECT pk FROM made)
        WHERE pulp_id = %(version)s;
    INSERT INTO conda_condashard (repository_id, subdir, name, digest, data, added)
        SELECT %(repository)s, 'noarch', 'fill' || n,
            encode(sha256(('shard' || n)::bytea), 'hex'), '', %(number)s
        FROM generate_series(1, least(%(count)s, 20000)) AS n;
'''
with transaction.atomic(), connection.cursor() as cursor:
    for statement in statements.split(";\\n"):
        if statement.strip():
            cursor.execute(statement, values)
with connection.cursor() as cursor:
    cursor.execute("ANALYZE")
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
    """Return the milliseconds of each action; they take turns, so that all have the same noise."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(tries):
        for name, action in actions.items():
            began = time.perf_counter()
            action()
            times[name].append((time.perf_counter() - began) * 1000)
    return times


def shard_path(connection: Connection, base: str) -> str:
    """Return the path of some shard that the channel's index names."""
    raw, _ = connection.fetch(f"{base}/noarch/repodata_shards.msgpack.zst")
    index = msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompressobj().decompress(raw))
    return f"noarch/shards/{next(iter(index['shards'].values())).hex()}.msgpack.zst"


def report(times: dict[str, list[float]]) -> None:
    """Print the medians, beside that of the static file."""
    floor = statistics.median(times["static file"])
    for name, taken in times.items():
        ordered = sorted(taken)
        p50, p95 = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
        print(f"{name:42} p50 {p50:6.2f} ms  p95 {p95:6.2f} ms  {p50 / floor:5.1f} x static")


def measure(server: RunningServer, static: Connection, tries: int) -> None:
    """Ask the content process for a file of each kind, by both of a channel's URLs."""
    connection = Connection(server.sockets() / "content.sock")
    actions: dict[str, Callable[[], object]] = {"static file": lambda: static.fetch("/package")}
    for label, base in (("registry", "/api/packages/bench/conda"),
                        ("content", "/pulp/content/bench/main")):  # fmt: skip
        package, shard = (
            f"{base}/noarch/demo0-1.0-0.conda",
            f"{base}/{shard_path(connection, base)}",
        )
        document = f"{base}/noarch/repodata.json"
        _, etag = connection.fetch(document)
        actions |= {
            f"{label}: shard": lambda path=shard: connection.fetch(path),
            f"{label}: package of 20 kB": lambda path=package: connection.fetch(path),
            f"{label}: document": lambda path=document: connection.fetch(path),
            f"{label}: document, 304": lambda path=document, tag=etag: connection.fetch(
                path, 304, If_None_Match=tag
            ),
            f"{label}: missing package": lambda path=package: connection.fetch(
                f"{path}x.conda", 404
            ),
        }
    timed(actions, 20)
    report(timed(actions, tries))


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=int, default=0, help="rows to fill the channel with")
    parser.add_argument("--tries", type=int, default=_TRIES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        server = RunningServer(home / "home", arguments=("--content-workers", "1")).start()
        (home / "files").mkdir()
        command = [sys.executable, "-c", _STATIC, str(home / "files"), str(home / "static.sock")]
        static = subprocess.Popen(command)
        try:
            for number in range(3):
                package = PackageBuilder(f"demo{number}").payload(_PAYLOAD_BYTES).conda()
                (home / "files" / "package").write_bytes(package)
                answer = server.put(f"{server.channel('bench')}/x.conda", package)
                assert answer.status_code == 201, answer.text
            if options.packages:
                server.shell(_FILL.format(count=options.packages))
            print(f"{options.packages or 3} packages, load {Path('/proc/loadavg').read_text()[:4]}")
            measure(server, Connection(home / "static.sock"), options.tries)
        finally:
            static.terminate()
            server.stop()


if __name__ == "__main__":
    main()
