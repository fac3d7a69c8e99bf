"""Per-channel commit lock, a PostgreSQL advisory lock.

The holder starts a task that applies every waiting change of the channel. Most waiters find that
their change has its outcome when they get the lock, and return. Waiting costs no task, no worker
and no polling, because PostgreSQL wakes the next waiter.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from django.db import Error, OperationalError, connection, transaction
from pulpcore.plugin.models import Task

from pulp_conda.app import webserver
from pulp_conda.app.models import CondaRepository

from .sessions import COMMIT_LOCK, END_WITH_CLIENT, QUEUE_PLACE, second_key
from .task_outcome import CommitFailed, CommitTimeout, Outcome, wait_for

_LOCK_NOT_AVAILABLE = "55P03"

_MOST_TASKS = 3
"""How many tasks of a request may fail before the request fails."""

_STUCK_MS = 2000
"""How long a queue must not have moved to count as stuck."""

_UNLIMITED = 1000

# A request that has a place in the queue may wait until its deadline.
_TAKE_PLACE = """
    SELECT set_config('lock_timeout', %(longest_wait)s, true)
     WHERE EXISTS (
        SELECT FROM generate_series(0, %(places)s - 1) AS number
         WHERE pg_try_advisory_xact_lock(%(first_place)s + number, %(key)s))
"""
# A request without a place waits while the queue moves, and is refused at once if it is stuck.
_WAIT_SHORTLY = """
    SELECT set_config('lock_timeout', CASE
        WHEN EXISTS (
            SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
             WHERE datname = current_database() AND locktype = 'advisory' AND objsubid = 2
               AND classid = %(commit_lock)s AND objid = %(unsigned_key)s AND NOT granted
               AND waitstart < clock_timestamp() - %(stuck)s * interval '1 ms')
        THEN '1'
        ELSE %(short_wait)s
    END, true)
"""

_BATCH_SECONDS = 0.2
_IDLE_SECONDS = 0.04
_POLL_SECONDS = 0.004


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
    for tries_left in reversed(range(_MOST_TASKS)):
        # Each try takes the lock again, because a session that was lost has lost the lock too.
        with commit_lock(repository, deadline) as waited:
            # A request that did not wait has no outcome yet, so the query is saved.
            found = outcome() if waited else None
            if found is not None:
                return found
            try:
                return wait_for(start(), repository, outcome, deadline)
            except CommitFailed:
                if not tries_left:
                    raise
    raise CommitFailed


@contextmanager
def commit_lock(repository: CondaRepository, deadline: float) -> Iterator[bool]:
    """Hold a channel's commit lock; yield whether this request had to wait for it.

    Requests get the lock in the order in which they asked for it. A process that dies releases it,
    because the lock belongs to its database session. At most half of the API's processes hold the
    lock or wait for it; more may wait as long as the queue moves. `deadline` is on the monotonic
    clock.

    Raises:
        CommitTimeout: the deadline passed, or too many requests wait already.
    """
    key = second_key(repository.pk)
    waited = not _try_lock(key)
    if waited:
        _wait_for(key, deadline)
    try:
        yield waited
    finally:
        _unlock(key)


def wait_for_batch(count_waiting: Callable[[], int], expected: int) -> None:
    """Wait shortly until as many changes wait as the last commit applied, if it applied several.

    Clients that upload one package after another send the next one shortly after the answer. The
    wait ends early when no change has arrived for `_IDLE_SECONDS`.
    """
    if expected < 2:
        return
    began = last_arrival = time.monotonic()
    known = count_waiting()
    while known < expected:
        time.sleep(_POLL_SECONDS)
        moment = time.monotonic()
        found = count_waiting()
        if found > known:
            known, last_arrival = found, moment
        if moment - last_arrival > _IDLE_SECONDS or moment - began > _BATCH_SECONDS:
            return


def _try_lock(key: int) -> bool:
    """Take the lock if it is free; return whether it was."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT pg_try_advisory_lock(%s, %s), {END_WITH_CLIENT}", [COMMIT_LOCK, key]
        )
        return bool(cursor.fetchone()[0])


def _wait_for(key: int, deadline: float) -> None:
    longest_wait = max(1, int((deadline - time.monotonic()) * 1000))
    values: dict[str, int | str] = {
        "places": _places(),
        "first_place": QUEUE_PLACE,
        "commit_lock": COMMIT_LOCK,
        "key": key,
        "unsigned_key": key % 2**32,
        "stuck": _STUCK_MS,
        "longest_wait": str(longest_wait),
        "short_wait": str(min(longest_wait, _STUCK_MS)),
    }
    try:
        # The place and lock_timeout belong to this transaction, and end with it.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_TAKE_PLACE, values)
            if cursor.fetchone() is None:
                cursor.execute(_WAIT_SHORTLY, values)
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [COMMIT_LOCK, key])
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise CommitTimeout from error


def _places() -> int:
    """Return how many requests may wait: with the holder they are half of the API's processes."""
    processes = webserver.processes()
    return _UNLIMITED if processes is None else max(0, processes // 2 - 1)


def _unlock(key: int) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [COMMIT_LOCK, key])
    except Error:
        # The connection is unusable. Closing it releases the lock.
        with suppress(Error):
            connection.close()
