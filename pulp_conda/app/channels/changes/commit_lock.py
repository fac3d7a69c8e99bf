"""Per-channel commit lock, an advisory lock of PostgreSQL.

The holder starts a task that applies every waiting change of the channel. The others wait for a
share of a second lock, which the holder has until its commit ends. PostgreSQL wakes all of them at
that moment. Most find their outcome then, and one of the others takes the commit lock. So the
changes that come during a commit are the next batch: batches grow with the time that a commit
takes. Waiting costs no task, no worker and no polling.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from django.db import Error, OperationalError, connection
from pulpcore.plugin.models import Task

from pulp_conda.app import webserver
from pulp_conda.app.core.prepared import prepared_cursor
from pulp_conda.app.models import CondaRepository

from .sessions import COMMIT_LOCK, COMMITTING, END_WITH_CLIENT, QUEUE_PLACE, second_key
from .task_outcome import CommitFailed, CommitTimeout, Outcome, wait_for

_LOCK_NOT_AVAILABLE = "55P03"

_MOST_TASKS = 3
"""How many tasks of a request may fail before the request fails."""

_STUCK_MS = 5000
"""How long a commit must take for the queue to count as stuck."""

_UNLIMITED = 1000

# The second lock is free, or those who have a share of it give it back at once.
_TAKE_LOCK = f"""
    SELECT pg_advisory_lock(%(committing)s, %(key)s), {END_WITH_CLIENT}
     WHERE pg_try_advisory_lock(%(commit_lock)s, %(key)s)
"""
# In this order: whoever takes the commit lock next waits behind those who are woken.
_RELEASE_LOCK = """
    SELECT pg_advisory_unlock(%(commit_lock)s, %(key)s), pg_advisory_unlock(%(committing)s, %(key)s)
"""
# One statement, which is a transaction. So its locks and its lock_timeout end with it, even if the
# process is stopped. A request that has a place in the queue may wait until its deadline. One
# without a place waits while the queue moves, and is refused at once if it is stuck.
_WAIT = f"""
    WITH place AS MATERIALIZED (
        SELECT number FROM generate_series(0, %(places)s - 1) AS number
         WHERE pg_try_advisory_xact_lock(%(first_place)s + number, %(key)s) LIMIT 1
    ), patience AS MATERIALIZED (
        SELECT set_config('lock_timeout', CASE
            WHEN EXISTS (SELECT FROM place) THEN %(longest_wait)s
            WHEN EXISTS (
                SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
                 WHERE datname = current_database() AND locktype = 'advisory' AND objsubid = 2
                   AND classid = %(committing)s AND objid = %(unsigned_key)s AND NOT granted
                   AND waitstart < clock_timestamp() - %(stuck)s * interval '1 ms')
            THEN '1'
            ELSE %(short_wait)s
        END, true) AS lock_timeout
    )
    SELECT pg_advisory_xact_lock_shared(%(committing)s, %(key)s), {END_WITH_CLIENT}
      FROM patience WHERE lock_timeout IS NOT NULL
"""  # noqa: S608 (of constants)


def with_commit_lock(
    repository: CondaRepository,
    start: Callable[[], Task],
    outcome: Callable[[], Outcome | None],
    deadline: float,
) -> Outcome:
    """Return the outcome that this request's task, or another request's task, has written.

    `start` starts a task that holds the repository. It is called with the commit lock held, and
    again if the task dies. `outcome` reads the outcome from the database, and returns None as long
    as there is none. `deadline` is on the monotonic clock.

    Raises:
        CommitTimeout: the deadline passed, or too many wait already.
        CommitFailed: task after task ended without an outcome.
    """
    tries_left = _MOST_TASKS
    # A request that did not wait has no outcome yet, so the query is saved.
    found: Outcome | None = None
    while found is None:
        # Each try takes the lock again, because a session that was lost has lost the lock too.
        with commit_lock(repository) as held:
            if held:
                try:
                    return wait_for(start(), repository, outcome, deadline)
                except CommitFailed:
                    tries_left -= 1
                    if not tries_left:
                        raise
        if not held:
            wait_for_commit(repository, deadline)
        found = outcome()
    return found


@contextmanager
def commit_lock(repository: CondaRepository) -> Iterator[bool]:
    """Hold a channel's commit lock if it is free; yield whether it was.

    A process that dies releases it, because the lock belongs to its database session.
    """
    keys = _keys(repository)
    held = _take(keys)
    try:
        yield held
    finally:
        if held:
            _release(keys)


def wait_for_commit(repository: CondaRepository, deadline: float) -> None:
    """Wait until the holder of a channel's commit lock ends its commit.

    At most half of the API's processes hold a channel's commit lock or have a place in its queue.
    More may wait as long as the queue moves. `deadline` is on the monotonic clock.

    Raises:
        CommitTimeout: the deadline passed, or too many requests wait already.
    """
    longest_wait = int((deadline - time.monotonic()) * 1000)
    if longest_wait <= 0:
        raise CommitTimeout
    keys = _keys(repository)
    values: dict[str, int | str] = {
        **keys,
        "unsigned_key": keys["key"] % 2**32,
        "places": _places(),
        "first_place": QUEUE_PLACE,
        "stuck": _STUCK_MS,
        "longest_wait": str(longest_wait),
        "short_wait": str(min(longest_wait, _STUCK_MS)),
    }
    try:
        with prepared_cursor() as cursor:
            cursor.execute(_WAIT, values)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise CommitTimeout from error


def _keys(repository: CondaRepository) -> dict[str, int]:
    key = second_key(repository.pk)
    return {"commit_lock": COMMIT_LOCK, "committing": COMMITTING, "key": key}


def _take(keys: dict[str, int]) -> bool:
    """Take the commit lock and the lock of its commit if it is free; return whether it was."""
    try:
        with prepared_cursor() as cursor:
            cursor.execute(_TAKE_LOCK, keys)
            return bool(cursor.rowcount)
    except BaseException:
        # The first lock may have been taken.
        _release(keys)
        raise


def _places() -> int:
    """Return how many requests may wait: with the holder they are half of the API's processes."""
    processes = webserver.processes()
    return _UNLIMITED if processes is None else max(0, processes // 2 - 1)


def _release(keys: dict[str, int]) -> None:
    try:
        with prepared_cursor() as cursor:
            cursor.execute(_RELEASE_LOCK, keys)
    except Error:
        # The connection is unusable. Closing it releases the lock.
        with suppress(Error):
            connection.close()
