"""Each kind of fault that the check of an index finds."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pulpcore.plugin.models import ContentArtifact, PublishedMetadata

from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.channels.upkeep.check_index import (
    ABSENT,
    DAMAGED,
    DIFFERENT,
    OTHER_OPTIONS,
    SURPLUS,
    faults_of,
)
from pulp_conda.app.models import (
    CondaPackage,
    CondaPublication,
    CondaRepository,
    CondaShard,
    publication_of,
)
from pulp_conda.app.tasks import check_index
from pulp_conda.formats.compression import ZSTD_VERSION
from tests.builders import PackageBuilder
from tests.database import stored
from tests.database.factories import changed, configured, save_package

_REPODATA = "noarch/repodata.json"


def faults(publication: CondaPublication, *, mend: bool = False) -> dict[str, str]:
    """Return what the check finds, by path."""
    found = list(faults_of(publication, mend=mend))
    assert len(dict(found)) == len(found)
    return dict(found)


def entry(publication: CondaPublication, path: str) -> ContentArtifact:
    """Return the row that leads from a document's path to its artifact."""
    return ContentArtifact.objects.get(
        published_artifact__publication=publication, relative_path=path
    )


def file(publication: CondaPublication, path: str) -> Path:
    """Return where a document is stored."""
    found = stored.document(publication, path)
    assert found
    return found


def built_with_another_zstd(publication: CondaPublication) -> None:
    """Let an index be one that another build of zstd wrote: bytes may differ without a fault."""
    units = PublishedMetadata.objects.filter(publication=publication)
    labels = units.get().pulp_labels
    assert labels["zstd"] == ZSTD_VERSION
    units.update(pulp_labels={**labels, "zstd": "0.0"})


def shard_path(publication: CondaPublication) -> tuple[str, CondaShard]:
    """Return the only shard, and its path."""
    shard = CondaShard.objects.get(repository=publication.repository)
    return f"noarch/shards/{shard.digest}.msgpack.zst", shard


@pytest.mark.parametrize("exact", [True, False])
def test_a_sound_index_has_no_fault(published: CondaPublication, exact: bool) -> None:
    if not exact:
        built_with_another_zstd(published)
    assert faults(published) == {}


def test_other_options_are_a_fault_of_the_whole_index(published: CondaPublication) -> None:
    configured(published.repository, documents=["shards"])
    found = faults(CondaPublication.objects.get(pk=published.pk))
    assert found["/"] == OTHER_OPTIONS
    assert found["noarch/current_repodata.json"] == SURPLUS
    assert _REPODATA not in found


def test_a_document_that_the_publication_lacks_is_absent(published: CondaPublication) -> None:
    row = entry(published, _REPODATA)
    row.published_artifact.all().delete()
    row.delete()
    assert faults(published) == {_REPODATA: ABSENT}


def test_a_document_that_the_packages_do_not_give_is_surplus(published: CondaPublication) -> None:
    row = entry(published, _REPODATA)
    ContentArtifact.objects.filter(pk=row.pk).update(relative_path="noarch/strange.json")
    assert faults(published) == {_REPODATA: ABSENT, "noarch/strange.json": SURPLUS}


@pytest.mark.parametrize("exact", [True, False])
def test_a_document_that_the_packages_give_otherwise_is_different(
    published: CondaPublication, exact: bool
) -> None:
    if not exact:
        built_with_another_zstd(published)
    other = entry(published, "channeldata.json").artifact
    ContentArtifact.objects.filter(pk=entry(published, _REPODATA).pk).update(artifact=other)
    assert faults(published) == {_REPODATA: DIFFERENT}


_DAMAGES = pytest.mark.parametrize("damage", [stored.remove, stored.spoil, stored.cut])


@_DAMAGES
def test_a_document_whose_bytes_were_lost_or_changed_is_damaged(
    published: CondaPublication, damage: Callable[[Path], None]
) -> None:
    damage(file(published, "channeldata.json"))
    assert faults(published) == {"channeldata.json": DAMAGED}


@_DAMAGES
def test_publishing_again_writes_a_damaged_document_anew(
    published: CondaPublication, damage: Callable[[Path], None]
) -> None:
    path = file(published, "channeldata.json")
    whole = path.read_bytes()
    damage(path)
    result = check_index(str(published.repository_version.pk), mend=True)
    assert result["faults"] == 1
    assert path.read_bytes() == whole
    newer = publication_of(published.repository_version)
    assert newer
    assert newer.pk != published.pk
    assert faults(newer) == {}


def test_without_mending_nothing_is_touched(published: CondaPublication) -> None:
    path = file(published, "channeldata.json")
    stored.spoil(path)
    spoilt = path.read_bytes()
    CondaShard.objects.update(data=b"rubbish")
    assert len(faults(published)) == 2
    assert path.read_bytes() == spoilt
    assert bytes(CondaShard.objects.get().data) == b"rubbish"
    assert publication_of(published.repository_version) == published
    path.unlink()


def test_a_sound_index_is_not_published_again_by_mending(published: CondaPublication) -> None:
    version = published.repository_version
    result = check_index(str(version.pk), mend=True)
    assert result == {"version": 1, "faults": 0, "listed": []}
    assert publication_of(version) == published


def test_a_version_that_is_not_published_has_no_faults(published: CondaPublication) -> None:
    version = published.repository.versions.get(number=0)
    assert check_index(str(version.pk)) == {"version": 0, "faults": 0, "listed": []}


def test_a_checkpoint_that_is_mended_is_a_checkpoint_again(published: CondaPublication) -> None:
    CondaPublication.objects.filter(pk=published.pk).update(checkpoint=True)
    CondaShard.objects.update(data=b"rubbish")
    check_index(str(published.repository_version.pk), mend=True)
    newer = publication_of(published.repository_version)
    assert newer
    assert newer.pk != published.pk
    assert newer.checkpoint


@pytest.mark.parametrize("exact", [True, False])
def test_a_shard_that_is_not_there_is_absent(published: CondaPublication, exact: bool) -> None:
    if not exact:
        built_with_another_zstd(published)
    path, shard = shard_path(published)
    shard.delete()
    assert faults(published) == {path: ABSENT}


def test_a_shard_of_a_later_version_is_none_of_this_one(published: CondaPublication) -> None:
    path, _ = shard_path(published)
    CondaShard.objects.update(added=2)
    assert faults(published) == {path: ABSENT}


def test_a_shard_whose_bytes_changed_is_damaged_and_corrected_by_mending(
    published: CondaPublication,
) -> None:
    path, shard = shard_path(published)
    whole = bytes(shard.data)
    CondaShard.objects.update(data=b"rubbish")
    assert faults(published, mend=True) == {path: DAMAGED}
    assert bytes(CondaShard.objects.get(pk=shard.pk).data) == whole
    assert faults(published) == {}


def test_a_shard_of_another_digest_is_absent_if_bytes_have_to_be_equal(
    published: CondaPublication,
) -> None:
    path, _ = shard_path(published)
    CondaShard.objects.update(digest="0" * 64)
    assert faults(published) == {path: ABSENT}


def test_a_shard_of_another_digest_is_compared_by_content_otherwise(
    published: CondaPublication, package: CondaPackage
) -> None:
    built_with_another_zstd(published)
    path, _ = shard_path(published)
    CondaShard.objects.update(digest="0" * 64)
    assert faults(published) == {}
    CondaShard.objects.update(data=b"rubbish")
    assert faults(published) == {path: DAMAGED}
    other = CondaRepository.objects.create(name="other", autopublish=False)
    publish(changed(other, add=[save_package(PackageBuilder("other"))]))
    data = CondaShard.objects.get(repository=other).data
    CondaShard.objects.filter(repository=published.repository).update(data=data)
    assert faults(published) == {path: DIFFERENT}


def test_the_shards_of_another_channel_are_not_taken_for_its_own(
    published: CondaPublication,
) -> None:
    other = CondaRepository.objects.create(name="other", autopublish=False)
    path, _ = shard_path(published)
    CondaShard.objects.update(repository=other)
    assert faults(published) == {path: ABSENT}


def test_a_task_lists_the_first_thousand_faults_and_counts_all(
    published: CondaPublication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pulp_conda.app.tasks.repair._LISTED", 3)
    configured(published.repository, documents=[])
    result = check_index(str(published.repository_version.pk))
    assert result["faults"] > 3
    assert len(result["listed"]) == 3
    assert result["listed"][0] == {"path": "/", "problem": OTHER_OPTIONS}
