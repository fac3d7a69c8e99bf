"""Which of an upstream's documents a sync reads, and which of them it believes."""

import pytest

from pulp_conda.app.models import MIRROR, CondaRepository, SyncedSubdir
from tests.database.upstream_channel import UpstreamChannel, held, make_remote, synced
from tests.unit.formats.channels import SUBDIR, record

_SHARD_INDEX = f"{SUBDIR}/repodata_shards.msgpack.zst"
_VARIANTS = ("repodata.json.zst", "repodata.json", "repodata.json.bz2")
_WITHOUT_SHARDS = ("run_exports", "bz2")


@pytest.mark.parametrize("damage", [b"", b"{}", b"<html>", b"\x28\xb5\x2f\xfd"])
def test_shards_that_cannot_be_read(
    repository: CondaRepository, upstream: UpstreamChannel, damage: bytes
) -> None:
    upstream.publish(record("a", "1.0"))
    upstream.odd[_SHARD_INDEX] = lambda: (200, {}, damage)
    remote = make_remote(upstream)
    result = synced(repository, remote)
    assert result["subdirs"][SUBDIR]["document"] == "repodata.json.zst"
    assert held(repository).keys() == {"a-1.0-0.conda"}
    assert result["faults"][0]["path"] == _SHARD_INDEX
    upstream.asked.clear()
    synced(repository, remote)
    assert _SHARD_INDEX not in upstream.asked, "it is asked for again after a day"


@pytest.mark.parametrize("status", [403, 404, 501])
def test_an_upstream_without_shards(
    repository: CondaRepository, upstream: UpstreamChannel, status: int
) -> None:
    upstream.publish(record("a", "1.0"))
    upstream.odd[_SHARD_INDEX] = lambda: (status, {}, b"")
    result = synced(repository, make_remote(upstream))
    assert result["subdirs"][SUBDIR]["document"] == "repodata.json.zst"
    assert result["counts"]["faults"] == 0


def test_a_shard_that_is_not_what_the_index_says(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    upstream.publish(record("a", "1.0"), record("b", "1.0"))
    one, other = (path for path in upstream.documents if "/shards/" in path)
    upstream.odd[one] = lambda: (200, {}, upstream.documents[other])
    result = synced(repository, make_remote(upstream))
    assert result["subdirs"][SUBDIR]["document"] == "repodata.json.zst"
    assert held(repository).keys() == {"a-1.0-0.conda", "b-1.0-0.conda"}


def test_a_lost_shard_leaves_its_name_as_it_is(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    records = [record("a", "1.0"), record("b", "1.0")]
    upstream.publish(*records)
    remote = make_remote(upstream)
    synced(repository, remote, MIRROR)
    before = set(upstream.documents)
    upstream.publish(*records, record("a", "2.0"))
    (lost,) = (path for path in set(upstream.documents) - before if "/shards/" in path)
    upstream.odd[lost] = lambda: (404, {}, b"")
    result = synced(repository, remote, MIRROR)
    assert result["faults"] == [
        {"path": f"{SUBDIR}/a", "fault": "its shard is missing; it stays as it is"}
    ]
    assert held(repository).keys() == {"a-1.0-0.conda", "b-1.0-0.conda"}
    upstream.odd.clear()
    synced(repository, remote, MIRROR)
    assert len(held(repository)) == 3, "the index is the same, and the shard is there"


@pytest.mark.parametrize("variant", _VARIANTS)
def test_each_variant_of_repodata_gives_the_same(
    repository: CondaRepository, upstream: UpstreamChannel, variant: str
) -> None:
    upstream.publish(record("a", "1.0", exports={"weak": ["a"]}), record("b", "1.0"))
    synced(repository, make_remote(upstream))
    by_shards = {name: package.pk for name, package in held(repository).items()}
    SyncedSubdir.objects.all().delete()
    for absent in ("repodata_shards.msgpack.zst", *(name for name in _VARIANTS if name != variant)):
        upstream.odd[f"{SUBDIR}/{absent}"] = lambda: (404, {}, b"")
    result = synced(repository, make_remote(upstream, name="again"))
    assert result["subdirs"][SUBDIR]["document"] == variant
    assert {name: package.pk for name, package in held(repository).items()} == by_shards


def test_a_document_that_shrank_is_not_taken(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    records = [record(f"n{number}", "1.0") for number in range(10)]
    upstream.publish(*records)
    remote = make_remote(upstream)
    synced(repository, remote, MIRROR)
    upstream.publish(*records[:7])
    result = synced(repository, remote, MIRROR)
    assert "a loss of more than 20 %" in result["faults"][0]["fault"]
    assert len(held(repository)) == 10
    synced(repository, remote, MIRROR, force=True)
    assert len(held(repository)) == 7


def test_an_outdated_cache_is_not_believed_in_any_variant(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    upstream.publish(record("a", "1.0"))
    before = upstream.documents
    upstream.publish(record("a", "1.0"), record("b", "1.0"))
    remote = make_remote(upstream, max_shrink=100)
    synced(repository, remote, MIRROR)
    upstream.documents = before
    upstream.asked.clear()
    (fault,) = synced(repository, remote, MIRROR)["faults"]
    assert fault["path"] == _SHARD_INDEX
    assert "older than" in fault["fault"]
    assert not any("repodata.json" in path for path in upstream.asked)
    assert len(held(repository)) == 2


def test_a_repodata_json_of_an_earlier_date_is_not_believed(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    path, dates = f"{SUBDIR}/repodata.json.zst", ["Sat, 02 Jan 2027 00:00:00 GMT"]
    upstream.publish(record("a", "1.0"), documents=_WITHOUT_SHARDS)
    upstream.odd[path] = lambda: (200, {"Last-Modified": dates[-1]}, upstream.documents[path])
    remote = make_remote(upstream)
    synced(repository, remote)
    dates.append("Fri, 01 Jan 2027 00:00:00 GMT")
    upstream.publish(record("a", "1.0"), record("b", "1.0"), documents=_WITHOUT_SHARDS)
    assert "older than" in synced(repository, remote)["faults"][0]["fault"]
    dates.append("nonsense")
    assert synced(repository, remote)["counts"]["added"] == 1


def test_an_upstream_that_has_become_empty_is_not_believed(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    upstream.publish(record("a", "1.0"), documents=_WITHOUT_SHARDS)
    remote = make_remote(upstream, max_shrink=100)
    synced(repository, remote, MIRROR)
    upstream.publish(documents=_WITHOUT_SHARDS)
    assert "it is empty" in synced(repository, remote, MIRROR)["faults"][0]["fault"]
    assert held(repository).keys() == {"a-1.0-0.conda"}
    synced(repository, remote, MIRROR, force=True)
    assert not held(repository)
