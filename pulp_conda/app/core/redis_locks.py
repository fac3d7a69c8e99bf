"""The redis locks of dead processes, for `WORKER_TYPE = "redis"`."""

from collections.abc import Callable

from pulpcore.app.models import AppStatus
from pulpcore.app.redis_connection import get_redis_connection
from pulpcore.constants import TASK_INCOMPLETE_STATES
from pulpcore.plugin.models import Task
from pulpcore.tasking.redis_locks import (
    cleanup_locks_for_owner,
    extract_task_resources,
    get_task_lock_key,
    release_resource_locks,
    resource_to_lock_key,
)


def release_task(task: Task) -> None:
    """Release the locks of a task that was ended."""
    key = get_task_lock_key(task.pk)
    if owner := _owner(key):
        release_resource_locks(get_redis_connection(), owner, key, *extract_task_resources(task))


def release(repository: str, *, is_present: Callable[[AppStatus], bool]) -> None:
    """Release a repository if the process that locked it is gone.

    A process may die after its task's end and before it releases its locks. The caller has ended
    all abandoned tasks already.
    """
    owner = _owner(resource_to_lock_key(repository))
    if owner is None:
        return
    status = AppStatus.objects.filter(name=owner).order_by("-pulp_created").first()
    redis = get_redis_connection()
    if status is None or (status.app_type == "worker" and not is_present(status)):
        cleanup_locks_for_owner(redis, owner)
    elif status.app_type == "api" and not _has_task(status, repository):
        release_resource_locks(redis, owner, get_task_lock_key("none"), [repository])


def _has_task(process: AppStatus, repository: str) -> bool:
    tasks = process.tasks.filter(state__in=TASK_INCOMPLETE_STATES)
    found: bool = tasks.filter(reserved_resources_record__contains=[repository]).exists()
    return found


def _owner(key: str) -> str | None:
    found = get_redis_connection().get(key)
    return found.decode() if isinstance(found, bytes) else found
