"""Start a short task that holds a channel; run it in this process if the channel is free.

This module does the work of pulpcore's `dispatch` in fewer statements. A quarter of an upload's
statements were those of `dispatch`, and two thirds of these gave rights to a task that no client
learns of. The rows of a task are the same (`tests/functional/test_tasks.py`).
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.utils.timezone import now
from pulpcore.plugin.models import Task
from pulpcore.plugin.tasking import dispatch
from pulpcore.plugin.util import get_current_user, set_current_user

from pulp_conda.app.channels.changes.abandoned_tasks import end_abandoned
from pulp_conda.app.channels.changes.task_outcome import CommitFailed
from pulp_conda.app.core.prepared import prepared_cursor
from pulp_conda.app.core.tasking import (
    TASK_INCOMPLETE_STATES,
    TASK_STATES,
    InternalErrorException,
    log_completion,
    running,
    send_task_notification,
    set_completed,
    unsaved_task,
    wake_workers,
)
from pulp_conda.app.failpoints import failpoint
from pulp_conda.app.models import CondaRepository

_log = logging.getLogger(__name__)

_SET_RUNNING = """
    UPDATE core_task SET state = 'running', unblocked_at = %s, started_at = %s
     WHERE pulp_id = %s AND state = 'waiting' AND app_lock_id = %s AND NOT EXISTS (
        SELECT FROM core_task blocking
         WHERE blocking.state IN ('waiting', 'running', 'canceling')
           AND blocking.pulp_created < core_task.pulp_created
           AND blocking.reserved_resources_record && %s)
"""


def dispatch_on_repository(
    repository: CondaRepository,
    function: Callable[..., Any],
    kwargs: Mapping[str, Any],
    run: Callable[[], None],
) -> Task:
    """Start a short task that holds a repository.

    A worker runs `function` with `kwargs`. If the repository is free, this process calls `run`
    instead, which does the same. Refusing the task of a busy repository would lose requests under
    load.

    The caller holds the channel's commit lock (`channels.changes.commit_lock`). The lock tells
    other processes that the task is not abandoned. The task runs without a user, because it serves
    several users, and because an uploader must get no rights to the publication.
    """
    with _without_user():
        if settings.WORKER_TYPE != "pulpcore" or settings.TASK_PREFER_DEFER:
            end_abandoned(repository)
            return _dispatch_by_pulpcore(repository, function, kwargs)
        return _start(repository, function, kwargs, run)


def _dispatch_by_pulpcore(
    repository: CondaRepository, function: Callable[..., Any], kwargs: Mapping[str, Any]
) -> Task:
    try:
        return dispatch(
            function,
            kwargs=dict(kwargs),
            exclusive_resources=[repository],
            immediate=True,
            deferred=True,
        )
    except RuntimeError as error:
        # Another process has ended the task, because this one had lost its database session.
        _log.exception("A task was ended by another process")
        raise CommitFailed from error


@contextmanager
def _without_user() -> Iterator[None]:
    user = get_current_user()
    set_current_user(None)
    try:
        yield
    finally:
        set_current_user(user)


def _start(
    repository: CondaRepository,
    function: Callable[..., Any],
    kwargs: Mapping[str, Any],
    run: Callable[[], None],
) -> Task:
    task, colliding = unsaved_task(function, kwargs, repository)
    task.save_base(force_insert=True)  # without the hooks of `save`, which give roles
    failpoint("task saved")
    # Abandoned tasks are looked for only if some task blocks this one.
    if _set_running(task, colliding) or (
        end_abandoned(repository, spared=task) and _set_running(task, colliding)
    ):
        failpoint("task running")
        _run(task, run)
    else:
        # Only this column, because a worker may have found already that the task is not blocked.
        Task.objects.filter(pk=task.pk).update(app_lock=None)
    failpoint("task ended")
    wake_workers()
    return task


def _set_running(task: Task, colliding: list[str]) -> bool:
    """Set a task to running if no earlier task blocks it; return whether it was set."""
    started = now()
    with prepared_cursor() as cursor:
        cursor.execute(_SET_RUNNING, [started, started, task.pk, task.app_lock_id, colliding])
        changed = bool(cursor.rowcount)
    if changed:
        task.state, task.unblocked_at, task.started_at = TASK_STATES.RUNNING, started, started
    return changed


def _run(task: Task, run: Callable[[], None]) -> None:
    with running(task):
        try:
            run()
        except Exception as error:  # noqa: BLE001 (any error is saved with the task)
            _log.exception("The task %s failed", task.pk)
            shown = InternalErrorException() if settings.REDACT_UNSAFE_EXCEPTIONS else error
            with _unless_ended(task):
                task.set_failed(shown, None if shown is not error else error.__traceback__)
        else:
            with _unless_ended(task):
                set_completed(task)
                log_completion(task)
    send_task_notification(task)


@contextmanager
def _unless_ended(task: Task) -> Iterator[None]:
    """Ignore that another process has ended the task, because this one had lost its session."""
    try:
        yield
    except RuntimeError:
        if task.state in TASK_INCOMPLETE_STATES:
            raise
        _log.warning("The task %s was ended by another process", task.pk)
