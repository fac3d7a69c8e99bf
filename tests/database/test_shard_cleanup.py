"""Which superseded shards clean-up deletes, and when."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as pulp_settings
from django.utils.timezone import now
from pulpcore.plugin.models import Publication

from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.channels.upkeep.cleanup import clean_up, needs_clean_up, old_shards
from pulp_conda.app.models import CondaRepository, CondaShard
from tests.builders import PackageBuilder
from tests.database.factories import changed, save_package

_RETENTION = timedelta(seconds=pulp_settings.DISTRIBUTED_PUBLICATION_RETENTION_PERIOD)


def outlive(shards: Any, *, by: timedelta) -> None:
    """Move the time at which superseded shards left their index: so long before the retention."""
    shards.exclude(superseded=None).update(superseded=now() - _RETENTION - by)


def shard_rows(repository: CondaRepository) -> list[tuple[str, int, int | None]]:
    """Return name, first and last version of each shard."""
    found = CondaShard.objects.filter(repository=repository).order_by("name", "added")
    return list(found.values_list("name", "added", "removed"))


@pytest.fixture
def republished() -> CondaRepository:
    """A channel whose shard `a` changed with version 2, both versions being published."""
    repository = CondaRepository.objects.create(name="main", autopublish=False)
    for number in (1, 2):
        publish(changed(repository, add=[save_package(PackageBuilder("a", f"{number}.0"))]))
    return repository


def test_a_shard_that_an_index_names_is_kept_however_old(republished: CondaRepository) -> None:
    outlive(CondaShard.objects, by=_RETENTION)
    assert not old_shards(republished).exists()
    clean_up(republished)
    assert shard_rows(republished) == [("a", 1, 2), ("a", 2, None)]


@pytest.mark.parametrize(
    ("seconds", "left"), [(60, [("a", 2, None)]), (-60, [("a", 1, 2), ("a", 2, None)])]
)
def test_a_shard_that_no_index_names_goes_after_the_retention(
    republished: CondaRepository, seconds: int, left: list[Any]
) -> None:
    republished.versions.get(number=1).delete()
    outlive(CondaShard.objects, by=timedelta(seconds=seconds))
    assert needs_clean_up(republished) is (seconds > 0)
    clean_up(republished)
    assert shard_rows(republished) == left


def test_a_current_shard_is_kept_even_if_no_publication_names_it(
    republished: CondaRepository,
) -> None:
    Publication.objects.all().delete()
    outlive(CondaShard.objects, by=timedelta(days=1))
    clean_up(republished)
    assert shard_rows(republished) == [("a", 2, None)]


def test_a_publication_that_is_not_complete_names_no_shard(republished: CondaRepository) -> None:
    Publication.objects.filter(repository_version__number=1).update(complete=False)
    outlive(CondaShard.objects, by=timedelta(days=1))
    clean_up(republished)
    assert shard_rows(republished) == [("a", 2, None)]


def test_shards_of_other_channels_are_let_be(republished: CondaRepository) -> None:
    republished.versions.get(number=1).delete()
    outlive(CondaShard.objects, by=timedelta(days=1))
    clean_up(CondaRepository.objects.create(name="other"))
    assert len(shard_rows(republished)) == 2


def test_batches_of_shards_leave_none(
    republished: CondaRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pulp_conda.app.channels.upkeep.cleanup._SHARDS_PER_BATCH", 1)
    for number in (3, 4):
        publish(changed(republished, add=[save_package(PackageBuilder("a", f"{number}.0"))]))
    Publication.objects.filter(repository_version__number__lt=4).delete()
    outlive(CondaShard.objects, by=timedelta(days=1))
    clean_up(republished)
    assert shard_rows(republished) == [("a", 4, None)]
