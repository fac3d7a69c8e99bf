"""A circuit breaker for each host that a remote asks.

State is kept by process. A process learns by one request what another knows already, and a shared
state would cost every request a look into the database. State is also kept by remote: other remotes
may ask the same host with other credentials, or through a proxy that answers in its name.
"""

import random
import time
from collections import OrderedDict
from collections.abc import Callable

from .errors import LeftAlone
from .retry_after import backoff

_FAILURES_TO_OPEN = 5
_OPEN_SECONDS = 60.0
_LONGEST_OPEN_SECONDS = 3600.0
_TRIAL_SECONDS = 10.0
_MOST_HOSTS = 1000


class Breaker:
    """Whether a host may be asked, from how its last requests went.

    After five failures in a row it is asked nothing for 1, 2, 4, ... 60 minutes. Then one request
    is a trial, and the others wait for its outcome.
    """

    def __init__(self, host: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._host = host
        self._clock = clock
        self._failures = 0
        self._failed = float("-inf")
        self._closed_until = float("-inf")

    def enter(self) -> float:
        """Return the time at which a request begins.

        Raises:
            LeftAlone: the host may not be asked yet.
        """
        now = self._clock()
        if now < self._closed_until:
            raise LeftAlone(
                f"{self._host} is left alone for a while, because it was busy or failed.",
                self._closed_until - now,
            )
        if self._failures >= _FAILURES_TO_OPEN:
            self._closed_until = now + _TRIAL_SECONDS
        return now

    def succeeded(self) -> None:
        """Note that the host answered."""
        self._failures, self._closed_until = 0, float("-inf")

    def failed(self, began: float) -> None:
        """Note that a request failed. Requests that were under way together count once."""
        if began < self._failed:
            return
        self._failures += 1
        self._failed = self._clock()
        if self._failures >= _FAILURES_TO_OPEN:
            pause = _OPEN_SECONDS * 2 ** min(self._failures - _FAILURES_TO_OPEN, 10)
            self._leave_alone(min(pause, _LONGEST_OPEN_SECONDS) * random.uniform(0.9, 1))  # noqa: S311

    def told_to_wait(self, began: float, seconds: float | None) -> float:
        """Note that the host asked for a pause (429, 503). Return the pause in seconds."""
        self.failed(began)
        pause = backoff(self._failures) if seconds is None else seconds
        self._leave_alone(pause)
        return pause

    def _leave_alone(self, seconds: float) -> None:
        self._closed_until = max(self._closed_until, self._clock() + seconds)


_breakers: OrderedDict[tuple[object, str], Breaker] = OrderedDict()


def breaker_of(remote: object, host: str) -> Breaker:
    """Return the breaker of a remote (its key) and a host in this process."""
    found = _breakers.setdefault((remote, host), Breaker(host))
    _breakers.move_to_end((remote, host))
    if len(_breakers) > _MOST_HOSTS:
        _breakers.popitem(last=False)
    return found
