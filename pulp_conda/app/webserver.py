"""The limits of gunicorn, the API's web server: time-out and number of processes."""

import signal
import time
from typing import Any

from gunicorn.workers.base import Worker

_LONGEST_RESERVE_SECONDS = 10.0


def configuration() -> Any:
    """Return gunicorn's configuration (`gunicorn.config.Config`), None in other processes."""
    return getattr(_gunicorn(), "cfg", None)


def processes() -> int | None:
    """Return how many API processes gunicorn runs here, None in other processes."""
    found = configuration()
    return None if found is None else found.workers


def waiting_seconds(timeout: float) -> float:
    """Return how much of gunicorn's time-out a request may spend on waiting.

    The rest is reserved for its work after the wait.
    """
    return timeout - min(timeout / 4, _LONGEST_RESERVE_SECONDS)


def seconds_left() -> float | None:
    """Return how long the current request may still wait before gunicorn kills this process.

    Negative if the time is over; None if gunicorn sets no time-out.
    """
    worker = _gunicorn()
    if not isinstance(worker, Worker) or not worker.cfg.timeout:
        return None
    # gunicorn's master compares the same two times.
    return worker.tmp.last_update() + waiting_seconds(worker.cfg.timeout) - time.monotonic()


def _gunicorn() -> object:
    """Return gunicorn's master or worker, found by its method that handles SIGTERM."""
    return getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
