"""Telling Pulp which of its processes have died on this machine.

pulpcore itself waits for a process to miss its heartbeats, and then for a worker's round, which
takes minutes; until then the tasks of the dead hold their repositories. Here it is known at once.
"""

import os
import socket
from pathlib import Path


def mourn() -> int:
    """Remove the records of this machine's dead processes, so that workers end their tasks.

    Needs Django to be set up. The same is done by pulpcore's `PulpcoreWorker.app_worker_cleanup`
    for processes that it takes for missing.

    Returns:
        How many there were.
    """
    from django.apps import apps
    from django.db import connection

    records = apps.get_model("core", "AppStatus").objects.filter(
        name__endswith=f"@{socket.gethostname()}"
    )
    dead = [record.pk for record in records if not _is_pulp(record.name.partition("@")[0])]
    records.filter(pk__in=dead).delete()
    if dead:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify('pulp_worker_wakeup', 'unblock')")
    return len(dead)


def _is_pulp(pid: str) -> bool:
    """Tell whether a process lives and is one of Pulp's: process ids are used again."""
    try:
        return b"pulpcore" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def main() -> None:
    """Mourn in a process of its own."""
    import django

    django.setup()
    print(f"{mourn()} dead, process {os.getpid()} mourning", flush=True)


if __name__ == "__main__":
    main()
