"""Requests to sync a channel: their defaults, who may name which remote, one sync at a time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django_guid import set_guid
from pulpcore.plugin.models import Task
from pulpcore.plugin.util import assign_role, get_prn, get_url

from pulp_conda.app.channels.sync.request import SyncOptions
from pulp_conda.app.models import ADDITIVE, MIRROR, CondaRemote, CondaRepository
from pulp_conda.app.serializers import CondaRepositorySerializer, RepositorySyncSerializer
from pulp_conda.app.tasks import SyncUnderWay, dispatch_sync
from tests.database.factories import make_channel


@pytest.fixture(autouse=True)
def in_a_request() -> None:
    """Give a correlation id to the tasks that a test dispatches."""
    set_guid("tests")


@pytest.fixture
def remote() -> CondaRemote:
    """A remote, on which nobody has a role."""
    return CondaRemote.objects.create(name="upstream", url="https://upstream.example.org/x")


def asked_by(user: User) -> dict[str, Any]:
    """Return the context of a serializer for a request of a user."""
    return {"request": SimpleNamespace(user=user, build_absolute_uri=str, query_params={})}


def sync_faults(user: User, **body: Any) -> set[str]:
    """Return the fields of a request for a sync that are refused."""
    serializer = RepositorySyncSerializer(data=body, context=asked_by(user))
    serializer.is_valid()
    return set(serializer.errors)


def repository_faults(repository: CondaRepository, user: User, **body: Any) -> set[str]:
    """Return the fields of a change of a repository that are refused."""
    serializer = CondaRepositorySerializer(
        repository, data=body, partial=True, context=asked_by(user)
    )
    serializer.is_valid()
    return set(serializer.errors)


def test_a_request_may_be_empty() -> None:
    serializer = RepositorySyncSerializer(data={})
    assert serializer.is_valid()
    assert serializer.validated_data == {"optimize": True, "force": False, "dry_run": False}


@pytest.mark.parametrize(
    "body", [{"mode": "x"}, {"remote": 1}, {"remote": "prn:core.remote:x"}, {"mirror": True}]
)
def test_what_is_not_a_request_for_a_sync_is_refused(user: User, body: dict[str, Any]) -> None:
    assert sync_faults(user, **body) == set(body)


@pytest.mark.parametrize("name", [get_url, get_prn])
def test_a_remote_has_to_be_visible_to_be_named(
    user: User, remote: CondaRemote, repository: CondaRepository, name: Any
) -> None:
    assert sync_faults(user, remote=name(remote)) == {"remote"}
    assert repository_faults(repository, user, remote=name(remote)) == {"remote"}
    assign_role("conda.condaremote_viewer", user, remote)
    assert sync_faults(user, remote=name(remote)) == set()
    assert repository_faults(repository, user, remote=name(remote)) == set()


def test_a_remote_that_does_not_exist_looks_as_one_that_is_not_visible(
    user: User, remote: CondaRemote
) -> None:
    messages = []
    for deleted in (False, True):
        if deleted:
            name = get_prn(remote)
            remote.delete()
        serializer = RepositorySyncSerializer(
            data={"remote": name if deleted else get_prn(remote)}, context=asked_by(user)
        )
        assert not serializer.is_valid()
        messages.append(str(serializer.errors))
    assert messages[0] == messages[1]


def test_the_remote_that_a_repository_has_may_stay(
    user: User, remote: CondaRemote, repository: CondaRepository
) -> None:
    repository.remote = remote
    repository.save()
    assert repository_faults(repository, user, remote=get_url(remote)) == set()


def test_an_interval_has_a_remote_and_at_least_a_minute(
    user: User, remote: CondaRemote, repository: CondaRepository
) -> None:
    assert repository_faults(repository, user, sync_interval="01:00:00") == {"sync_interval"}
    repository.remote = remote
    repository.save()
    assert repository_faults(repository, user, sync_interval="01:00:00") == set()
    assert repository_faults(repository, user, sync_interval=None) == set()
    for wrong in ("00:00:59", "-1 00:00:00", "9999 00:00:00", "often", "999999999999999"):
        assert repository_faults(repository, user, sync_interval=wrong) == {"sync_interval"}
    assert repository_faults(repository, user, sync_mode="both") == {"sync_mode"}


def test_settings_of_syncs_are_stored(remote: CondaRemote, repository: CondaRepository) -> None:
    body = {"remote": get_url(remote), "sync_mode": MIRROR, "sync_interval": "1 06:00:00"}
    serializer = CondaRepositorySerializer(
        repository, data=body, partial=True, context={"request": None}
    )
    serializer.is_valid(raise_exception=True)
    serializer.save()
    repository.refresh_from_db()
    assert repository.remote_id == remote.pk
    assert (repository.sync_mode, repository.sync_interval) == (MIRROR, timedelta(hours=30))


def test_a_task_holds_the_repository_and_shares_the_remote(
    remote: CondaRemote, repository: CondaRepository
) -> None:
    task = dispatch_sync(repository, remote, SyncOptions(mode=MIRROR, force=True))
    assert {get_prn(repository), f"conda:sync:{repository.pk}", f"shared:{get_prn(remote)}"} <= set(
        task.reserved_resources_record or ()
    )
    assert task.enc_kwargs == {
        "repository_pk": str(repository.pk), "remote_pk": str(remote.pk), "mode": MIRROR,
        "optimize": True, "force": True, "dry_run": False,
    }  # fmt: skip


def test_a_channel_has_one_sync_at_a_time(remote: CondaRemote, repository: CondaRepository) -> None:
    first = dispatch_sync(repository, remote, SyncOptions(mode=ADDITIVE))
    with pytest.raises(SyncUnderWay) as refused:
        dispatch_sync(repository, remote, SyncOptions(mode=MIRROR))
    assert refused.value.task == first
    other = dispatch_sync(make_channel("org", "other"), remote, SyncOptions(mode=ADDITIVE))
    Task.objects.filter(pk__in=[first.pk, other.pk]).update(state="completed")
    assert dispatch_sync(repository, remote, SyncOptions(mode=ADDITIVE)) != first


@pytest.mark.usefixtures("real_commits")
def test_of_requests_at_the_same_time_one_is_served() -> None:
    repository = make_channel("org", "main")
    remote = CondaRemote.objects.create(name="upstream", url="https://upstream.example.org/x")

    def ask(_: int) -> bool:
        set_guid("tests")
        try:
            dispatch_sync(repository, remote, SyncOptions(mode=ADDITIVE))
        except SyncUnderWay:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(ask, range(8))) == [False] * 7 + [True]
