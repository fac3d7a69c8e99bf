"""Upstreams of other servers: what their documents look like."""

import bz2
import json
from collections.abc import Iterator
from typing import Any

import pytest

from pulp_conda.app.models import MIRROR, CondaRepository, SyncedSubdir
from tests.database.upstream_channel import (
    UpstreamChannel,
    held,
    make_remote,
    synced,
    upstream_channel,
)
from tests.unit.formats.channels import SUBDIR, record

_PATH = f"{SUBDIR}/repodata.json"
_FILE = "a-1.0-0.tar.bz2"


@pytest.fixture
def upstream() -> Iterator[UpstreamChannel]:
    """A channel of another server without `noarch`."""
    with upstream_channel() as served:
        yield served


def document(info: dict[str, Any] | None = None, **fields: Any) -> bytes:
    """Return an indented `repodata.json` with one package."""
    stated = record("a", "1.0", md5="a" * 32, size=5, **fields)
    whole = {"info": {"subdir": SUBDIR, **(info or {})}, "packages": {_FILE: stated}}
    return json.dumps(whole, indent=4).encode()


@pytest.mark.parametrize("suffix", ["", ".bz2"])
def test_one_document_without_validators(
    repository: CondaRepository, upstream: UpstreamChannel, suffix: str
) -> None:
    text = document(channel="c", url="http://example.org/x", uploader=None)
    body = bz2.compress(text) if suffix else text
    upstream.odd[_PATH + suffix] = lambda: (200, {}, body)
    remote = make_remote(upstream)
    assert synced(repository, remote, MIRROR)["counts"]["added"] == 1
    (package,) = held(repository).values()
    assert (package.filename, package.sha256, package.md5) == (_FILE, "", "a" * 32)
    assert package.record["uploader"] is None
    assert synced(repository, remote, MIRROR)["names"] == 0, "the bytes are the same"
    assert repository.latest_version().number == 1


@pytest.mark.parametrize("allowed", [[], ["files.example.org"]])
def test_files_on_another_host(
    repository: CondaRepository, upstream: UpstreamChannel, allowed: list[str]
) -> None:
    base = "http://files.example.org/pool"
    good = document()
    upstream.odd[_PATH] = lambda: (200, {}, good)
    remote = make_remote(upstream, allowed_hosts=allowed)
    synced(repository, remote)
    upstream.odd[_PATH] = lambda: (200, {}, document({"base_url": base}))
    upstream.documents["noarch/repodata.json"] = b'{"packages": {}}'
    result = synced(repository, remote)
    url = SyncedSubdir.objects.get(subdir=SUBDIR).files_url
    assert url == (f"{base}/" if allowed else f"{upstream.url}/{SUBDIR}/")
    assert [fault["path"] for fault in result["faults"]] == ([] if allowed else [_PATH])
    assert held(repository).keys() == {_FILE}
