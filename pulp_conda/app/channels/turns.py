"""Taking turns at a channel: one request at a time starts a commit, which takes the others' along.

Requests that wait for their turn start no tasks, wake no workers and look for nothing: PostgreSQL
wakes the next when the one before it is done.
"""

import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from django.db import Error, OperationalError, connection, transaction

from pulp_conda.app.models import CondaRepository

from .waiting import CommitTimeout

_LOCKS = 0x636F6E64
"""Keeps our advisory locks apart from others' in the same database."""

_LOCK_NOT_AVAILABLE = "55P03"

_GATHER_SECONDS = 0.2
_QUIET_SECONDS = 0.04
_LOOK_SECONDS = 0.004


@contextmanager
def turn(repository: CondaRepository, deadline: float) -> Iterator[bool]:
    """Hold a channel's turn, of which there is one; yield whether another had it meanwhile.

    `deadline` is on the monotonic clock. Turns come in the order in which they
    were asked for. That of a process that dies is over, since it goes with its connection to the
    database.

    Raises:
        CommitTimeout: the deadline passed.
    """
    # Numbers of four bytes, with a sign. Channels that share one take turns with one another.
    lock = (_LOCKS, zlib.crc32(repository.pk.bytes) - 2**31)
    waited = not _is_free(lock)
    if waited:
        _wait_for(lock, deadline)
    try:
        yield waited
    finally:
        _give_back(lock)


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


def _is_free(lock: tuple[int, int]) -> bool:
    """Take a turn if it can be had at once; tell whether it could."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", lock)
        return bool(cursor.fetchone()[0])


def _wait_for(lock: tuple[int, int], deadline: float) -> None:
    milliseconds = max(1, int((deadline - time.monotonic()) * 1000))
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [str(milliseconds)])
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", lock)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise CommitTimeout from error


def _give_back(lock: tuple[int, int]) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", lock)
    except Error:
        # The connection is as good as gone, and must not stay with the turn in its hands.
        with suppress(Error):
            connection.close()
