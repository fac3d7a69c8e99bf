"""End tasks that hold a channel although the process that ran them is gone.

pulpcore ends such a task after the process has missed its heartbeats. That takes minutes, and for
an API process twice gunicorn's time-out. Advisory locks (`sessions`) tell at once: an API process
holds the channel's commit lock while it runs one of this plugin's tasks, and a worker holds a lock
of its own as long as it lives. A process that is alive but lost its session cannot commit anything.
"""

import logging
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from pulpcore.plugin.models import Task
from pulpcore.plugin.util import get_domain, get_prn

from pulp_conda.app.core import redis_locks
from pulp_conda.app.core.tasking import (
    TASK_INCOMPLETE_STATES,
    TASK_STATES,
    AppStatus,
    current_process,
    delete_incomplete_resources,
)
from pulp_conda.app.models import CondaRepository

from .sessions import END_WITH_CLIENT, PRESENCE, second_key

_log = logging.getLogger(__name__)

_OURS = "pulp_conda.app.tasks."
_REASON = "The process that ran the task is gone."


def show_presence(instance: AppStatus, created: bool, **_: Any) -> None:
    """Take the lock that shows that this worker is alive, when the worker starts.

    pulpcore saves an `AppStatus` for each process that starts. A worker keeps one database session
    until it ends. The processes that it forks for tasks have the same connection open, so the lock
    lasts until they are gone too.
    """
    if created and instance.app_type == "worker":
        with connection.cursor() as cursor:
            lock = [PRESENCE, second_key(instance.pk)]
            cursor.execute(f"SELECT pg_advisory_lock_shared(%s, %s), {END_WITH_CLIENT}", lock)


def end_abandoned(repository: CondaRepository, *, spared: Task | None = None) -> bool:
    """End the tasks that block a channel and have no process; return whether there were any.

    The caller holds the channel's commit lock, so no other API process runs a task of this plugin
    for the channel. `spared` is the caller's own task if it has not started yet.
    """
    mine = get_prn(repository)
    blocking = Task.objects.filter(
        state__in=TASK_INCOMPLETE_STATES,
        reserved_resources_record__overlap=[mine, f"shared:{mine}", get_prn(get_domain())],
    ).exclude(state=TASK_STATES.WAITING, app_lock=None)
    if spared is not None:
        blocking = blocking.exclude(pk=spared.pk, state=TASK_STATES.WAITING)
    tasks = list(blocking.select_related("app_lock", "pulp_domain"))
    ended = [task for task in tasks if _is_abandoned(task, mine) and _end(task)]
    if settings.WORKER_TYPE == "redis":
        redis_locks.release(mine, is_present=_is_present)
    return bool(ended)


def _is_abandoned(task: Task, repository: str) -> bool:
    holder = task.app_lock
    if holder is None:  # pulpcore removed the record of the process that ran it
        return True
    if holder.app_type == "worker":
        return not _is_present(holder)
    # The commit lock covers the tasks of this plugin alone, and other plugins have tasks too.
    return task.name.startswith(_OURS) and repository in (task.reserved_resources_record or ())


def _is_present(worker: AppStatus) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        lock = [PRESENCE, second_key(worker.pk)]
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", lock)
        return not cursor.fetchone()[0]


def _end(task: Task) -> bool:
    """End a task as pulpcore ends abandoned ones; return False if another process did it first.

    Source: `PulpcoreWorker.cancel_abandoned_task`. A task that a worker has taken and not started
    goes back to the queue.
    """
    with transaction.atomic():
        row = Task.objects.filter(pk=task.pk, state=task.state, app_lock=task.app_lock)
        canceled = task.state == TASK_STATES.CANCELING
        holder = task.app_lock
        if task.state == TASK_STATES.WAITING and holder and holder.app_type == "worker":
            changed = row.update(app_lock=None)
        elif changed := row.update(app_lock=current_process()):
            task.set_canceling()
            delete_incomplete_resources(task)
            task.set_canceled(TASK_STATES.CANCELED if canceled else TASK_STATES.FAILED, _REASON)
            Task.objects.filter(pk=task.pk).update(app_lock=None)
    if changed:
        _log.warning("The task %s (%s) held a channel, and its process is gone", task.pk, task.name)
        if settings.WORKER_TYPE == "redis":
            redis_locks.release_task(task)
    return bool(changed)
