"""What a probe says about an upstream."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from aiohttp import web

from pulp_conda.app.models import CondaRemote
from pulp_conda.app.upstream import probe as probing
from pulp_conda.formats.compression import zstd
from tests.database.misbehaving import Handler, Misbehaving, answering, misbehaving, run

pytestmark = pytest.mark.usefixtures("loopback_allowed")

_SECRET = "s3cret-t0ken"
_PACKAGE = b"the bytes of a package"
_FILE = "demo-1.0-0.conda"


def packed(value: object) -> bytes:
    """Return a document as CEP 16 defines it."""
    return zstd.compress(msgspec.msgpack.encode(value))


def shard(**fields: Any) -> bytes:
    """Return the shard of `demo`."""
    record = {
        "name": "demo", "version": "1.0", "build": "0", "build_number": 0, "depends": [],
        "size": len(_PACKAGE), "sha256": hashlib.sha256(_PACKAGE).digest(), **fields,
    }  # fmt: skip
    return packed({"packages": {}, "packages.conda": {_FILE: record}, "removed": []})


def served(body: bytes, *, ranges: bool = True, header: str | None = None) -> Handler:
    """Return a handler of a file, which asks for a header with the secret if one is named."""

    async def handler(request: web.Request) -> web.StreamResponse:
        if header and _SECRET not in request.headers.get(header, ""):
            return web.Response(status=401)
        if ranges and request.headers.get("Range") == "bytes=0-0":
            end = {"Content-Range": f"bytes 0-0/{len(body)}"}
            return web.Response(status=206, body=body[:1], headers=end)
        return web.Response(body=body)

    return handler


def publish(server: Misbehaving, subdir: str, body: bytes, *, lies: bool, **options: Any) -> None:
    """Serve a subdir with one package."""
    digest = hashlib.sha256(shard() if lies else body)
    index = {
        "info": {"subdir": subdir, "base_url": "", "shards_base_url": "./shards/"},
        "shards": {"demo": digest.digest()},
        "version": 1,
    }
    files = {
        "repodata.json": b"{}" * 500,
        "repodata.json.zst": b"x" * 300,
        "repodata_shards.msgpack.zst": packed(index),
        f"shards/{digest.hexdigest()}.msgpack.zst": body,
        _FILE: _PACKAGE,
    }
    for name, content in files.items():
        server.paths[f"/ch/{subdir}/{name}"] = served(content, **options)


@asynccontextmanager
async def channel(
    body: bytes | None = None, *, lies: bool = False, **options: Any
) -> AsyncIterator[Misbehaving]:
    """Serve a channel with the subdirs noarch and linux-64."""
    async with misbehaving() as server:
        for subdir in ("noarch", "linux-64"):
            publish(server, subdir, body or shard(), lies=lies, **options)
        server.paths["/ch/channeldata.json"] = served(b"x" * 50, **options)
        yield server


async def probed(remote: CondaRemote) -> dict[str, Any]:
    """Return what a probe says; it never holds a secret."""
    found = await probing.probe(remote)
    assert _SECRET not in str(found)
    msgspec.json.encode(found)
    return found


def test_a_probe_says_what_there_is() -> None:
    async def scenario() -> None:
        async with channel(shard(indexed_timestamp=1_700_000_000_000)) as server:
            found = await probed(server.remote())
        assert found["faults"] == []
        assert found["complete"]
        assert found["authentication"] == "none"
        assert found["documents"] == {"channeldata.json": {"bytes": 50}}
        assert list(found["subdirs"]) == ["linux-64", "noarch"]
        noarch = found["subdirs"]["noarch"]
        sizes = {"repodata.json": {"bytes": 1000}, "repodata.json.zst": {"bytes": 300}}
        assert noarch["documents"] == sizes
        shards = noarch["shards"]
        assert (shards["names"], shards["sampled"], shards["wrong"]) == (1, 1, 0)
        assert shards["indexed_timestamps"] is True
        assert found["file"]["bytes"] == len(_PACKAGE)
        assert found["file"]["path"].endswith(f"/{_FILE}")

    run(scenario())


def test_sizes_are_known_without_ranges_too() -> None:
    async def scenario() -> None:
        async with channel(ranges=False) as server:
            found = await probed(server.remote())
        assert found["faults"] == []
        assert found["subdirs"]["noarch"]["documents"]["repodata.json"] == {"bytes": 1000}
        assert found["subdirs"]["noarch"]["shards"]["indexed_timestamps"] is False

    run(scenario())


def test_only_the_remotes_subdirs_are_asked_for() -> None:
    async def scenario() -> None:
        async with channel() as server:
            found = await probed(server.remote(subdirs=["osx-64"]))
            assert list(found["subdirs"]) == ["noarch"]
            assert {request.path.split("/")[2] for request in server.asked} == {
                "osx-64", "noarch", "channeldata.json", "notices.json",
            }  # fmt: skip

    run(scenario())


def test_shards_that_are_not_true_to_their_digests_are_told() -> None:
    async def scenario() -> None:
        async with channel(shard(build_number=7), lies=True) as server:
            found = await probed(server.remote())
        shards = found["subdirs"]["noarch"]["shards"]
        assert (shards["sampled"], shards["wrong"]) == (1, 1)
        assert any("demo" in fault and "digest" in fault for fault in found["faults"])
        assert found["complete"]

    run(scenario())


@pytest.mark.parametrize(
    ("token", "header", "outcome"),
    [
        (_SECRET, "Authorization", "accepted"),
        (_SECRET, None, "not needed"),
        ("another-s3cret-t0ken-x", "X-Other", "refused"),
    ],
)
def test_the_outcome_of_authentication_is_told(
    token: str, header: str | None, outcome: str
) -> None:
    async def scenario() -> None:
        async with channel(header=header) as server:
            found = await probed(server.remote(auth="bearer", token=token))
        assert found["authentication"] == outcome
        assert found["complete"] == (outcome != "refused")

    run(scenario())


def test_credentials_that_are_needed_for_files_only_are_noticed() -> None:
    async def scenario() -> None:
        async with channel() as server:
            for subdir in ("noarch", "linux-64"):
                server.paths[f"/ch/{subdir}/{_FILE}"] = answering(status=401)
            found = await probed(server.remote())
        assert found["file"]["bytes"] is None
        assert any(_FILE in fault for fault in found["faults"])

    run(scenario())


def test_an_upstream_that_is_not_there_is_told() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            remote = server.remote()
        found = await probed(remote)
        assert not found["complete"]
        (fault,) = found["faults"]
        assert "cannot be reached" in fault

    run(scenario())


def test_web_pages_are_no_documents() -> None:
    async def page(_: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>Welcome", content_type="text/html")

    async def scenario() -> None:
        async with misbehaving() as server:

            class Everything(dict[str, Handler]):
                def get(self, key: str, default: Any = None) -> Any:
                    return page

            server.paths = Everything()
            found = await probed(server.remote(subdirs=["linux-64"]))
        assert found["documents"] == {}
        assert found["subdirs"] == {}
        assert found["faults"]

    run(scenario())


def test_a_slow_upstream_ends_a_probe_with_what_was_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probing, "LONGEST_SECONDS", 0.5)

    async def scenario() -> None:
        async with channel() as server:

            async def stuck(_: web.Request) -> web.StreamResponse:
                await asyncio.sleep(3600)
                raise AssertionError

            server.paths["/ch/linux-64/repodata.json"] = stuck
            found = await probed(server.remote(subdirs=["linux-64"]))
        assert not found["complete"]
        assert any("ended" in fault for fault in found["faults"])
        assert "noarch" in found["subdirs"]

    run(scenario())
