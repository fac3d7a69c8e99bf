"""What gunicorn, the API's web server, allows: the time of a request, and how many run at once."""

import signal
import time
from typing import Any

from gunicorn.workers.base import Worker

_LONGEST_RESERVE_SECONDS = 10.0


def configuration() -> Any:
    """Return gunicorn's configuration (`gunicorn.config.Config`), None in any other process."""
    return getattr(_gunicorn(), "cfg", None)


def processes() -> int | None:
    """Return how many API processes gunicorn runs on this machine, None if this is none of them."""
    found = configuration()
    return None if found is None else found.workers


def waiting_seconds(timeout: float) -> float:
    """Return how much of gunicorn's time-out a request may spend on waiting.

    The rest is for what it does when the wait is over.
    """
    return timeout - min(timeout / 4, _LONGEST_RESERVE_SECONDS)


def seconds_left() -> float | None:
    """Return how long the present request may still wait before gunicorn kills this process.

    Negative if the time is up; None where nothing kills it.
    """
    worker = _gunicorn()
    if not isinstance(worker, Worker) or not worker.cfg.timeout:
        return None
    # gunicorn's master compares the same two.
    return worker.tmp.last_update() + waiting_seconds(worker.cfg.timeout) - time.monotonic()


def _gunicorn() -> object:
    """Return gunicorn's master or worker: in its processes each handles this signal by a method."""
    return getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
