"""Starting a task that holds a channel, with what pulpcore's own start leaves open."""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.db import connection
from pulpcore.plugin.models import Task
from pulpcore.plugin.tasking import dispatch

from pulp_conda.app.models import CondaRepository

_WAITING = "waiting"


def dispatch_holding(
    repository: CondaRepository, function: Callable[..., Any], kwargs: Mapping[str, Any]
) -> Task:
    """Start a short task that holds a repository: here and now if it is free.

    Deferred where it is not: refusing at once instead would lose requests under load.
    """
    task: Task = dispatch(
        function,
        kwargs=dict(kwargs),
        exclusive_resources=[repository],
        immediate=True,
        deferred=True,
    )
    if task.state == _WAITING:
        wake_workers()
    return task


def wake_workers() -> None:
    """Have the workers look once more for tasks that nothing blocks.

    pulpcore's `dispatch` saves the whole row of a task that has to wait, and with it that it is
    blocked, although a worker may just have found that it is not. Nobody would look again until
    something else happens.
    """
    if settings.WORKER_TYPE == "pulpcore":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify('pulp_worker_wakeup', 'unblock')")
