"""Run exports of an upstream without shards, which lie beside `repodata.json`."""

import pytest

from pulp_conda.app.models import MIRROR, CondaRepository, SyncedSubdir
from tests.database.upstream_channel import (
    Answer,
    UpstreamChannel,
    held,
    make_remote,
    synced,
)
from tests.unit.formats.channels import SUBDIR, record

_EXPORTS = (f"{SUBDIR}/run_exports.json.zst", f"{SUBDIR}/run_exports.json")


def publish(upstream: UpstreamChannel, *specs: str, version: str = "1.0") -> None:
    """Let the upstream have a package with weak run exports, without shards."""
    package = record("a", version, exports={"weak": list(specs)} if specs else {})
    upstream.publish(package, documents=("run_exports", "bz2"))


def exports(repository: CondaRepository) -> list[object]:
    """Return the run exports of the channel's packages."""
    return [package.run_exports for package in held(repository).values()]


def test_run_exports_change_alone(repository: CondaRepository, upstream: UpstreamChannel) -> None:
    publish(upstream, "a >=1")
    remote = make_remote(upstream)
    synced(repository, remote)
    before = upstream.documents
    publish(upstream, "a >=2")
    upstream.documents = before | {path: upstream.documents[path] for path in _EXPORTS}
    assert synced(repository, remote)["counts"]["changed"] == 1
    assert exports(repository) == [{"weak": ["a >=2"]}]
    assert synced(repository, remote)["bytes"] == 0


@pytest.mark.parametrize("answer", [(404, {}, b""), (200, {}, b"<html>")])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_run_exports_are_lost(
    repository: CondaRepository, upstream: UpstreamChannel, answer: Answer, version: str
) -> None:
    publish(upstream, "a >=1")
    remote = make_remote(upstream)
    synced(repository, remote, MIRROR)
    publish(upstream, "a >=1", version=version)
    upstream.odd = {path: lambda: answer for path in _EXPORTS}
    result = synced(repository, remote, MIRROR)
    assert exports(repository) == [{"weak": ["a >=1"]}]
    assert result["faults"][-1]["path"] == SUBDIR
    assert "run_exports.json is absent or damaged" in result["faults"][-1]["fault"]
    upstream.odd = {}
    synced(repository, remote, MIRROR)
    assert held(repository).keys() == {f"a-{version}-0.conda"}
    assert exports(repository) == [{"weak": ["a >=1"]}]


def test_an_upstream_gives_run_exports_up(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    publish(upstream, "a >=1")
    remote = make_remote(upstream)
    synced(repository, remote)
    upstream.odd = {path: lambda: (404, {}, b"") for path in _EXPORTS}
    synced(repository, remote, force=True)
    assert exports(repository) == [None]
    assert SyncedSubdir.objects.get(subdir=SUBDIR).exports_document == ""
    assert synced(repository, remote)["faults"] == []
