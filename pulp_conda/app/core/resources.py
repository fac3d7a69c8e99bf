"""Give back a resource of the running task for a while, and take it again.

A task of pulpcore names its resources when it is dispatched, and holds them until it ends. These
functions change the names in its row, from which workers and API processes tell which tasks are
blocked (`PulpcoreWorker.unblock_tasks`, `tasks.are_resources_available`).
"""

from django.db import connection, transaction
from pulpcore.constants import TASK_INCOMPLETE_STATES, TASK_UNBLOCKING_LOCK
from pulpcore.plugin.models import Task

from .tasking import wake_workers

_RELEASE = """
    UPDATE core_task SET reserved_resources_record = array_remove(reserved_resources_record, %s)
     WHERE pulp_id = %s
"""
_CLAIM = """
    UPDATE core_task SET reserved_resources_record = reserved_resources_record || %s::text
     WHERE pulp_id = %s
"""
# Tasks that no process has taken. They were told that they may run, and wait for a worker.
_BLOCK_AGAIN = """
    UPDATE core_task SET unblocked_at = NULL
     WHERE state = 'waiting' AND app_lock_id IS NULL AND unblocked_at IS NOT NULL
       AND pulp_created > (SELECT pulp_created FROM core_task WHERE pulp_id = %s)
       AND reserved_resources_record && %s
"""


def release_resource(task: Task, resource: str) -> None:
    """Let other tasks have a resource that the running task holds exclusively."""
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [resource, task.pk])
    wake_workers()


def claim_resource(task: Task, resource: str) -> None:
    """Keep tasks from starting that need a resource, from now on.

    Those that run already go on: wait until `is_in_use` is false. Claimed before the others were
    looked at, no task can be missed. One that is saved later, or checked later, is blocked by the
    claim, because it was created after this one.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # As long as a worker has this lock, it unblocks tasks by the resources that it has read.
        cursor.execute("SELECT pg_advisory_xact_lock(0, %s)", [TASK_UNBLOCKING_LOCK])
        cursor.execute(_CLAIM, [resource, task.pk])
        cursor.execute(_BLOCK_AGAIN, [task.pk, _names(resource)])


def is_in_use(resource: str, task: Task) -> bool:
    """Return whether a process has another task that needs a resource."""
    others = Task.objects.filter(
        state__in=TASK_INCOMPLETE_STATES,
        app_lock__isnull=False,
        reserved_resources_record__overlap=_names(resource),
    )
    return others.exclude(pk=task.pk).exists()


def _names(resource: str) -> list[str]:
    return [resource, f"shared:{resource}"]
