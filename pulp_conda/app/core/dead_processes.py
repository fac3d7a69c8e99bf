"""Tell Pulp which of its processes on this machine have died.

pulpcore waits until a process has missed its heartbeats, and then for a worker's next check. That
takes minutes, and until then the tasks of dead processes hold their repositories. The supervisor of
the processes knows at once.
"""

import os
import socket
from pathlib import Path
from typing import Any


def reap_dead_processes() -> int:
    """Delete the records of this machine's dead processes, so that workers end their tasks.

    pulpcore's `PulpcoreWorker.app_worker_cleanup` does the same for processes that have missed
    their heartbeats. Django must be set up. Returns the number of dead processes.
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
    """Release the redis locks of dead processes, as `RedisWorker.cleanup_redis_locks_for_worker`.

    A lock whose owner has no record is otherwise kept until a worker's next check.
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
    """Return whether a process lives and is one of Pulp's. Process ids are reused."""
    try:
        return b"pulpcore" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def main() -> None:
    """Run `reap_dead_processes` in a process of its own."""
    import django

    django.setup()
    # The log of the supervisor shows this line.
    print(  # noqa: T201
        f"{reap_dead_processes()} dead processes reaped by process {os.getpid()}", flush=True
    )


if __name__ == "__main__":
    main()
