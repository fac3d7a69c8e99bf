"""Which tasks count as abandoned, and how they are ended."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from pulpcore.plugin.constants import TASK_STATES
from pulpcore.plugin.models import CreatedResource, Task
from pulpcore.plugin.util import get_domain, get_prn

from pulp_conda.app.channels.changes.abandoned_tasks import end_abandoned, show_presence
from pulp_conda.app.channels.changes.sessions import PRESENCE, second_key
from pulp_conda.app.core.tasking import AppStatus
from pulp_conda.app.models import CondaRepository
from tests.database.factories import make_channel
from tests.database.sessions import other_session

_OURS = "pulp_conda.app.tasks.commit.acommit_pending"
_THEIRS = "pulpcore.app.tasks.repository.add_and_remove"


def process(app_type: str) -> AppStatus:
    """Save the record of another process, which is gone unless it holds a lock."""
    name = f"1@{app_type}{AppStatus.objects.count()}"
    # In bulk, because a process may save only one record by itself.
    (status,) = AppStatus.objects.bulk_create(
        [AppStatus(name=name, app_type=app_type, versions={}, ttl=timedelta(minutes=1))]
    )
    return status


def blocking(
    repository: CondaRepository,
    holder: AppStatus | None,
    *,
    name: str = _OURS,
    state: str = TASK_STATES.RUNNING,
    resource: str = "",
) -> Task:
    """Save a task that blocks a repository."""
    task = Task(
        name=name,
        state=state,
        logging_cid="",
        app_lock=holder,
        reserved_resources_record=[resource or get_prn(repository)],
    )
    (saved,) = Task.objects.bulk_create([task])
    return saved


def state(task: Task) -> str:
    """Return the state that the database has of a task."""
    task.refresh_from_db()
    return str(task.state)


@pytest.fixture
def live_worker() -> Iterator[AppStatus]:
    """A worker that holds the lock by which it shows that it is alive."""
    status = process("worker")
    with other_session() as cursor:
        cursor.execute("SELECT pg_advisory_lock_shared(%s, %s)", [PRESENCE, second_key(status.pk)])
        yield status


def test_a_channel_that_nothing_blocks_has_none(repository: CondaRepository) -> None:
    assert not end_abandoned(repository)


@pytest.mark.parametrize("app_type", ["api", "worker", None])
def test_a_task_whose_process_is_gone_fails_with_a_reason(
    repository: CondaRepository, app_type: str | None
) -> None:
    task = blocking(repository, process(app_type) if app_type else None)
    assert end_abandoned(repository)
    assert state(task) == TASK_STATES.FAILED
    assert task.error == {"reason": "The process that ran the task is gone."}
    assert task.app_lock is None
    assert not end_abandoned(repository), "once"


def test_a_task_that_was_being_canceled_is_canceled(repository: CondaRepository) -> None:
    task = blocking(repository, process("api"), state=TASK_STATES.CANCELING)
    assert end_abandoned(repository)
    assert state(task) == TASK_STATES.CANCELED


def test_the_task_of_a_worker_that_lives_is_let_be(
    repository: CondaRepository, live_worker: AppStatus
) -> None:
    tasks = [blocking(repository, live_worker, name=name) for name in (_OURS, _THEIRS)]
    assert not end_abandoned(repository)
    assert {state(task) for task in tasks} == {TASK_STATES.RUNNING}


def test_other_tasks_of_a_dead_worker_end_too(repository: CondaRepository) -> None:
    task = blocking(repository, process("worker"), name=_THEIRS)
    assert end_abandoned(repository)
    assert state(task) == TASK_STATES.FAILED


def test_other_plugins_tasks_of_an_api_process_are_let_be(repository: CondaRepository) -> None:
    """The commit lock, which the caller holds, tells nothing of them."""
    task = blocking(repository, process("api"), name=_THEIRS)
    assert not end_abandoned(repository)
    assert state(task) == TASK_STATES.RUNNING


def test_our_task_of_an_api_process_for_another_resource_is_let_be(
    repository: CondaRepository,
) -> None:
    """Its own channel has a commit lock of its own."""
    task = blocking(repository, process("api"), resource=get_prn(get_domain()))
    assert not end_abandoned(repository)
    assert state(task) == TASK_STATES.RUNNING


@pytest.mark.parametrize("resource", ["shared:{}", "domain"])
def test_tasks_that_share_the_channel_or_hold_the_domain_block_too(
    repository: CondaRepository, resource: str
) -> None:
    named = get_prn(get_domain()) if resource == "domain" else resource.format(get_prn(repository))
    task = blocking(repository, process("worker"), resource=named)
    assert end_abandoned(repository)
    assert state(task) == TASK_STATES.FAILED


def test_tasks_of_another_channel_are_let_be(repository: CondaRepository) -> None:
    task = blocking(make_channel("org", "dev"), process("api"))
    assert not end_abandoned(repository)
    assert state(task) == TASK_STATES.RUNNING


def test_a_task_that_a_dead_worker_has_taken_and_not_started_goes_back_to_the_queue(
    repository: CondaRepository,
) -> None:
    task = blocking(repository, process("worker"), state=TASK_STATES.WAITING)
    assert end_abandoned(repository)
    assert state(task) == TASK_STATES.WAITING
    assert task.app_lock is None


def test_a_task_that_an_api_process_did_not_start_is_ended(repository: CondaRepository) -> None:
    task = blocking(repository, process("api"), state=TASK_STATES.WAITING)
    assert end_abandoned(repository)
    assert state(task) == TASK_STATES.FAILED


def test_a_task_that_waits_for_its_turn_blocks_nothing(repository: CondaRepository) -> None:
    task = blocking(repository, None, state=TASK_STATES.WAITING)
    assert not end_abandoned(repository)
    assert state(task) == TASK_STATES.WAITING


def test_the_callers_own_task_is_spared_as_long_as_it_waits(repository: CondaRepository) -> None:
    own = blocking(repository, process("api"), state=TASK_STATES.WAITING)
    assert not end_abandoned(repository, spared=own)
    Task.objects.filter(pk=own.pk).update(state=TASK_STATES.RUNNING)
    assert end_abandoned(repository, spared=own)
    assert state(own) == TASK_STATES.FAILED


@pytest.mark.parametrize("final", ["completed", "failed", "canceled", "skipped"])
def test_a_task_that_ended_is_let_be(repository: CondaRepository, final: str) -> None:
    task = blocking(repository, None, state=final)
    assert not end_abandoned(repository)
    assert state(task) == final


def test_what_an_abandoned_task_left_unfinished_is_deleted(repository: CondaRepository) -> None:
    task = blocking(repository, process("worker"))
    version: Any = CondaRepository.objects.get(pk=repository.pk).new_version()
    CreatedResource.objects.filter(object_id=version.pk).update(task=task)
    assert end_abandoned(repository)
    assert not repository.versions.filter(complete=False).exists()


@pytest.mark.parametrize(
    ("app_type", "created", "expected"),
    [("worker", True, True), ("worker", False, False), ("api", True, False)],
)
def test_workers_show_that_they_are_alive_when_they_start(
    app_type: str, created: bool, expected: bool
) -> None:
    status = process(app_type)
    lock = [PRESENCE, second_key(status.pk)]
    show_presence(status, created)
    with other_session() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", lock)
        assert cursor.fetchone() == (not expected,)
    if expected:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_shared(%s, %s)", lock)
