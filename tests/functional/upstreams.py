"""Stand-ins for the servers that owners move from: their paths, sign-in and documents for reading.

| server | path of a channel | who may read | documents |
|---|---|---|---|
| web server | `/channels/CHANNEL` | everybody | all that an index builder made |
| Forgejo, Gitea | `/api/packages/OWNER/conda/CHANNEL` | basic | `repodata.json`, `.bz2` |
| Quetz | `/get/CHANNEL` | `X-API-Key` | `repodata.json`, `.bz2` |
| Artifactory | `/artifactory/api/conda/CHANNEL` | basic, bearer | without shards: 501 |
"""

import asyncio
import bz2
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import encode_basic_auth, web
from rattler.index import index_fs

from tests.builders import PackageBuilder
from tests.functional.app_threads import served

LOGIN = ("reader", "old-secret")
TOKEN = "old-token"
_SHARDS = "repodata_shards.msgpack.zst"


@dataclass
class OldServer:
    """Channels in a folder, served as several servers do."""

    folder: Path
    origin: str = ""
    broken: set[str] = field(default_factory=set)
    """Names of files for which the answer is 500."""
    asked: list[str] = field(default_factory=list)
    """The paths of all requests."""

    def add(self, channel: str, *packages: PackageBuilder) -> None:
        """Add packages to a channel, and make its index."""
        for package in packages:
            self.add_file(channel, str(package.index["subdir"]), package.filename, package.conda())
        self.index(channel)

    def add_file(self, channel: str, subdir: str, filename: str, body: bytes) -> None:
        """Add a file to a channel, without its index."""
        path = self.folder / channel / subdir / filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    def index(self, channel: str) -> None:
        """Make the index of a channel."""
        asyncio.run(index_fs(channel_directory=self.folder / channel))
        for path in (self.folder / channel).glob("*/repodata.json"):
            path.with_name("repodata.json.bz2").write_bytes(bz2.compress(path.read_bytes()))

    async def static(self, request: web.Request) -> web.StreamResponse:
        """Answer as a web server does."""
        return self._file(request)

    async def forgejo(self, request: web.Request) -> web.StreamResponse:
        """Answer as Forgejo and Gitea do for a private owner."""
        _check(request.headers.get("Authorization") == encode_basic_auth(*LOGIN))
        return self._few_documents(request)

    async def quetz(self, request: web.Request) -> web.StreamResponse:
        """Answer as Quetz does for a private channel."""
        _check(request.headers.get("X-API-Key") == TOKEN)
        return self._few_documents(request)

    async def artifactory(self, request: web.Request) -> web.StreamResponse:
        """Answer as Artifactory does."""
        signed_in = (encode_basic_auth(*LOGIN), f"Bearer {TOKEN}")
        _check(request.headers.get("Authorization") in signed_in)
        if request.match_info["file"] == _SHARDS:
            raise web.HTTPNotImplemented
        return self._file(request)

    def _few_documents(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["file"]
        if name not in ("repodata.json", "repodata.json.bz2") and not name.endswith(
            (".conda", ".tar.bz2")
        ):
            raise web.HTTPNotFound
        return self._file(request)

    def _file(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        where = request.match_info
        path = self.folder / where["channel"] / where["subdir"] / where["file"]
        if where["file"] in self.broken:
            raise web.HTTPInternalServerError
        if not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path)


def _check(signed_in: bool) -> None:
    if not signed_in:
        raise web.HTTPUnauthorized


@contextmanager
def old_server(folder: Path) -> Iterator[OldServer]:
    """Run the stand-ins in a thread."""
    server, app = OldServer(folder), web.Application()
    where = "{channel:.+}/{subdir}/{file:(?:shards/)?[^/]+}"
    app.router.add_get(f"/channels/{where}", server.static)
    app.router.add_get(f"/api/packages/{{owner}}/conda/{where}", server.forgejo)
    app.router.add_get(f"/get/{where}", server.quetz)
    app.router.add_get(f"/artifactory/api/conda/{where}", server.artifactory)
    with served(app) as server.origin:
        yield server
