"""Starting a short task that holds a channel: here and now where it is free.

This module does what pulpcore's `dispatch` does. A quarter of an upload's statements were those of
`dispatch`, two thirds of them for rights to a task that no client ever hears of. A task leaves the
same rows in the tables (`tests/functional/test_tasks.py`).
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils.timezone import now
from pulpcore.plugin.models import Task
from pulpcore.plugin.tasking import dispatch
from pulpcore.plugin.util import get_current_user, set_current_user

from pulp_conda.app.channels.changes.abandoned_tasks import end_abandoned
from pulp_conda.app.channels.changes.task_outcome import CommitFailed
from pulp_conda.app.core.tasking import (
    TASK_INCOMPLETE_STATES,
    TASK_STATES,
    InternalErrorException,
    holding_task,
    log_completion,
    running,
    send_task_notification,
    wake_workers,
)
from pulp_conda.app.failpoints import failpoint
from pulp_conda.app.models import CondaRepository

_log = logging.getLogger(__name__)


def dispatch_holding(
    repository: CondaRepository,
    function: Callable[..., Any],
    kwargs: Mapping[str, Any],
    here: Callable[[], None],
) -> Task:
    """Start a short task that holds a repository; `here` does what the task is to do.

    The caller holds the channel's commit lock (`channels.changes.commit_lock`). The lock tells
    other processes that the task is not abandoned. The task goes to the workers if the repository
    is busy: refusing it would lose requests under load. The task runs without a user, because it
    serves several users, and because an uploader must get no rights to the publication.
    """
    with _as_nobody():
        if settings.WORKER_TYPE != "pulpcore" or settings.TASK_PREFER_DEFER:
            end_abandoned(repository)
            return _start_by_pulpcore(repository, function, kwargs)
        return _start(repository, function, kwargs, here)


def _start_by_pulpcore(
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
        # Of a task that another process has ended, since ours had lost its session.
        _log.exception("A task could not be brought to its end")
        raise CommitFailed from error


@contextmanager
def _as_nobody() -> Iterator[None]:
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
    here: Callable[[], None],
) -> Task:
    task, colliding = holding_task(function, kwargs, repository)
    # In bulk, as saving one by itself gives roles. The database sets the time of its creation.
    Task.objects.bulk_create([task])
    failpoint("task saved")
    # Whether what is in the way still lives is asked only if something is.
    if _takes_off(task, colliding) or (
        end_abandoned(repository, spared=task) and _takes_off(task, colliding)
    ):
        failpoint("task running")
        _run(task, here)
    else:
        # Only this column: a worker may have found meanwhile that nothing blocks it.
        Task.objects.filter(pk=task.pk).update(app_lock=None)
    failpoint("task ended")
    wake_workers()
    return task


def _takes_off(task: Task, colliding: list[str]) -> bool:
    """Set a task running if no earlier one is in its way; tell whether that was so."""
    in_the_way = Task.objects.filter(
        state__in=TASK_INCOMPLETE_STATES,
        pulp_created__lt=OuterRef("pulp_created"),
        reserved_resources_record__overlap=colliding,
    )
    started = now()
    running = {"state": TASK_STATES.RUNNING, "unblocked_at": started, "started_at": started}
    changed = Task.objects.filter(
        ~Exists(in_the_way), pk=task.pk, state=TASK_STATES.WAITING, app_lock=task.app_lock
    ).update(**running)
    if changed:
        for field, value in running.items():
            setattr(task, field, value)
    return bool(changed)


def _run(task: Task, here: Callable[[], None]) -> None:
    with running(task):
        try:
            here()
        except Exception as error:  # noqa: BLE001 (whatever it is: it is told to who asks for the task)
            _log.exception("The task %s failed", task.pk)
            shown = InternalErrorException() if settings.REDACT_UNSAFE_EXCEPTIONS else error
            with _unless_ended(task):
                task.set_failed(shown, None if shown is not error else error.__traceback__)
        else:
            with _unless_ended(task):
                task.set_completed()
                log_completion(task)
    send_task_notification(task)


@contextmanager
def _unless_ended(task: Task) -> Iterator[None]:
    """Leave a task as it is that another process has ended, since ours had lost its session."""
    try:
        yield
    except RuntimeError:
        if task.state in TASK_INCOMPLETE_STATES:
            raise
        _log.warning("The task %s was ended by another process", task.pk)
