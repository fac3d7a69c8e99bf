"""Channels with an interval are synced when they are due."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now
from django_guid import set_guid
from pulpcore.plugin.models import Task, TaskSchedule

from pulp_conda.app.models import MIRROR, CondaRemote, CondaRepository
from pulp_conda.app.tasks import schedule_syncs, sync_due
from tests.database.factories import configured, make_channel

_HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def named_request() -> None:
    """Name the request, as the log of a task does."""
    set_guid("tests")


def due(repository: CondaRepository, **fields: Any) -> CondaRepository:
    """Let a channel be synced every hour."""
    remote = CondaRemote.objects.create(name=repository.name, url="https://conda.example.org/up")
    values = {"remote": remote, "sync_interval": _HOUR, **fields}
    return configured(repository, **values)


def syncs() -> list[Task]:
    """Return the tasks of syncs."""
    return list(Task.objects.filter(name="pulp_conda.app.tasks.sync.sync"))


def test_a_channel_is_synced_once_in_an_interval(repository: CondaRepository) -> None:
    due(repository, sync_mode=MIRROR)
    make_channel("org", "other")
    sync_due()
    sync_due()
    (task,) = syncs()
    assert task.enc_kwargs["repository_pk"] == str(repository.pk)
    assert task.enc_kwargs["mode"] == MIRROR
    repository.refresh_from_db()
    assert repository.sync_due is not None
    assert 0.89 * _HOUR < repository.sync_due - now() < 1.11 * _HOUR


def test_a_channel_is_synced_again(repository: CondaRepository) -> None:
    due(repository)
    sync_due()
    Task.objects.filter(pk=syncs()[0].pk).update(state="completed")
    configured(repository, sync_due=now() - timedelta(seconds=1))
    sync_due()
    assert len(syncs()) == 2


def test_a_sync_that_still_runs_is_not_joined_by_another(repository: CondaRepository) -> None:
    due(repository)
    sync_due()
    configured(repository, sync_due=None)
    sync_due()
    assert len(syncs()) == 1


def test_a_new_interval_begins_at_once(repository: CondaRepository) -> None:
    due(repository, sync_due=now() + timedelta(days=1))
    sync_due()
    assert not syncs()
    changed = CondaRepository.objects.get(pk=repository.pk)
    changed.sync_interval = 2 * _HOUR
    changed.save()
    sync_due()
    assert len(syncs()) == 1


@pytest.mark.parametrize("fields", [{"sync_interval": None}, {"remote": None}])
def test_a_channel_without_an_interval_or_a_remote_is_not_synced(
    repository: CondaRepository, fields: dict[str, Any]
) -> None:
    due(repository, **fields)
    sync_due()
    assert not syncs()


def test_the_schedule_runs_every_minute() -> None:
    schedule_syncs()
    schedule_syncs()
    (schedule,) = TaskSchedule.objects.filter(task_name__endswith="sync_due")
    assert schedule.dispatch_interval == timedelta(minutes=1)
