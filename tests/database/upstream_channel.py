"""A channel of another server, which a thread of the tests serves, and its syncs."""

import hashlib
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from backports.zstd import compress
from django.test import override_settings

from pulp_conda.app.channels.sync.request import SyncOptions, SyncRequest
from pulp_conda.app.channels.sync.sync import sync
from pulp_conda.app.models import ADDITIVE, CondaPackage, CondaRemote, CondaRepository
from pulp_conda.formats.index.options import OPTIONAL_DOCUMENTS
from pulp_conda.formats.index.shards import encode_shard_index
from tests.unit.formats.channels import SUBDIR, Channel, Record

Answer = tuple[int, dict[str, str], bytes]


class UpstreamChannel:
    """A channel `/ch` whose documents are those of an index of `channel`."""

    def __init__(self, port: int) -> None:
        self.channel = Channel()
        self.url = f"http://127.0.0.1:{port}/ch"
        self.documents: dict[str, bytes] = {}
        """By path below the channel's URL."""
        self.odd: dict[str, Callable[[], Answer]] = {}
        """What is answered in place of a document."""
        self.asked: list[str] = []
        """The paths of all requests."""

    def publish(self, *records: Record, documents: Collection[str] = OPTIONAL_DOCUMENTS) -> None:
        """Let the channel have exactly these packages."""
        self.channel.records = {_filename(each): _whole(each) for each in records}
        shards: dict[str, bytes] = {}
        with tempfile.TemporaryDirectory() as folder:
            self.documents = self.channel.index(
                Path(folder) / "index", documents=documents, shards=shards
            )
        if "shards" in documents:
            self.documents["noarch/repodata_shards.msgpack.zst"] = encode_shard_index(
                "noarch", {}, self.channel.created, {}
            )
        else:
            self.documents["noarch/repodata.json.zst"] = compress(b'{"packages": {}}')
        self.documents |= {
            f"{SUBDIR}/shards/{hashlib.sha256(shard).hexdigest()}.msgpack.zst": shard
            for shard in shards.values()
        }

    def answer(self, path: str, headers: Any) -> Answer:
        """Return the answer to a GET of a path below the channel's URL."""
        self.asked.append(path)
        if path in self.odd:
            return self.odd[path]()
        if path not in self.documents:
            return 404, {}, b"no"
        body = self.documents[path]
        etag = f'"{hashlib.sha256(body).hexdigest()}"'
        if headers.get("If-None-Match") == etag:
            return 304, {"ETag": etag}, b""
        return 200, {"ETag": etag}, body

    def shards_asked(self) -> int:
        """Return how many shards were asked for."""
        return sum("/shards/" in path for path in self.asked)


def _filename(record: Record) -> str:
    return f"{record['name']}-{record['version']}-{record['build']}.conda"


def _whole(record: Record) -> Record:
    """Return a record with the digests that every package of a channel has."""
    digest = hashlib.sha256(_filename(record).encode()).hexdigest()
    return {"sha256": digest, "md5": digest[:32], "size": 100, "timestamp": 1_600_000_000_000,
            **record}  # fmt: skip


@contextmanager
def upstream_channel() -> Iterator[UpstreamChannel]:
    """Serve a channel that is empty at first."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = served.answer(self.path.removeprefix("/ch/"), self.headers)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = UpstreamChannel(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        with override_settings(CONDA_UPSTREAM_ALLOWED_NETWORKS=["127.0.0.0/8"]):
            yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def make_remote(upstream: UpstreamChannel, **fields: Any) -> CondaRemote:
    """Save a remote of the channel, which has one subdir."""
    values = {"name": "upstream", "subdirs": [SUBDIR], "policy": "on_demand", "max_retries": 0}
    return CondaRemote.objects.create(url=upstream.url, **{**values, **fields})


def synced(
    repository: CondaRepository, remote: CondaRemote, mode: str = ADDITIVE, **options: Any
) -> dict[str, Any]:
    """Sync a channel; return the result. The repository is as it is then."""
    try:
        return sync(SyncRequest(repository, remote, SyncOptions(mode, **options)))
    finally:
        repository.refresh_from_db()


def held(repository: CondaRepository) -> dict[str, CondaPackage]:
    """Return the packages of a channel's newest version by file name."""
    packages = CondaPackage.objects.in_version(repository.latest_version())
    return {package.filename: package for package in packages}
