"""Upstreams that misbehave: the result says how, and the channel's index stays byte for byte."""

import bz2
import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from backports.zstd import compress
from pulpcore.plugin.models import PublishedArtifact

from pulp_conda.app.models import MIRROR, CondaRepository, SyncedSubdir, publication_of
from pulp_conda.app.upstream import UpstreamError
from pulp_conda.formats.index.shards import encode_shard_index
from tests.database.upstream_channel import (
    Answer,
    UpstreamChannel,
    held,
    make_remote,
    synced,
)
from tests.unit.formats.channels import SUBDIR, record

_INDEX = "repodata_shards.msgpack.zst"
_DOCUMENTS = (_INDEX, "repodata.json.zst", "repodata.json", "repodata.json.bz2")
_SECRET = "s3cret-t0ken"


def index_of(repository: CondaRepository) -> dict[str, str]:
    """Return the digests of a channel's published documents by path."""
    publication = publication_of(repository.latest_version())
    assert publication is not None
    files = PublishedArtifact.objects.filter(publication=publication)
    found = files.values_list("relative_path", "content_artifact__artifact__sha256")
    return {path: digest or "" for path, digest in found}


def _zstd_bomb(name: str) -> bytes:
    bomb = bytes(64 * 1024**2)
    return bz2.compress(bomb) if name.endswith("bz2") else compress(bomb)


def _packed(name: str, text: bytes) -> bytes:
    if name.endswith(".zst"):
        return compress(text)
    return bz2.compress(text) if name.endswith(".bz2") else text


_DAMAGE: dict[str, Callable[[str], Answer]] = {
    "zeros": lambda name: (200, {}, _zstd_bomb(name)),
    "deep JSON": lambda name: (200, {}, _packed(name, b'{"packages": ' + b"[" * 10**6)),
    "a list": lambda name: (200, {}, _packed(name, b"[]")),
    "other subdir": lambda name: (
        200, {}, _packed(name, b'{"info": {"subdir": "win-64"}, "packages": {}}')),
}  # fmt: skip


@pytest.mark.parametrize("damage", sorted(_DAMAGE))
def test_damaged_documents(
    repository: CondaRepository, upstream: UpstreamChannel, damage: str
) -> None:
    upstream.publish(record("a", "1.0"), record("b", "1.0"))
    remote = make_remote(upstream, auth="bearer", token=_SECRET)
    synced(repository, remote, MIRROR)
    before = index_of(repository)
    upstream.publish(record("c", "1.0"), record("d", "1.0"))
    for name in _DOCUMENTS:
        upstream.odd[f"{SUBDIR}/{name}"] = partial(_DAMAGE[damage], name)
    result = synced(repository, remote, MIRROR)
    faults = {fault["path"]: fault["fault"] for fault in result["faults"]}
    assert all("cannot be used" in reason for reason in faults.values())
    assert faults.keys() == {f"{SUBDIR}/{name}" for name in _DOCUMENTS}
    assert _SECRET not in str(result)
    assert index_of(repository) == before
    upstream.odd.clear()
    synced(repository, remote, MIRROR, force=True)
    assert {package.name for package in held(repository).values()} == {"c", "d"}


def _redirect(url: str) -> Answer:
    return 302, {"Location": url}, b""


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda url: (200, {"Content-Length": "9999", "Connection": "close"}, b"cut"), "broke"),
        (lambda url: _redirect(f"{url}/{SUBDIR}/{_INDEX}"), "redirect"),
        (lambda url: _redirect("http://10.1.2.3/x"), "10.1.2.3"),
        (lambda url: (429, {"Retry-After": "90000"}, b""), "busy"),
        (lambda url: (304, {}, b""), "status 304"),
        (lambda url: (200, {"Content-Type": "text/html"}, b"<html>sign in"), "web page"),
    ],
    ids=["cut", "loop", "private address", "429", "unasked 304", "HTML"],
)
def test_an_index_that_cannot_be_had(
    repository: CondaRepository, upstream: UpstreamChannel, answer: Any, reason: str
) -> None:
    upstream.publish(record("a", "1.0"))
    remote = make_remote(upstream, auth="bearer", token=_SECRET)
    synced(repository, remote, MIRROR)
    before = index_of(repository)
    upstream.publish(record("b", "1.0"))
    upstream.odd[f"{SUBDIR}/{_INDEX}"] = lambda: answer(upstream.url)
    SyncedSubdir.objects.update(etag="", last_modified="")  # no condition is asked
    with pytest.raises(UpstreamError, match=reason) as caught:
        synced(repository, remote, MIRROR)
    assert _SECRET not in str(caught.value)
    assert index_of(repository) == before


@pytest.mark.parametrize("status", [401, 403])
def test_shards_that_need_other_credentials(
    repository: CondaRepository, upstream: UpstreamChannel, status: int
) -> None:
    upstream.publish(*(record(f"n{number}", "1.0") for number in range(20)))
    for path in upstream.documents:
        if "/shards/" in path:
            upstream.odd[path] = lambda: (status, {}, b"")
    result = synced(repository, make_remote(upstream), MIRROR)
    assert result["subdirs"][SUBDIR]["document"] == "repodata.json.zst"
    assert len(held(repository)) == 20
    assert result["faults"][-1]["path"] == f"{SUBDIR}/{_INDEX}"


def test_a_busy_upstream_is_asked_again(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    upstream.publish(record("a", "1.0"))
    path = f"{SUBDIR}/{_INDEX}"

    def once() -> Answer:
        del upstream.odd[path]
        return 429, {"Retry-After": "0"}, b""

    upstream.odd[path] = once
    assert synced(repository, make_remote(upstream, max_retries=2))["faults"] == []
    assert held(repository).keys() == {"a-1.0-0.conda"}


def test_absurd_names(repository: CondaRepository, upstream: UpstreamChannel) -> None:
    upstream.publish(record("a", "1.0"))
    digests = {f"../{number}\n": hashlib.sha256(b"").digest() for number in range(100_000)}
    index = encode_shard_index(SUBDIR, digests, upstream.channel.created, {})
    upstream.odd[f"{SUBDIR}/{_INDEX}"] = lambda: (200, {}, index)
    result = synced(repository, make_remote(upstream), MIRROR)
    assert len(result["faults"]) == 101, "the rest is counted"
    assert "was left out" in result["faults"][0]["fault"]
    assert upstream.shards_asked() == 0
