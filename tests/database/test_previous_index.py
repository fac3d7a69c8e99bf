"""Which publication a new index takes documents from."""

from collections.abc import Mapping

import pytest
from django.test import override_settings
from pulpcore.plugin.models import PublishedArtifact, RepositoryVersion

from pulp_conda.app.channels.index.fingerprint import (
    LIBRARIES,
    fingerprint_options,
    index_fingerprint,
    same_libraries,
    same_options,
)
from pulp_conda.app.channels.index.plan import plan
from pulp_conda.app.channels.index.previous_index import find_previous
from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.channels.index.version_packages import VersionPackages
from pulp_conda.app.channels.upkeep.check_index import faults_of
from pulp_conda.app.models import CondaPublication, CondaRepository
from tests.builders import PackageBuilder
from tests.database import stored
from tests.database.factories import changed, configured, save_package, save_patch


@pytest.fixture
def channel() -> CondaRepository:
    """A repository that does not publish by itself."""
    return CondaRepository.objects.create(name="org/main", autopublish=False)


@pytest.fixture
def versions(channel: CondaRepository) -> list[RepositoryVersion]:
    """Three versions, by their number less one, none of them published."""
    return [changed(channel, add=[save_package(PackageBuilder(name))]) for name in "abc"]


def previous_number(version: RepositoryVersion) -> int | None:
    """Return the number of the version whose publication a new index would be built from."""
    version = RepositoryVersion.objects.get(pk=version.pk)
    previous = find_previous(version, index_fingerprint(version))
    return previous.number if previous else None


def documents(publication: CondaPublication) -> Mapping[str, str]:
    """Return the digest of each document."""
    published = PublishedArtifact.objects.filter(publication=publication)
    return dict(published.values_list("relative_path", "content_artifact__artifact__sha256"))


def test_there_is_none_before_the_first(versions: list[RepositoryVersion]) -> None:
    assert previous_number(versions[2]) is None


def test_it_is_the_newest_of_an_earlier_version(versions: list[RepositoryVersion]) -> None:
    publish(versions[1])
    publish(versions[0])
    assert previous_number(versions[2]) == 2


def test_it_is_none_of_a_later_version(versions: list[RepositoryVersion]) -> None:
    publish(versions[2])
    assert previous_number(versions[1]) is None


def test_it_is_complete(versions: list[RepositoryVersion]) -> None:
    publish(versions[0])
    CondaPublication.objects.filter(pk=publish(versions[1]).pk).update(complete=False)
    assert previous_number(versions[2]) == 1


def test_it_is_none_of_another_channel(versions: list[RepositoryVersion]) -> None:
    other = CondaRepository.objects.create(name="other", autopublish=False)
    publish(changed(other, add=[save_package(PackageBuilder("a"))]))
    assert previous_number(versions[2]) is None


def test_a_version_that_is_published_already_is_built_anew(
    versions: list[RepositoryVersion],
) -> None:
    publish(versions[0])
    publish(versions[1])
    assert previous_number(versions[1]) is None


@pytest.mark.parametrize(
    "option", ["documents", "v3_documents", "CONDA_BZ2_MAX_BYTES", "CONDA_PLAIN_MAX_BYTES"]
)
def test_it_has_the_same_options(
    channel: CondaRepository, versions: list[RepositoryVersion], option: str
) -> None:
    publish(versions[0])
    if option.isupper():
        with override_settings(**{option: 1}):
            assert previous_number(versions[1]) is None
    else:
        configured(channel, **{option: ["shards"]})
        assert previous_number(versions[1]) is None


@pytest.mark.parametrize("library", LIBRARIES)
def test_it_was_built_with_the_same_libraries(
    versions: list[RepositoryVersion], library: str
) -> None:
    publish(versions[0])
    version = versions[1]
    other = {**index_fingerprint(version), library: "0.0"}
    assert find_previous(version, other) is None


@pytest.mark.parametrize("field", ["autopublish", "immutable_names", "retain_repo_versions"])
def test_settings_that_change_no_bytes_are_no_part_of_the_fingerprint(
    channel: CondaRepository, versions: list[RepositoryVersion], field: str
) -> None:
    before = index_fingerprint(versions[0])
    configured(channel, **{field: 7 if field.startswith("retain") else True})
    assert index_fingerprint(RepositoryVersion.objects.get(pk=versions[0].pk)) == before


def test_a_fingerprint_states_the_options_that_it_was_made_of(
    channel: CondaRepository, versions: list[RepositoryVersion]
) -> None:
    configured(channel, documents=["bz2", "shards"], v3_documents=[])
    with override_settings(CONDA_BZ2_MAX_BYTES=77, CONDA_PLAIN_MAX_BYTES=88):
        made = index_fingerprint(RepositoryVersion.objects.get(pk=versions[0].pk))
    options = fingerprint_options(made)
    assert options.documents == {"bz2", "shards"}
    assert options.v3_documents == frozenset()
    assert options.bz2_max_bytes == 77
    assert options.plain_max_bytes == 88


def test_fingerprints_of_other_libraries_differ_in_no_option(
    versions: list[RepositoryVersion],
) -> None:
    one = index_fingerprint(versions[0])
    assert same_options(one, one)
    assert same_libraries(one, one)
    for library in LIBRARIES:
        assert same_options(one, {**one, library: "0.0"})
        assert not same_libraries(one, {**one, library: "0.0"})
    assert not same_options(one, {**one, "documents": ""})
    assert same_libraries(one, {**one, "documents": ""})


def test_a_version_that_changed_nothing_takes_all_documents_over(
    channel: CondaRepository,
) -> None:
    first = publish(changed(channel, add=[save_package(PackageBuilder("a"))]))
    version = changed(channel, add=[save_patch("osx-64", remove=["x-1-0.conda"])])
    planned = plan(version, VersionPackages(version))
    assert planned.built_subdirs == []
    assert planned.reused.keys() == documents(first).keys()
    assert documents(publish(version)) == documents(first)


def test_what_came_and_went_unpublished_changes_no_byte(channel: CondaRepository) -> None:
    other = save_package(PackageBuilder("b"))
    first = publish(changed(channel, add=[save_package(PackageBuilder("a"))]))
    changed(channel, add=[other])
    assert documents(publish(changed(channel, remove=[other]))) == documents(first)


def test_only_what_changed_is_built(channel: CondaRepository) -> None:
    publish(changed(channel, add=[save_package(PackageBuilder("a"))]))
    linux = save_package(PackageBuilder("b").subdir("linux-64"))
    version = changed(channel, add=[linux])
    planned = plan(version, VersionPackages(version))
    assert planned.built_subdirs == ["linux-64"]
    assert planned.changed_names("linux-64") is None, "it is built anew, as it was not there"
    taken_over = {path.partition("/")[0] for path in planned.reused}
    assert taken_over == {"noarch"}, "documents in the root tell of all subdirs"


def test_every_channel_has_an_index_of_noarch(channel: CondaRepository) -> None:
    version = changed(channel, add=[save_package(PackageBuilder("b").subdir("linux-64"))])
    planned = plan(version, VersionPackages(version))
    assert planned.previous is None
    assert planned.built_subdirs == ["linux-64", "noarch"]


@pytest.mark.parametrize("path", ["noarch/repodata.json.zst", "channeldata.json.zst"])
@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_damaged_document_makes_the_index_be_built_from_its_packages(
    channel: CondaRepository, path: str, damage: str
) -> None:
    name = f"{damage}-{path.partition('.')[0].replace('/', '-')}"
    publication = publish(changed(channel, add=[save_package(PackageBuilder(name))]))
    file = stored.document(publication, path)
    assert file
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(b"x" + file.read_bytes()[1:])
    newer = publish(changed(channel, add=[save_package(PackageBuilder(name, "2.0"))]))
    assert list(faults_of(newer)) == []
