"""A long task gives its repository back, and takes it again without another task beside it."""

import time
from collections.abc import Iterator

import pytest
from django.utils.timezone import now
from pulpcore.plugin.constants import TASK_STATES
from pulpcore.plugin.models import Task
from pulpcore.plugin.util import get_prn
from pulpcore.tasking.worker import PulpcoreWorker  # noqa: TID251 (what a worker does)

from pulp_conda.app.channels.changes import hold
from pulp_conda.app.channels.changes.hold import held, release
from pulp_conda.app.channels.changes.sessions import COMMIT_LOCK, second_key
from pulp_conda.app.channels.changes.task_outcome import CommitTimeout
from pulp_conda.app.core.tasking import current_process, running
from pulp_conda.app.models import CondaRepository
from tests.database.sessions import other_session
from tests.database.test_abandoned_tasks import process


def saved_task(resources: list[str], **fields: object) -> Task:
    """Save a task that needs resources and waits, unless `fields` say otherwise."""
    values = {"name": "test", "state": TASK_STATES.WAITING, "logging_cid": "", **fields}
    task = Task(reserved_resources_record=resources, **values)
    (saved,) = Task.objects.bulk_create([task])
    return saved


def is_unblocked(task: Task) -> bool:
    """Return whether a worker may run a task, after workers have looked at all tasks."""
    PulpcoreWorker._unblock_tasks.__wrapped__(None)
    task.refresh_from_db()
    return task.unblocked_at is not None


@pytest.fixture
def mine(repository: CondaRepository) -> Iterator[Task]:
    """The running task, which holds the repository."""
    task = saved_task(
        ["ours", get_prn(repository)],
        state=TASK_STATES.RUNNING,
        app_lock=current_process(),
        unblocked_at=now(),
    )
    with running(task):
        yield task


@pytest.mark.parametrize("prefix", ["", "shared:"])
def test_others_may_run_between(repository: CondaRepository, mine: Task, prefix: str) -> None:
    other = saved_task([prefix + get_prn(repository)])
    assert not is_unblocked(other)
    release(repository)
    assert is_unblocked(other)
    with held(repository):
        assert not is_unblocked(other), "it waited for a worker, and has to wait again"
    mine.refresh_from_db()
    assert sorted(mine.reserved_resources_record or []) == sorted(["ours", get_prn(repository)])


def test_a_task_of_the_same_kind_waits_all_the_time(
    repository: CondaRepository, mine: Task
) -> None:
    second = saved_task(["ours", get_prn(repository)])
    release(repository)
    assert not is_unblocked(second)


def test_what_runs_already_is_waited_for(
    repository: CondaRepository, mine: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(repository)
    holder = process("api")
    other = saved_task([get_prn(repository)], state=TASK_STATES.RUNNING, app_lock=holder)
    polls: list[str] = []

    def end_at_the_third(_: float) -> None:
        polls.append(other.state)
        if len(polls) == 3:
            Task.objects.filter(pk=other.pk).update(state=TASK_STATES.COMPLETED, app_lock=None)

    monkeypatch.setattr(time, "sleep", end_at_the_third)
    with held(repository):
        assert len(polls) == 3


def test_a_task_that_a_worker_has_taken_is_waited_for(
    repository: CondaRepository, mine: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(repository)
    saved_task(
        [get_prn(repository)],
        app_lock=process("api"),
        unblocked_at=now(),
    )
    monkeypatch.setattr(hold, "_LONGEST_WAIT_SECONDS", 0.2)
    with pytest.raises(CommitTimeout), held(repository):
        raise AssertionError("it was not waited for")
    mine.refresh_from_db()
    assert mine.reserved_resources_record == ["ours"], "others may go on"


def test_a_commit_of_an_upload_is_waited_for(
    repository: CondaRepository, mine: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(repository)
    waited: list[bool] = []
    with other_session() as session:
        session.execute("SELECT pg_advisory_lock(%s, %s)", [COMMIT_LOCK, second_key(repository.pk)])

        def end(repository: CondaRepository, deadline: float) -> None:
            waited.append(True)
            session.execute("SELECT pg_advisory_unlock_all()")

        monkeypatch.setattr(hold, "wait_for_commit", end)
        with held(repository):
            assert waited == [True]
