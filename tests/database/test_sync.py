"""What a channel has after it was synced from another server's channel."""

import pytest
from pulpcore.plugin.models import ContentArtifact

from pulp_conda.app.channels.sync.apply import Shrunk
from pulp_conda.app.channels.sync.sync import NothingRead
from pulp_conda.app.models import MIRROR, CondaRepository, IndexedFile, SyncedSubdir
from pulp_conda.app.upstream import UpstreamError
from tests.builders import PackageBuilder
from tests.database.factories import upload
from tests.database.upstream_channel import (
    UpstreamChannel,
    held,
    make_remote,
    synced,
)
from tests.unit.formats.channels import SUBDIR, record

_SHARD_INDEX = f"{SUBDIR}/repodata_shards.msgpack.zst"
_VARIANTS = ("repodata.json.zst", "repodata.json", "repodata.json.bz2")
_WITHOUT_SHARDS = ("run_exports", "bz2")


def test_a_first_sync_takes_everything(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    upstream.publish(record("a", "1.0"), record("a", "2.0"), record("b", "1.0", "a >=1"))
    result = synced(repository, make_remote(upstream))
    assert result["counts"] == {
        "added": 3, "removed": 0, "replaced": 0, "changed": 0, "held": 0,
        "filtered": 0, "faults": 0,
    }  # fmt: skip
    assert result["version"] == repository.latest_version().number == 1
    packages = held(repository)
    assert packages.keys() == {"a-1.0-0.conda", "a-2.0-0.conda", "b-1.0-0.conda"}
    assert packages["b-1.0-0.conda"].record["depends"] == ["a >=1"]
    files = ContentArtifact.objects.filter(content__in=[each.pk for each in packages.values()])
    assert {file.relative_path for file in files} == {f"{SUBDIR}/{name}" for name in packages}
    assert {file.artifact_id for file in files} == {None}


@pytest.mark.parametrize("documents", [("shards", "run_exports"), _WITHOUT_SHARDS])
def test_nothing_changes_if_nothing_changed(
    repository: CondaRepository, upstream: UpstreamChannel, documents: tuple[str, ...]
) -> None:
    upstream.publish(record("a", "1.0"), documents=documents)
    remote = make_remote(upstream)
    synced(repository, remote)
    upstream.asked.clear()
    result = synced(repository, remote)
    assert repository.latest_version().number == result["version"] == 1
    assert result["bytes"] == 0
    exports_asked = sum("run_exports" in path for path in upstream.asked)
    assert len(upstream.asked) == 2 + exports_asked, "one 304 for a subdir"
    assert exports_asked == ("shards" not in documents)


def test_only_changed_names_are_fetched(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    records = [record(name, "1.0") for name in "abcdef"]
    upstream.publish(*records)
    remote = make_remote(upstream)
    synced(repository, remote)
    upstream.asked.clear()
    upstream.publish(*records, record("c", "2.0"))
    assert synced(repository, remote)["counts"]["added"] == 1
    assert upstream.shards_asked() == 1
    assert len(held(repository)) == 7


@pytest.mark.parametrize(("mode", "left"), [("additive", {"a", "b"}), ("mirror", {"b"})])
@pytest.mark.parametrize("documents", [("shards",), _WITHOUT_SHARDS])
def test_what_upstream_removed(
    repository: CondaRepository,
    upstream: UpstreamChannel,
    mode: str,
    left: set[str],
    documents: tuple[str, ...],
) -> None:
    upstream.publish(record("a", "1.0"), record("b", "1.0"), documents=documents)
    remote = make_remote(upstream, max_shrink=100)
    synced(repository, remote, mode)
    upstream.publish(record("b", "1.0"), documents=documents)
    result = synced(repository, remote, mode)
    assert {package.name for package in held(repository).values()} == left
    assert result["counts"]["removed"] == 2 - len(left)


def test_a_mirror_has_nothing_else(repository: CondaRepository, upstream: UpstreamChannel) -> None:
    upload(repository, PackageBuilder("own"), PackageBuilder("other").subdir(SUBDIR))
    upstream.publish(record("a", "1.0"))
    remote = make_remote(upstream)
    synced(repository, remote)
    assert {each.name for each in held(repository).values()} == {"own", "other", "a"}
    synced(repository, remote, MIRROR)
    assert {each.name for each in held(repository).values()} == {"a"}


def test_what_others_changed_is_compared_again(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    upstream.publish(record("a", "1.0"), record("b", "1.0"))
    remote = make_remote(upstream)
    synced(repository, remote, MIRROR)
    upload(repository, PackageBuilder("a", "9.0").subdir(SUBDIR))
    upstream.asked.clear()
    synced(repository, remote, MIRROR)
    assert held(repository).keys() == {"a-1.0-0.conda", "b-1.0-0.conda"}
    assert upstream.shards_asked() == 1


@pytest.mark.parametrize("on_replaced", ["accept", "hold"])
def test_other_bytes_under_the_same_name(
    repository: CondaRepository, upstream: UpstreamChannel, on_replaced: str
) -> None:
    upstream.publish(record("a", "1.0"))
    remote = make_remote(upstream, on_replaced=on_replaced)
    synced(repository, remote)
    other = "f" * 64
    upstream.publish(record("a", "1.0", sha256=other))
    result = synced(repository, remote)
    name = {"accept": "replaced", "hold": "held"}[on_replaced]
    assert result["listed"] == {name: [f"{SUBDIR}/a-1.0-0.conda"]}
    assert (held(repository)["a-1.0-0.conda"].sha256 == other) == (on_replaced == "accept")


def test_a_changed_record_is_always_taken(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    upstream.publish(record("a", "1.0"))
    remote = make_remote(upstream, on_replaced="hold")
    synced(repository, remote)
    upstream.publish(record("a", "1.0", "hotfix"))
    assert synced(repository, remote)["counts"]["changed"] == 1
    assert held(repository)["a-1.0-0.conda"].record["depends"] == ["hotfix"]
    (time,) = IndexedFile.objects.filter(repository=repository)
    assert time.version == 1, "the file is the same"


def test_a_hotfix_and_its_return_need_no_new_unit(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    upstream.publish(record("a", "1.0"))
    remote = make_remote(upstream)
    synced(repository, remote)
    before = held(repository)["a-1.0-0.conda"].pk
    upstream.publish(record("a", "1.0", "hotfix"))
    synced(repository, remote)
    upstream.publish(record("a", "1.0"))
    synced(repository, remote)
    assert held(repository)["a-1.0-0.conda"].pk == before


def test_filters(repository: CondaRepository, upstream: UpstreamChannel) -> None:
    upstream.publish(*(record(name, f"{n}.0") for name in "abc" for n in (1, 2, 3)))
    remote = make_remote(upstream, include=["a", "b"], exclude=["b 3.*"], newest=2)
    result = synced(repository, remote)
    kept = {"a-2.0-0.conda", "a-3.0-0.conda", "b-1.0-0.conda", "b-2.0-0.conda"}
    assert held(repository).keys() == kept
    assert upstream.shards_asked() == 2, "c cannot be taken"
    remote.newest = 1
    remote.save()
    synced(repository, remote, MIRROR)
    assert held(repository).keys() == {"a-3.0-0.conda", "b-2.0-0.conda"}
    assert result["counts"]["filtered"] == 2


def test_a_channel_that_would_lose_many_packages(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    records = [record("n", f"1.{number}") for number in range(200)]
    upstream.publish(*records)
    remote = make_remote(upstream)
    synced(repository, remote, MIRROR)
    upstream.publish(*records[:100])
    with pytest.raises(Shrunk, match="100 of 200 packages"):
        synced(repository, remote, MIRROR)
    assert len(held(repository)) == 200


def test_an_upstream_that_cannot_be_had(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    upstream.publish(record("a", "1.0"))
    remote = make_remote(upstream)
    synced(repository, remote, MIRROR)
    upstream.odd[_SHARD_INDEX] = lambda: (500, {}, b"")
    with pytest.raises(UpstreamError):
        synced(repository, remote, MIRROR)
    assert held(repository).keys() == {"a-1.0-0.conda"}


def test_an_upstream_that_is_no_channel(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    with pytest.raises(NothingRead, match="no such subdir"):
        synced(repository, make_remote(upstream))
    assert repository.latest_version().number == 0


def test_a_record_that_cannot_be_used_stops_nothing(
    repository: CondaRepository, upstream: UpstreamChannel
) -> None:
    upstream.publish(record("a", "1.0"), record("b", "1.0", sha256=None, md5=None))
    result = synced(repository, make_remote(upstream))
    assert held(repository).keys() == {"a-1.0-0.conda"}
    (fault,) = result["faults"]
    assert fault["path"] == f"{SUBDIR}/b-1.0-0.conda"
    assert "no hash" in fault["fault"]


def test_a_dry_run_saves_nothing(repository: CondaRepository, upstream: UpstreamChannel) -> None:
    upstream.publish(record("dry", "1.0"))
    result = synced(repository, make_remote(upstream), dry_run=True)
    assert result["listed"] == {"added": [f"{SUBDIR}/dry-1.0-0.conda"]}
    assert result["version"] is None
    assert repository.latest_version().number == 0
    assert not SyncedSubdir.objects.exists()
    assert held(repository) == {}
