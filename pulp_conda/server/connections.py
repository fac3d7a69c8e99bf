"""Limits on connections: how many in all, how many of one client, how long one may be idle.

A connection *waits* from its start, or from its last answer, until the head of a request is
complete. Waiting connections have a time limit, and if there are too many, the one that has
waited longest is closed. So a client that opens many and sends nothing, or a byte now and then,
cannot exclude others. Clients expect that idle connections are closed, and open new ones.
"""

import asyncio
import ipaddress
import resource
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from aiohttp import web

from .failures import failure

_MAX_CONNECTIONS = 4096
_FILES_PER_REQUEST = 4  # the client's connection, two to Pulp's processes, a body on disk
_OTHER_FILES = 64
_WAITING_SHARE = 4
_RETRY_AFTER_SECONDS = 1

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many connections there may be; 0 for `per_address` sets no limit to an address."""

    per_address: int
    total: int = field(default_factory=lambda: most_connections())
    waiting_seconds: float = 60

    @property
    def waiting_per_address(self) -> int:
        """How many connections of an address may wait; each holds the memory of a partial head."""
        return -(-self.per_address // _WAITING_SHARE)


def raise_file_limit() -> None:
    """Let this process and its children open as many files as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def most_connections() -> int:
    """Return how many requests can be in progress, and how many connections wait besides."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(_MAX_CONNECTIONS, (files - _OTHER_FILES) // (_FILES_PER_REQUEST + 1)))


class BoundedServer(web.Server):
    """An HTTP server with limits on its connections."""

    def __init__(self, handler: Handler, bounds: Bounds, **kwargs: Any) -> None:
        super().__init__(self._handle, **kwargs)
        self._answer = handler
        self._bounds = bounds
        self._waiting: OrderedDict[web.RequestHandler, tuple[str, float]] = OrderedDict()
        """The address and the deadline of each waiting connection, the oldest first."""
        self._timer: asyncio.TimerHandle | None = None
        self._waiting_of: Counter[str] = Counter()
        self._busy_of: Counter[str] = Counter()
        self._busy = 0

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Count a new connection, and close an older one if there are too many."""
        super().connection_made(handler, transport)
        self._wait(handler, address_of(transport.get_extra_info("peername")))

    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        """Forget a connection."""
        super().connection_lost(handler, exc)
        self._end_wait(handler)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        address = address_of(request.transport and request.transport.get_extra_info("peername"))
        self._end_wait(request.protocol)
        if self._is_full(address):
            message = "too many requests at once; try again"
            return failure(503, message, retry_after=_RETRY_AFTER_SECONDS, close=True)
        self._busy += 1
        self._busy_of[address] += 1
        try:
            return await self._answer(request)
        finally:
            self._busy -= 1
            _decrease(self._busy_of, address)
            if request.protocol.transport is not None:
                self._wait(request.protocol, address)

    def _is_full(self, address: str) -> bool:
        most = self._bounds.per_address
        return self._busy >= self._bounds.total or bool(most and self._busy_of[address] >= most)

    def _wait(self, handler: web.RequestHandler, address: str) -> None:
        deadline = self._loop.time() + self._bounds.waiting_seconds
        self._waiting[handler] = address, deadline
        self._waiting_of[address] += 1
        if self._timer is None:  # one timer for all, which is cheaper than one per request
            self._timer = self._loop.call_at(deadline, self._close_expired)
        if len(self._waiting) > self._bounds.total:
            self._close(next(iter(self._waiting)))
        elif 0 < self._bounds.waiting_per_address < self._waiting_of[address]:
            self._close(next(key for key, (of, _) in self._waiting.items() if of == address))

    def _end_wait(self, handler: web.RequestHandler) -> None:
        if removed := self._waiting.pop(handler, None):
            _decrease(self._waiting_of, removed[0])

    def _close_expired(self) -> None:
        self._timer = None
        while self._waiting:
            handler, (_, deadline) = next(iter(self._waiting.items()))
            if deadline > self._loop.time():
                self._timer = self._loop.call_at(deadline, self._close_expired)
                return
            self._close(handler)

    def _close(self, handler: web.RequestHandler) -> None:
        self._end_wait(handler)
        handler.force_close()


def address_of(peer: Any) -> str:
    """Return the text that identifies a client: its IPv4 address, or its IPv6 network of 64 bits.

    `peer` is the socket address of the other end. A client with one address in an IPv6 network of
    64 bits usually controls all of it.
    """
    return _client_of(str(peer[0])) if isinstance(peer, tuple) else ""


@lru_cache(maxsize=_MAX_CONNECTIONS)
def _client_of(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))


def _decrease(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
