"""What happens at an instant of the product: a delay, a failure or a death.

The instants are those of `pulp_conda.app.failpoints`.
"""

import errno
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection, connections

from pulp_conda.app import failpoints
from pulp_conda.app.failpoints import Failpoint

PATIENCE_SECONDS = 60

_WAITING_FOR_LOCK = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'
"""

_Result = TypeVar("_Result")


@contextmanager
def at(instant: Failpoint, action: Callable[[], object]) -> Iterator[None]:
    """Do something when an instant is first reached, which has to happen while the block runs."""
    first = threading.Lock()

    def reached(name: Failpoint) -> None:
        if name == instant and first.acquire(blocking=False):
            action()

    failpoints.on_reached = reached
    try:
        yield
    finally:
        failpoints.on_reached = None
    assert first.locked(), f"nothing came to the instant {instant!r}"


def fill_disk() -> None:
    """Fail as a write to a full disk does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def dies_at(instant: Failpoint, action: Callable[[], object]) -> bool:
    """Run an action in a process that is killed at an instant.

    Returns False if the action came to its end without reaching the instant.
    """
    # A session belongs to one process.
    connections.close_all()
    pid = os.fork()
    if pid == 0:
        _run_to_death(instant, action)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL), "see its traceback above"
    return os.WIFSIGNALED(status)


def _run_to_death(instant: Failpoint, action: Callable[[], object]) -> None:
    def reached(name: Failpoint) -> None:
        if name == instant:
            os.kill(os.getpid(), signal.SIGKILL)

    status = 1
    try:
        failpoints.on_reached = reached
        action()
        status = 0
    except BaseException:  # noqa: BLE001 (the child must not go on as a second test run)
        traceback.print_exc()
    finally:
        os._exit(status)


def overlapping(
    instant: Failpoint, first: Callable[[], _Result], second: Callable[[], _Result]
) -> tuple[_Result, _Result]:
    """Run two actions at once, and return their results.

    The second one starts while the first one is at an instant, and has to wait there for a lock of
    the database before the first one goes on.
    """
    begun, go_on = threading.Event(), threading.Event()

    def pause() -> None:
        begun.set()
        assert go_on.wait(PATIENCE_SECONDS)

    with ThreadPoolExecutor(2) as pool, at(instant, pause):
        try:
            one = pool.submit(_in_thread, first)
            one.add_done_callback(lambda _: begun.set())
            assert begun.wait(PATIENCE_SECONDS)
            if not one.done():
                other = pool.submit(_in_thread, second)
                _wait_until_locked_out(other)
        finally:
            go_on.set()
        return one.result(), other.result()


def _in_thread(action: Callable[[], _Result]) -> _Result:
    try:
        return action()
    finally:
        connections.close_all()


def _wait_until_locked_out(other: Future[_Result]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    with connection.cursor() as cursor:
        while time.monotonic() < deadline and not other.done():
            cursor.execute(_WAITING_FOR_LOCK)
            if cursor.fetchone() == (1,):
                return
    raise AssertionError("it does not wait")
