"""What has come of a file that is being fetched, and the clients that wait for more."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from pulp_conda.app.channels.transfer.failure import FetchFailed
from pulp_conda.app.channels.transfer.spool import Spool

_GONE_SECONDS = 1
"""How often a client that waits is looked for."""


class ClientGone(Exception):
    """The client left while it waited."""


class Arrival:
    """A file as it comes. Everything happens in one event loop."""

    def __init__(self) -> None:
        self.spool: Spool | None = None
        self.stored: tuple[str, int] | None = None
        """Name and size of the file in the storage, if another process has put it there."""
        self.failure: FetchFailed | None = None
        self._changed = asyncio.Event()

    @property
    def is_whole(self) -> bool:
        """Whether the whole file is here, and right."""
        return self.spool is not None and self.spool.is_whole

    @property
    def was_read(self) -> bool:
        """Whether a client may have got some bytes."""
        return self.spool is not None and self.spool.was_read

    def notify(self) -> None:
        """Wake those that wait."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def readable(self, position: int, is_gone: Callable[[], bool]) -> int:
        """Wait until more than `position` bytes may go out; return how many.

        Raises:
            FetchFailed: the file cannot be had.
            ClientGone: `is_gone` says so.
        """
        while True:
            if self.failure:
                raise self.failure
            if self.stored:
                return self.stored[1]
            if self.spool and self.spool.readable > position:
                return self.spool.readable
            if is_gone():
                raise ClientGone
            await self._change()

    async def measured(self) -> int:
        """Wait until the whole file is here; return its size.

        Raises:
            FetchFailed: the file cannot be had.
        """
        while not (self.spool and self.spool.is_whole):
            if self.failure:
                raise self.failure
            if self.stored:
                return self.stored[1]
            await self._change()
        return self.spool.arrived

    async def _change(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), _GONE_SECONDS)

    def drop(self) -> None:
        """Close the spool, from which nobody has read."""
        self.close()
        self.spool = None

    def close(self) -> None:
        """Close the spool."""
        if self.spool:
            self.spool.close()
