"""Parts of `pulpcore.tasking` that start, run and end a task."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.utils.timezone import now
from pulpcore.app.contexts import _current_task
from pulpcore.app.models import AppStatus
from pulpcore.constants import TASK_INCOMPLETE_STATES, TASK_STATES, TASK_WAKEUP_UNBLOCK
from pulpcore.exceptions import InternalErrorException
from pulpcore.plugin.models import Task
from pulpcore.plugin.util import get_domain
from pulpcore.tasking import tasks
from pulpcore.tasking._util import delete_incomplete_resources
from pulpcore.tasking.kafka import send_task_notification

from pulp_conda.app.core.prepared import prepared_cursor

__all__ = [
    "TASK_INCOMPLETE_STATES",
    "TASK_STATES",
    "AppStatus",
    "InternalErrorException",
    "current_process",
    "delete_incomplete_resources",
    "log_completion",
    "running",
    "send_task_notification",
    "set_completed",
    "unsaved_task",
    "wake_workers",
]

_SET_COMPLETED = """
    WITH ended AS (
        UPDATE core_task SET state = 'completed', finished_at = %(finished)s
         WHERE pulp_id = %(task)s AND state = 'running' AND app_lock_id = %(process)s
        RETURNING pulp_id
    ), reports AS (
        UPDATE core_progressreport SET state = 'completed' FROM ended
         WHERE task_id = ended.pulp_id AND state = 'running'
    )
    SELECT count(*) FROM ended
"""


def current_process() -> AppStatus:
    """Return the record of this process."""
    return AppStatus.objects.current()


def unsaved_task(
    function: Callable[..., Any], kwargs: Mapping[str, Any], resource: Any
) -> tuple[Task, list[str]]:
    """Return an unsaved immediate task that holds a resource, as `dispatch` would make it.

    The second value has the names of the resources that no earlier task may hold. The task belongs
    to this process, so that no worker takes it.
    """
    name = tasks.get_function_name(function)
    colliding, resources = tasks.get_resources([resource], None, True)
    payload = tasks.get_task_payload(
        name, None, None, dict(kwargs), resources, tasks.get_version(None, name), True, True,
        current_process(),
    )  # fmt: skip
    return Task(**payload, pulp_domain=get_domain()), colliding


@contextmanager
def running(task: Task) -> Iterator[None]:
    """Make a task the one that `Task.current()` returns, and log its start."""
    token = _current_task.set(task)  # type: ignore[arg-type] # declared by its default
    try:
        tasks.log_task_start(task, get_domain())
        yield
    finally:
        _current_task.reset(token)


def set_completed(task: Task) -> None:
    """Set a running task without a result to completed, as `Task.set_completed` does.

    Raises:
        RuntimeError: another process has ended the task.
    """
    finished = now()
    values = {"task": task.pk, "process": task.app_lock_id, "finished": finished}
    with prepared_cursor() as cursor:
        cursor.execute(_SET_COMPLETED, values)
        if cursor.fetchone()[0] != 1:
            task.set_completed()  # finds out why, and raises
    task.state, task.finished_at = TASK_STATES.COMPLETED, finished


def log_completion(task: Task) -> None:
    """Log that a task is completed."""
    tasks.log_task_completed(task, get_domain())


def wake_workers() -> None:
    """Make the workers look for tasks that are not blocked any more, if any task waits.

    A task that is saved later is not missed: its own dispatch checks whether it is blocked.
    """
    with prepared_cursor() as cursor:
        cursor.execute(
            "SELECT pg_notify('pulp_worker_wakeup', %s) "
            "WHERE EXISTS (SELECT FROM core_task WHERE state = %s)",
            [TASK_WAKEUP_UNBLOCK, TASK_STATES.WAITING],
        )
