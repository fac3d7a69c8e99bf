"""Telling Pulp which of its processes have died on this machine.

pulpcore itself waits for a process to miss its heartbeats, and then for a worker's round, which
takes minutes; until then the tasks of the dead hold their repositories. Here it is known at once.
"""

import os
import socket
from pathlib import Path
from typing import Any


def reap_dead_processes() -> int:
    """Remove the records of this machine's dead processes, so that workers end their tasks.

    Needs Django to be set up. The same is done by pulpcore's `PulpcoreWorker.app_worker_cleanup`
    for processes that it takes for missing.

    Returns:
        How many there were.
    """
    from django.apps import apps
    from django.conf import settings
    from django.db import connection

    records = apps.get_model("core", "AppStatus").objects.filter(
        name__endswith=f"@{socket.gethostname()}"
    )
    dead = [record for record in records if not _is_pulp(record.name.partition("@")[0])]
    if dead and settings.WORKER_TYPE == "redis":
        _release_locks(dead)
    records.filter(pk__in=[record.pk for record in dead]).delete()
    if dead:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify('pulp_worker_wakeup', 'unblock')")
    return len(dead)


def _release_locks(dead: list[Any]) -> None:
    """End what dead processes held in redis, as `RedisWorker.cleanup_redis_locks_for_worker` does.

    Without its owner's record a lock stays until a worker's round.
    """
    from django.apps import apps
    from django.utils.timezone import now
    from pulpcore.app.redis_connection import get_redis_connection
    from pulpcore.tasking.redis_locks import cleanup_locks_for_owner

    redis = get_redis_connection()
    tasks = apps.get_model("core", "Task").objects.filter(app_lock__in=dead)
    tasks.filter(state__in=("running", "canceling")).update(
        state="failed", finished_at=now(), error={"description": "Worker has gone missing."}
    )
    for record in dead:
        cleanup_locks_for_owner(redis, record.name)


def _is_pulp(pid: str) -> bool:
    """Tell whether a process lives and is one of Pulp's: process ids are used again."""
    try:
        return b"pulpcore" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def main() -> None:
    """Reap in a process of its own."""
    import django

    django.setup()
    # A process of its own says what it did.
    print(  # noqa: T201
        f"{reap_dead_processes()} dead processes reaped by process {os.getpid()}", flush=True
    )


if __name__ == "__main__":
    main()
