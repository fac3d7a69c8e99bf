"""Get a file from one upstream: as the holder of its lease, or behind another process."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from aiohttp.web import HTTPServiceUnavailable
from django.db import Error
from pulpcore.plugin.exceptions import PulpException

from pulp_conda.app.channels.storage.fetched_files import save_fetched, store_fetched
from pulp_conda.app.channels.transfer.failure import FetchFailed
from pulp_conda.app.channels.transfer.spool import Spool, new_name
from pulp_conda.app.channels.transfer.transfer import Transfer
from pulp_conda.app.channels.transfer.wanted import Origin, WantedFile
from pulp_conda.app.content.database import ask
from pulp_conda.app.failpoints import failpoint
from pulp_conda.app.models import UNAVAILABLE

from . import leases
from .arrival import Arrival
from .leases import Held, Lease
from .origins import stored
from .upstreams import upstream_of

_log = logging.getLogger(__name__)

_UNSEEN_SECONDS = 5
"""How long a fetch of another host is waited for, whose spool cannot be read here."""
_POLL_SECONDS = 0.03


class Attempt:
    """Gets a file from one upstream into an arrival."""

    def __init__(self, wanted: WantedFile, origin: Origin, arrival: Arrival) -> None:
        self._wanted = wanted
        self._origin = origin
        self._arrival = arrival

    async def run(self) -> None:
        """Get the whole file.

        Raises:
            FetchFailed: it cannot be had from there.
            DiskFailed: it cannot be spooled.
        """
        dead: UUID | None = None
        loop = asyncio.get_running_loop()
        patience = loop.time() + _UNSEEN_SECONDS
        while True:
            name = new_name()
            claim = await self._taken(name, dead)
            if isinstance(claim, Lease):
                return await self._hold(claim, name)
            if self._arrival.is_whole:
                return None
            spool = self._arrival.spool or await self._found(claim.spool)
            if spool is None and loop.time() < patience:
                await asyncio.sleep(_POLL_SECONDS)
                continue
            if spool is None or spool.path.name != claim.spool:
                return await self._alone()
            if await self._followed(spool):
                return None
            dead = claim.holder if spool.lock() else None
            await asyncio.sleep(_POLL_SECONDS)

    async def _taken(self, name: str, dead: UUID | None) -> Lease | Held:
        file, holder = (self._wanted, self._origin), uuid4()
        try:
            return await ask(leases.take, *file, name, dead=dead, holder=holder)
        except asyncio.CancelledError:
            await asyncio.shield(ask(leases.abandon, *file, holder))
            raise

    async def _found(self, name: str) -> Spool | None:
        spool = await asyncio.to_thread(Spool.find, name, self._wanted)
        self._arrival.spool = spool
        return spool

    async def _followed(self, spool: Spool) -> bool:
        """Follow the writer of a spool; return whether it brought the whole file and is there.

        A writer that adds nothing for long may have lost its lease. One that is gone has ended the
        fetch, or has died.
        """
        loop = asyncio.get_running_loop()
        moved = loop.time()
        while loop.time() - moved < leases.LEASE_SECONDS:
            is_last = spool.lock()  # before the look, so that nothing comes after it
            while await spool.catch_up():
                moved = loop.time()
                self._arrival.notify()
            if spool.is_right():
                self._release(spool)
                return not is_last
            if is_last:
                return False
            await asyncio.sleep(_POLL_SECONDS)
        return False

    def _release(self, spool: Spool) -> None:
        spool.check()
        self._arrival.notify()

    async def _hold(self, lease: Lease, name: str) -> None:
        """Fetch the file with its lease. `name` is that of a new spool."""
        try:
            if await self._is_here(lease):
                return
            transfer = await self._begun(lease, name)
            async with _renewed(lease, lambda: transfer.validator):
                failpoint("fetch begun")
                await self._finished(transfer)
        except FetchFailed as failure:
            _log.error("%s: %s", self._wanted.path, failure)
            self._discard()
            await (ask(leases.fail, lease, failure) if failure.is_of_file else self._ended(lease))
            raise
        except asyncio.CancelledError:
            if self._origin.is_stored:  # somebody may go on with it
                await asyncio.shield(ask(leases.release, lease))
                raise
            await asyncio.shield(self._ended(lease))
            raise
        except BaseException:
            await self._ended(lease)
            raise
        await self._ended(lease)

    async def _is_here(self, lease: Lease) -> bool:
        """Return whether the file was stored before the lease was taken."""
        found = await ask(stored, self._wanted.content)
        if found is None:
            return False
        await ask(leases.end, lease)
        if self._arrival.is_whole:
            return True
        if self._arrival.was_read:
            raise FetchFailed(UNAVAILABLE, "another process has fetched the file")
        self._arrival.stored = found
        self._arrival.notify()
        return True

    async def _begun(self, lease: Lease, name: str) -> Transfer:
        """Return a transfer that goes on with what earlier holders left."""
        validator = lease.validator
        if self._arrival.spool is None and lease.spool != name:
            await self._adopt(lease.spool)
        if self._arrival.spool is None:
            validator = ""
        spool = await self._spool(name)
        if spool.path.name != lease.spool:
            await ask(leases.note, lease, spool.path.name)
        return self._transfer(spool, validator)

    async def _adopt(self, name: str) -> None:
        """Go on with the spool of an earlier holder, if it is on this host and has no writer."""
        spool = await self._found(name)
        if spool is None:
            return None
        if not spool.lock():
            return self._arrival.drop()
        while await spool.catch_up():
            self._arrival.notify()
        return None

    async def _spool(self, name: str) -> Spool:
        """Return the spool to write, of which this process is the writer."""
        spool = self._arrival.spool
        if spool is None:
            spool = await asyncio.to_thread(Spool.create, name, self._wanted)
            self._arrival.spool = spool
        elif not spool.lock() or not spool.path.exists():
            await asyncio.to_thread(spool.move, name)
        return spool

    def _transfer(self, spool: Spool, validator: str) -> Transfer:
        return Transfer(self._origin.url, self._wanted.size, spool, validator)

    async def _finished(self, transfer: Transfer) -> None:
        """Fetch the rest of the file, let it go out, and store it."""
        async with upstream_of(self._origin.remote) as upstream:
            await transfer.run(upstream, self._arrival.notify)
        self._release(transfer.spool)
        failpoint("file fetched")
        if self._origin.is_stored:
            await self._save(transfer.spool)

    async def _save(self, spool: Spool) -> None:
        """Store the file. The clients get it also if that fails."""
        try:
            file = await asyncio.to_thread(store_fetched, spool.path, spool.sha256)
            origin = (self._origin.remote, self._origin.url)
            await ask(save_fetched, file, self._wanted.content, self._wanted.path, *origin)
        except (OSError, Error, PulpException, HTTPServiceUnavailable) as error:
            _log.error("%s was fetched, and cannot be stored: %s", self._wanted.path, error)

    async def _alone(self) -> None:
        """Fetch the file for the clients of this process, without storing it."""
        try:
            spool = await self._spool(new_name())
            async with upstream_of(self._origin.remote) as upstream:
                await self._transfer(spool, "").run(upstream, self._arrival.notify)
            self._release(spool)
        except FetchFailed as failure:
            _log.error("%s: %s", self._wanted.path, failure)
            raise
        finally:
            self._discard()

    async def _ended(self, lease: Lease) -> None:
        self._discard()
        await ask(leases.end, lease)

    def _discard(self) -> None:
        if self._arrival.spool:
            self._arrival.spool.remove()


@asynccontextmanager
async def _renewed(lease: Lease, validator: Callable[[], str]) -> AsyncIterator[None]:
    """Renew a lease while the block runs."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(leases.RENEWAL_SECONDS)
            try:
                await ask(leases.renew, lease, validator())
            except (Error, HTTPServiceUnavailable) as error:
                _log.warning("a lease could not be renewed: %s", error)

    task = asyncio.create_task(renew())
    try:
        yield
    finally:
        task.cancel()
