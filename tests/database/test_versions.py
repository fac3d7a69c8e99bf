"""Versions that our SQL makes are those that pulpcore would have made, table by table."""

from collections.abc import Callable, Collection
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from pulpcore.plugin.models import Content, CreatedResource, RepositoryVersion

from pulp_conda.app.channels.changes.delta import Delta
from pulp_conda.app.channels.changes.versions import change
from pulp_conda.app.models import (
    CondaPackage,
    CondaRepodataPatch,
    CondaRepository,
    retention_exceeded,
)
from tests.builders import PackageBuilder
from tests.database.factories import changed, configured, save_package, save_patch
from tests.database.tables import described

Unit = CondaPackage | CondaRepodataPatch
Way = Callable[[CondaRepository, Collection[Unit], Collection[Unit]], None]


def by_pulpcore(
    repository: CondaRepository, add: Collection[Unit], remove: Collection[Unit]
) -> None:
    """Make a version as pulpcore does."""
    with repository.new_version() as version:
        version.remove_content(Content.objects.filter(pk__in=[unit.pk for unit in remove]))
        version.add_content(Content.objects.filter(pk__in=[unit.pk for unit in add]))


def by_list(repository: CondaRepository, add: Collection[Unit], remove: Collection[Unit]) -> None:
    """Make a version of a list of content ids."""
    change(repository, Delta.listed([u.pk for u in add], [u.pk for u in remove]))


def by_table(repository: CondaRepository, add: Collection[Unit], remove: Collection[Unit]) -> None:
    """Make a version of a table of content ids."""
    rows = [(unit.pk, "A") for unit in add] + [(unit.pk, "R") for unit in remove]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE delta (content_id uuid, operation text)")
        cursor.executemany("INSERT INTO delta VALUES (%s, %s)", rows)
        change(repository, Delta.staged("delta"))
        cursor.execute("DROP TABLE delta")


def history(way: Way, steps: list[set[int]], units: list[Unit]) -> list[dict[str, Any]]:
    """Take a new repository through states, and describe its versions."""
    name = str(uuid4())
    CondaRepository.objects.create(name=name, autopublish=False)
    held: set[int] = set()
    for wanted in steps:
        add, remove = (
            [units[number] for number in sorted(numbers)]
            for numbers in (wanted - held, held - wanted)
        )
        if add or remove:
            way(CondaRepository.objects.get(name=name), add, remove)
        held = wanted
    versions = CondaRepository.objects.get(name=name).versions.order_by("number")
    return [described(version) for version in versions]


@pytest.fixture
def units() -> list[Unit]:
    """Four packages and two patches."""
    packages = [save_package(PackageBuilder(f"demo{number}")) for number in range(4)]
    patches = [save_patch(subdir, remove=["x-1-0.conda"]) for subdir in ("noarch", "linux-64")]
    return [*packages, *patches]


@settings(max_examples=10)
@given(steps=st.lists(st.sets(st.integers(0, 5)), min_size=1, max_size=6))
def test_at_random_histories_every_table_says_the_same(
    units: list[Unit], steps: list[set[int]]
) -> None:
    expected = history(by_pulpcore, steps, units)
    assert history(by_list, steps, units) == expected
    assert history(by_table, steps, units) == expected


@pytest.mark.parametrize("way", [by_list, by_table])
def test_everything_that_a_version_can_do_to_one_unit(units: list[Unit], way: Way) -> None:
    """Add, add another kind, replace, bring back, remove with others, empty."""
    steps = [{0}, {0, 1, 2, 3}, {0, 1, 2, 3, 4}, {1, 2, 3, 4}, {0, 4}, {5}, {1, 5}, {5}, set()]
    expected = history(by_pulpcore, steps, units)
    assert len(expected) == 10
    assert history(way, steps, units) == expected


def test_a_version_that_was_never_completed_is_deleted_first(repository: CondaRepository) -> None:
    one, two = (save_package(PackageBuilder(name)) for name in ("one", "two"))
    changed(repository, add=[one])
    broken = CondaRepository.objects.get(pk=repository.pk).new_version()
    broken.add_content(Content.objects.filter(pk=two.pk))
    version = changed(repository, add=[two])
    assert not RepositoryVersion.objects.filter(pk=broken.pk).exists()
    assert set(CondaPackage.objects.in_version(version)) == {one, two}
    assert list(version.counts.filter(count_type="P").values_list("count", flat=True)) == [2]


def test_a_number_is_never_given_twice(repository: CondaRepository) -> None:
    first = changed(repository, add=[save_package(PackageBuilder("one"))])
    second = changed(repository, add=[save_package(PackageBuilder("two"))])
    second.delete()
    third = changed(repository, add=[save_package(PackageBuilder("three"))])
    assert (first.number, second.number, third.number) == (1, 2, 3)


def test_a_version_of_a_hidden_repository_is_no_resource_of_its_task(
    repository: CondaRepository,
) -> None:
    hidden = configured(repository, user_hidden=True)
    version = changed(hidden, add=[save_package(PackageBuilder())])
    assert not CreatedResource.objects.filter(object_id=version.pk).exists()


@pytest.mark.parametrize(("retained", "told"), [(None, False), (3, False), (2, True), (1, True)])
def test_more_versions_than_are_retained_are_told_of_and_none_is_deleted(
    repository: CondaRepository, retained: int | None, told: bool
) -> None:
    repository = configured(repository, retain_repo_versions=retained)
    heard: list[CondaRepository] = []

    def hear(repository: CondaRepository, **_: object) -> None:
        heard.append(repository)

    retention_exceeded.connect(hear)
    try:
        changed(repository, add=[save_package(PackageBuilder("one"))])
        heard.clear()
        changed(repository, add=[save_package(PackageBuilder("two"))])
    finally:
        retention_exceeded.disconnect(hear)
    assert heard == ([repository] if told else [])
    assert repository.versions.count() == 3
