"""Taking turns at a channel: one request at a time starts a task, which takes the others' along.

Requests that wait for their turn start no tasks, wake no workers and look for nothing: PostgreSQL
wakes the next when the one before it is done.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from django.db import Error, OperationalError, connection, transaction
from pulpcore.plugin.models import Task

from pulp_conda.app import webserver
from pulp_conda.app.models import CondaRepository

from .sessions import END_WITH_CLIENT, PLACES, TURNS, second_key
from .task_outcome import CommitFailed, CommitTimeout, Outcome, wait_for

_LOCK_NOT_AVAILABLE = "55P03"

_TASKS = 3
"""How many tasks may fail before a request does."""

_STANDSTILL_MS = 2000
"""After how long a queue counts as standing still. One that moves passes a request on sooner."""

_MANY = 1000

# A place is one of those requests that may wait to their deadline.
_TAKE_PLACE = """
    SELECT set_config('lock_timeout', %(patience)s, true)
     WHERE EXISTS (
        SELECT FROM generate_series(0, %(places)s - 1) AS number
         WHERE pg_try_advisory_xact_lock(%(first_place)s + number, %(key)s))
"""
# Without one a request waits while the queue moves, and not at all once it is known to stand still.
_WAIT_SHORTLY = """
    SELECT set_config('lock_timeout', CASE
        WHEN EXISTS (
            SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
             WHERE datname = current_database() AND locktype = 'advisory' AND objsubid = 2
               AND classid = %(turns)s AND objid = %(unsigned_key)s AND NOT granted
               AND waitstart < clock_timestamp() - %(standstill)s * interval '1 ms')
        THEN '1'
        ELSE %(short_patience)s
    END, true)
"""

_GATHER_SECONDS = 0.2
_QUIET_SECONDS = 0.04
_LOOK_SECONDS = 0.004


def in_turn(
    repository: CondaRepository,
    start: Callable[[], Task],
    look: Callable[[], Outcome | None],
    deadline: float,
) -> Outcome:
    """Return what `look` finds, once this request's task or another's has brought it about.

    `start` starts a task that holds the repository; it is called while this request has the
    channel's turn, and again if the task dies. `deadline` is on the monotonic clock.

    Raises:
        CommitTimeout: the deadline passed, or too many wait already.
        CommitFailed: task after task ended without an outcome.
    """
    for tries_left in reversed(range(_TASKS)):
        # Anew for each try: the turn goes with a session that is lost.
        with turn(repository, deadline) as waited:
            # Who came first has no outcome yet; should there be one, the task finds nothing to do.
            found = look() if waited else None
            if found is not None:
                return found
            try:
                return wait_for(start(), repository, look, deadline)
            except CommitFailed:
                if not tries_left:
                    raise
    raise CommitFailed


@contextmanager
def turn(repository: CondaRepository, deadline: float) -> Iterator[bool]:
    """Hold a channel's turn, of which there is one; yield whether another had it meanwhile.

    `deadline` is on the monotonic clock. Turns come in the order in which they were asked for. That
    of a process that dies is over, since it goes with its session at the database. At most half of
    the API's processes have it or wait for it, unless it is a matter of a moment.

    Raises:
        CommitTimeout: the deadline passed, or too many wait already.
    """
    key = second_key(repository.pk)
    waited = not _is_free(key)
    if waited:
        _wait_for(key, deadline)
    try:
        yield waited
    finally:
        _give_back(key)


def gather(waiting: Callable[[], int], expected: int) -> None:
    """Wait a moment until as many wait as the last commit took along, if there were several.

    Clients that upload one package after another have the next one ready shortly after the
    answer. When nothing has come for a while they have none.
    """
    if expected < 2:
        return
    began = moved = time.monotonic()
    known = waiting()
    while known < expected:
        time.sleep(_LOOK_SECONDS)
        moment = time.monotonic()
        found = waiting()
        if found > known:
            known, moved = found, moment
        if moment - moved > _QUIET_SECONDS or moment - began > _GATHER_SECONDS:
            return


def _is_free(key: int) -> bool:
    """Take a turn if it can be had at once; tell whether it could."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_lock(%s, %s), {END_WITH_CLIENT}", [TURNS, key])
        return bool(cursor.fetchone()[0])


def _wait_for(key: int, deadline: float) -> None:
    patience = max(1, int((deadline - time.monotonic()) * 1000))
    values: dict[str, int | str] = {
        "places": _places(),
        "first_place": PLACES,
        "turns": TURNS,
        "key": key,
        "unsigned_key": key % 2**32,
        "standstill": _STANDSTILL_MS,
        "patience": str(patience),
        "short_patience": str(min(patience, _STANDSTILL_MS)),
    }
    try:
        # The transaction holds the place while it waits, and sets lock_timeout for itself alone.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_TAKE_PLACE, values)
            if cursor.fetchone() is None:
                cursor.execute(_WAIT_SHORTLY, values)
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [TURNS, key])
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise CommitTimeout from error


def _places() -> int:
    """Return how many may wait for a turn that one has: together half of the API's processes."""
    processes = webserver.processes()
    return _MANY if processes is None else max(0, processes // 2 - 1)


def _give_back(key: int) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [TURNS, key])
    except Error:
        # The connection is as good as gone, and must not stay with the turn in its hands.
        with suppress(Error):
            connection.close()
