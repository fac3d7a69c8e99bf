"""Reading the body of an answer: how much, and how slowly it may come."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import ClientResponse

from .errors import TooLarge, Unavailable
from .failures import named

_HTML = "text/html"


@dataclass(frozen=True, slots=True)
class Pace:
    """The slowest pace at which a body may come: an upstream may not hold a task for ever."""

    bytes_per_second: float = 1024
    seconds: float = 60
    """The time over which the pace is measured. Only time spent waiting for the upstream counts."""


async def chunks(response: ClientResponse, url: str, pace: Pace) -> AsyncIterator[bytes]:
    """Yield the bytes of a body as they come. `url` is as it may be shown.

    Raises:
        UpstreamError: they come too slowly, or not all of them.
    """
    loop = asyncio.get_running_loop()
    waited, size = 0.0, 0
    while True:
        began = loop.time()
        with named(url):
            chunk = await response.content.readany()
        if not chunk:
            return
        waited += loop.time() - began
        size += len(chunk)
        if waited > pace.seconds:
            if size < waited * pace.bytes_per_second:
                raise Unavailable(f"{url} comes too slowly: {size} bytes in {waited:.0f} s.")
            waited, size = 0.0, 0
        yield chunk


async def whole(response: ClientResponse, url: str, pace: Pace, limit: int) -> bytes:
    """Return a whole body of at most `limit` bytes.

    Raises:
        TooLarge: it is longer.
        UpstreamError: it does not come whole and fast enough, or is a page for people, as of a
            login or a firewall.
    """
    if (response.content_length or 0) > limit:
        raise _too_large(url, limit)
    body = bytearray()
    async for chunk in chunks(response, url, pace):
        body += chunk
        if len(body) > limit:
            raise _too_large(url, limit)
    if response.content_type == _HTML and body.lstrip()[:1] == b"<":
        raise Unavailable(f"A web page came instead of {url}.")
    return bytes(body)


def _too_large(url: str, limit: int) -> TooLarge:
    return TooLarge(f"{url} has more than {limit} bytes.")
