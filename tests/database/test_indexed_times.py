"""When the index of a channel first named each file, and what it lists as removed."""

from datetime import timedelta

import pytest
from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.app.channels.index.indexed_times import record_indexed_times
from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.channels.index.version_packages import VersionPackages
from pulp_conda.app.models import CondaPackage, CondaRepository, IndexedFile
from tests.builders import PackageBuilder
from tests.database.factories import changed, save_package

_DAY = timedelta(days=1)


@pytest.fixture
def channel() -> CondaRepository:
    """A repository that does not publish by itself."""
    return CondaRepository.objects.create(name="org/main", autopublish=False)


def later(version: RepositoryVersion, days: int) -> RepositoryVersion:
    """Move the time of a version; return it."""
    moment = version.pulp_created + days * _DAY
    RepositoryVersion.objects.filter(pk=version.pk).update(pulp_created=moment)
    return RepositoryVersion.objects.get(pk=version.pk)


def milliseconds(version: RepositoryVersion) -> int:
    """Return the time of a version as an index states it."""
    return int(version.pulp_created.timestamp() * 1000)


def times(repository: CondaRepository) -> dict[str, tuple[int, int]]:
    """Return the first version, and its time, of each file by the start of its digest."""
    rows = IndexedFile.objects.filter(repository=repository)
    return {row.sha256: (row.version, row.timestamp) for row in rows}


def test_a_file_has_the_time_of_the_version_whose_index_named_it_first(
    channel: CondaRepository,
) -> None:
    a, b = save_package(PackageBuilder("a")), save_package(PackageBuilder("b"))
    first = changed(channel, add=[a])
    publish(first)
    second = later(changed(channel, add=[b]), 1)
    publish(second)
    assert times(channel) == {
        a.sha256: (1, milliseconds(first)),
        b.sha256: (2, milliseconds(second)),
    }


def test_a_file_that_comes_back_has_its_first_time(channel: CondaRepository) -> None:
    a = save_package(PackageBuilder("a"))
    first = changed(channel, add=[a])
    publish(first)
    publish(changed(channel, remove=[a]))
    publish(later(changed(channel, add=[a]), 1))
    assert times(channel) == {a.sha256: (1, milliseconds(first))}


def test_other_bytes_of_one_name_have_a_time_of_their_own(channel: CondaRepository) -> None:
    old = save_package(PackageBuilder("a"))
    new = save_package(PackageBuilder("a").about(summary="new"))
    publish(changed(channel, add=[old]))
    publish(changed(channel, add=[new], remove=[old]))
    assert {number for number, _ in times(channel).values()} == {1, 2}


def test_another_record_of_one_file_has_the_time_of_the_file(channel: CondaRepository) -> None:
    a = save_package(PackageBuilder("a"))
    publish(changed(channel, add=[a]))
    columns = [field.attname for field in CondaPackage._meta.local_fields if not field.primary_key]
    fields = {column: getattr(a, column) for column in columns}
    corrected = CondaPackage.objects.create(**{**fields, "record_digest": "0" * 64})
    publish(changed(channel, add=[corrected], remove=[a]))
    assert [number for number, _ in times(channel).values()] == [1]


def test_each_channel_has_times_of_its_own(channel: CondaRepository) -> None:
    a = save_package(PackageBuilder("a"))
    publish(changed(channel, add=[a]))
    other = CondaRepository.objects.create(name="other", autopublish=False)
    version = later(changed(other, add=[a]), 1)
    publish(version)
    assert times(other) == {a.sha256: (1, milliseconds(version))}


def test_versions_that_were_never_published_give_no_times(channel: CondaRepository) -> None:
    a, b = save_package(PackageBuilder("a")), save_package(PackageBuilder("b"))
    publish(changed(channel, add=[save_package(PackageBuilder("first"))]))
    changed(channel, add=[a])
    version = changed(channel, remove=[a], add=[b])
    publish(version)
    assert a.sha256 not in times(channel)
    assert times(channel)[b.sha256] == (3, milliseconds(version))


def test_what_an_unpublished_version_added_gets_the_time_of_the_version_that_names_it(
    channel: CondaRepository,
) -> None:
    a = save_package(PackageBuilder("a"))
    publish(changed(channel, add=[save_package(PackageBuilder("first"))]))
    changed(channel, add=[a])
    publish(later(changed(channel, add=[save_package(PackageBuilder("b"))]), 1))
    assert times(channel)[a.sha256][0] == 3


def test_files_are_recorded_once_however_often(channel: CondaRepository) -> None:
    version = changed(channel, add=[save_package(PackageBuilder("a"))])
    record_indexed_times(version, since=None)
    before = times(channel)
    record_indexed_times(later(version, 1), since=None)
    assert times(channel) == before


def test_files_of_versions_up_to_a_known_one_are_not_looked_at(channel: CondaRepository) -> None:
    a, b = save_package(PackageBuilder("a")), save_package(PackageBuilder("b"))
    changed(channel, add=[a])
    record_indexed_times(changed(channel, add=[b]), since=1)
    assert set(times(channel)) == {b.sha256}


def test_removed_is_what_an_index_named_and_the_version_lacks(channel: CondaRepository) -> None:
    a, b = save_package(PackageBuilder("a")), save_package(PackageBuilder("b"))
    never = save_package(PackageBuilder("never"))
    publish(changed(channel, add=[a, b]))
    changed(channel, add=[never])
    version = changed(channel, remove=[a, never])
    publish(version)
    packages = VersionPackages(version)
    assert packages.removed("noarch") == {"a": ["a-1.0-0.conda"]}
    assert packages.removed("noarch", ["b"]) == {}
    assert packages.removed("linux-64") == {}
    assert packages.subdirs() == {"noarch"}


def test_what_only_a_later_index_named_was_not_removed(channel: CondaRepository) -> None:
    a, b = save_package(PackageBuilder("a")), save_package(PackageBuilder("b"))
    first = changed(channel, add=[a])
    publish(changed(channel, add=[b]))
    assert VersionPackages(first).removed("noarch") == {}


def test_what_an_index_named_whose_version_was_deleted_is_removed(
    channel: CondaRepository,
) -> None:
    a, b = save_package(PackageBuilder("a")), save_package(PackageBuilder("b").subdir("linux-64"))
    publish(changed(channel, add=[a]))
    lost = changed(channel, add=[b])
    publish(lost)
    lost.delete()
    version = changed(channel, add=[save_package(PackageBuilder("c"))])
    packages = VersionPackages(version)
    assert packages.changed_since(1) == {"noarch": {"c"}, "linux-64": {"b"}}
    assert packages.removed("linux-64") == {"b": ["b-1.0-0.conda"]}
