"""Which shards the database holds, and to which versions each of them belongs."""

from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection, transaction
from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.channels.index.shards import ShardStore
from pulp_conda.app.channels.upkeep.check_index import faults_of
from pulp_conda.app.core.prepared import FEW
from pulp_conda.app.models import CondaPackage, CondaPublication, CondaRepository, CondaShard
from pulp_conda.formats.index.new_shards import NewShards
from pulp_conda.formats.index.shards import ShardBytes
from tests.builders import PackageBuilder
from tests.database.factories import changed, configured, save_package, save_patch

Row = tuple[str, int, int | None, bool]
"""Name, `added`, `removed`, and whether the shard was superseded."""


@pytest.fixture
def channel() -> CondaRepository:
    """A repository that no URL protects, and whose tests say themselves what is published."""
    return CondaRepository.objects.create(name="org/main", autopublish=False)


def rows(repository: CondaRepository, subdir: str = "noarch") -> list[Row]:
    """Return the rows of a subdir's shards."""
    shards = CondaShard.objects.filter(repository=repository, subdir=subdir)
    found = shards.order_by("name", "added", "pk").values_list(
        "name", "added", "removed", "superseded"
    )
    return [(name, added, removed, bool(superseded)) for name, added, removed, superseded in found]


def save(name: str, version: str = "1.0") -> CondaPackage:
    """Save a package."""
    return save_package(PackageBuilder(name, version))


def assert_sound(*publications: CondaPublication) -> None:
    """Check that indexes and shards are those that the packages give."""
    for publication in publications:
        assert list(faults_of(publication)) == []


def test_each_name_of_a_first_index_gets_a_shard(channel: CondaRepository) -> None:
    publish(changed(channel, add=[save("a"), save("a", "2.0"), save("b")]))
    assert rows(channel) == [("a", 1, None, False), ("b", 1, None, False)]


def test_a_shard_that_did_not_change_keeps_its_row(channel: CondaRepository) -> None:
    publish(changed(channel, add=[save("a")]))
    (kept,) = CondaShard.objects.values_list("pk", flat=True)
    publish(changed(channel, add=[save("b")]))
    assert CondaShard.objects.get(name="a").pk == kept
    assert rows(channel) == [("a", 1, None, False), ("b", 2, None, False)]


def test_a_shard_that_changed_ends_the_one_before(channel: CondaRepository) -> None:
    publish(changed(channel, add=[save("a")]))
    publish(changed(channel, add=[save("a", "2.0")]))
    assert rows(channel) == [("a", 1, 2, True), ("a", 2, None, False)]


def test_a_name_that_lost_all_packages_ends_its_shard(channel: CondaRepository) -> None:
    package, other = save("a"), save("b")
    publish(changed(channel, add=[package, other]))
    publish(changed(channel, remove=[package]))
    # What was once there is listed as removed, so the name has a shard all the same.
    removed = [row for row in rows(channel) if row[0] == "a"]
    assert removed[0] == ("a", 1, 2, True)
    assert rows(channel)[-1] == ("b", 1, None, False)


def test_an_index_that_is_built_anew_keeps_equal_shards_and_ends_the_others(
    channel: CondaRepository,
) -> None:
    package = save("a")
    publish(changed(channel, add=[package, save("b")]))
    configured(channel, v3_documents=["shards"])  # another fingerprint, so nothing is taken over
    publication = publish(changed(channel, add=[save("a", "2.0")]))
    assert rows(channel) == [("a", 1, 2, True), ("a", 2, None, False), ("b", 1, None, False)]
    assert_sound(publication)


def test_shards_of_another_subdir_are_let_be(channel: CondaRepository) -> None:
    linux = save_package(PackageBuilder("a").subdir("linux-64"))
    publish(changed(channel, add=[save("a"), linux]))
    publish(changed(channel, add=[save("a", "2.0")]))
    assert rows(channel, "linux-64") == [("a", 1, None, False)]


def test_shards_of_another_channel_are_let_be(channel: CondaRepository) -> None:
    other = CondaRepository.objects.create(name="other", autopublish=False)
    package = save("a")
    publish(changed(other, add=[package]))
    publish(changed(channel, add=[package]))
    publish(changed(channel, add=[save("a", "2.0")]))
    assert rows(other) == [("a", 1, None, False)]


def test_an_earlier_version_published_later_leaves_the_newest_shards_current(
    channel: CondaRepository,
) -> None:
    first = changed(channel, add=[save("a"), save("b")])
    second = publish(changed(channel, add=[save("a", "2.0")]))
    late = publish(first)
    assert rows(channel) == [
        ("a", 1, 2, True),  # belongs to version 1 alone, and was never current
        ("a", 2, None, False),
        ("b", 1, 2, True),
        ("b", 2, None, False),
    ]
    assert_sound(late, second)


def test_a_version_published_twice_has_its_shards_once(channel: CondaRepository) -> None:
    version = changed(channel, add=[save("a")])
    publish(version)
    publish(version)
    assert rows(channel) == [("a", 1, None, False)]


def test_a_version_published_again_otherwise_keeps_the_shards_of_both_publications(
    channel: CondaRepository,
) -> None:
    extra = save_package(PackageBuilder("a").with_index(depends=["b[when=x]"], flags=["f"]))
    version = changed(channel, add=[save("a", "2.0"), extra])
    publish(version)
    configured(channel, v3_documents=["repodata", "shards"])
    publish(RepositoryVersion.objects.get(pk=version.pk))
    assert rows(channel) == [("a", 1, 2, True), ("a", 1, None, False)]


@pytest.mark.parametrize("lost", ["publication", "version"])
def test_what_a_lost_index_did_is_undone(channel: CondaRepository, lost: str) -> None:
    """Version 2 changed `a`, added `c`, and is gone when version 3 is published."""
    a, a2, b, c = save("a"), save("a", "2.0"), save("b"), save("c")
    first = publish(changed(channel, add=[a, b]))
    second = publish(changed(channel, add=[a2, c]))
    version = changed(channel, remove=[a2, c])
    (second if lost == "publication" else second.repository_version).delete()
    third = publish(RepositoryVersion.objects.get(pk=version.pk))
    current = {name for name, _, removed, _ in rows(channel) if removed is None}
    assert {"a", "b"} <= current
    assert_sound(first, third)


def test_shards_that_lost_indexes_ended_are_current_again_and_theirs_are_not(
    channel: CondaRepository,
) -> None:
    """Versions 2 and 3 changed `a` by patches alone, of which version 4 knows nothing."""
    a, c = save("a"), save("c")
    first = publish(changed(channel, add=[a]))
    lost: list[RepositoryVersion] = []
    for number in (2, 3):
        patch = save_patch(**{"packages.conda": {a.filename: {"license": f"L{number}"}}})
        held = [version.content.get(pulp_type="conda.repodata_patch") for version in lost[-1:]]
        version = changed(channel, add=[patch], remove=held)
        publish(version)
        lost.append(version)
    for version in reversed(lost):
        version.delete()
    fourth = publish(changed(channel, add=[c]))
    assert rows(channel) == [
        ("a", 1, None, False),
        ("a", 2, 3, True),
        ("a", 3, 4, True),
        ("c", 4, None, False),
    ]
    assert_sound(first, fourth)


def test_what_lies_before_the_previous_index_is_not_undone(channel: CondaRepository) -> None:
    a, b = save("a"), save("b")
    publish(changed(channel, add=[a]))
    publish(changed(channel, add=[save("a", "2.0")]))
    changed(channel, add=[b])
    publish(changed(channel, add=[save("c")]))
    assert ("a", 1, 2, True) in rows(channel)
    assert ("a", 2, None, False) in rows(channel)


def test_a_patch_changes_the_shards_of_the_names_that_it_touches(channel: CondaRepository) -> None:
    a, b = save("a"), save("b")
    patch = save_patch(revoke=[a.filename])
    empty = save_patch(revoke=["none-1.0-0.conda"])
    publish(changed(channel, add=[a, b, empty]))
    publish(changed(channel, add=[patch], remove=[empty]))
    assert rows(channel) == [
        ("a", 1, 2, True),
        ("a", 2, None, False),
        ("b", 1, None, False),
    ]


def test_a_change_of_more_names_than_a_prepared_statement_suits(channel: CondaRepository) -> None:
    first = publish(changed(channel, add=[save("a"), save("b")]))
    added = [save(f"p{number}") for number in range(FEW + 10)]
    assert_sound(first, publish(changed(channel, add=added)))
    assert_sound(publish(changed(channel, remove=added[1:])))
    assert [row[0] for row in rows(channel) if row[2] is None] == ["a", "b", "p0"]


def prepared_executions() -> int:
    """Return how often the connection has inserted shards by a prepared statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(SUM(generic_plans + custom_plans), 0) FROM pg_prepared_statements"
            " WHERE statement LIKE %s",
            [f"%INSERT INTO {CondaShard._meta.db_table}%"],
        )
        (count,) = cursor.fetchone()
    return int(count)


@pytest.mark.parametrize(("count", "executions"), [(1, 1), (600, 0)])
def test_the_statement_for_many_shards_is_planned_each_time(
    channel: CondaRepository, tmp_path: Path, count: int, executions: int
) -> None:
    version = changed(channel, add=[save("a")])
    with closing(NewShards(tmp_path, None)) as shards, transaction.atomic():
        for number in range(count):
            shards.add(f"p{number}", ShardBytes(number.to_bytes(32), b"x"))
        before = prepared_executions()
        ShardStore(version, None).save("noarch", shards)
        # With the plan of a prepared statement, PostgreSQL compares each new name to all names.
        assert prepared_executions() - before == executions
    assert CondaShard.objects.filter(repository=channel).count() == count
