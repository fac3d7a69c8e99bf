"""The fetches of a process: one for each file, with any number of clients."""

import asyncio
import logging

from pulp_conda.app.channels.transfer.failure import FetchFailed
from pulp_conda.app.channels.transfer.spool import DiskFailed
from pulp_conda.app.channels.transfer.wanted import WantedFile
from pulp_conda.app.models import UNAVAILABLE

from .arrival import Arrival
from .attempt import Attempt
from .failures import worst
from .leftovers import sweep

_log = logging.getLogger(__name__)

_FINISHED_BYTES = 64 * 1024**2
"""A fetch of which less is left is finished without clients."""
_UNATTENDED_SECONDS = 300
"""The longest time for which a fetch goes on without clients."""


class Fetch:
    """Fetches a file from the first of its upstreams that gives it."""

    def __init__(self, wanted: WantedFile) -> None:
        self.arrival = Arrival()
        self._wanted = wanted
        self._readers = 0
        self._is_stored = False
        self._task = asyncio.create_task(self._run())

    @classmethod
    def of(cls, wanted: WantedFile) -> "Fetch":
        """Return the fetch of a file, with one more client, which has to leave it later."""
        fetch = _fetches.get(wanted) or cls(wanted)
        _fetches[wanted] = fetch
        fetch._readers += 1
        return fetch

    def leave(self) -> None:
        """Count one client less. After the last one, the fetch ends if it is far from its end."""
        self._readers -= 1
        if self._readers:
            return
        if self._task.done():
            self.arrival.close()
        elif self._is_worth_finishing():
            asyncio.get_running_loop().call_later(_UNATTENDED_SECONDS, self._stop_if_unattended)
        else:
            self._stop()

    def _is_worth_finishing(self) -> bool:
        size, spool = self._wanted.size, self.arrival.spool
        if spool and spool.is_whole:
            return True
        arrived = spool.arrived if spool else 0
        left = (size or 0) - arrived
        return self._is_stored and (left < _FINISHED_BYTES or left < arrived)

    def _stop_if_unattended(self) -> None:
        if not self._readers:
            self._stop()

    def _stop(self) -> None:
        self._forget()
        self._task.cancel()

    def _forget(self) -> None:
        if _fetches.get(self._wanted) is self:
            del _fetches[self._wanted]

    async def _run(self) -> None:
        try:
            await self._try_origins()
            await sweep()
        except DiskFailed as error:
            _log.error("%s cannot be spooled: %s", self._wanted.path, error)
            self.arrival.failure = FetchFailed(UNAVAILABLE, "the disk failed")
        except Exception:  # noqa: BLE001 (clients must not wait for ever)
            _log.exception("%s could not be fetched", self._wanted.path)
            self.arrival.failure = FetchFailed(UNAVAILABLE, "see the log")
        finally:
            self._forget()
            self.arrival.notify()
            if not self._readers:
                self.arrival.close()

    async def _try_origins(self) -> None:
        failures = []
        for origin in self._wanted.origins:
            self._is_stored = origin.is_stored
            try:
                await Attempt(self._wanted, origin, self.arrival).run()
            except FetchFailed as failure:
                failures.append(failure)
                if self.arrival.was_read:
                    break  # bytes of another upstream must not follow
                self.arrival.drop()
            else:
                return
        self.arrival.failure = worst(failures)


_fetches: dict[WantedFile, Fetch] = {}
"""By the file and its upstreams. One of these may be another channel of this process, which fetches
the same file from its own upstream."""
