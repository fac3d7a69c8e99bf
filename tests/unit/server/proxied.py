"""The proxy between raw sockets."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from aiohttp import web

from pulp_conda.server.connections import Bounds
from pulp_conda.server.proxy import Proxy, runner

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Upstream = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"


async def at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each request."""
    with contextlib.suppress(asyncio.IncompleteReadError), contextlib.closing(writer):
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(OK)


@contextlib.contextmanager
def connecting(first: Streams) -> Iterator[Callable[[], Awaitable[Streams]]]:
    """Yield a function that opens further connections to the same address; close all of them."""
    opened = []

    async def another() -> Streams:
        streams = await asyncio.open_connection(*first[1].get_extra_info("peername"))
        opened.append(streams[1])
        return streams

    try:
        yield another
    finally:
        for writer in opened:
            writer.close()


def through_proxy(
    folder: Path,
    upstream: Upstream | None,
    client: Callable[[Streams], Awaitable[None]],
    bounds: Bounds | None = None,
) -> None:
    """Connect a raw client to the proxy, and the proxy to a raw upstream for everything."""

    async def scenario() -> None:
        socket = folder / "s"
        behind = await asyncio.start_unix_server(upstream, socket) if upstream else None
        async with Proxy(socket, socket) as proxy:
            serving = runner(proxy, bounds or Bounds(0))
            await serving.setup()
            site = web.TCPSite(serving, "127.0.0.1", 0)
            await site.start()
            port = serving.addresses[0][1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                await asyncio.wait_for(client((reader, writer)), 20)
            finally:
                writer.close()
                await serving.cleanup()
                if behind:
                    behind.close()

    asyncio.run(scenario())


def exchange(folder: Path, request: bytes, answer: bytes) -> tuple[bytes, bytes]:
    """Send one request; return what reached the upstream and what came back to the client."""
    reached = back = b""

    async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal reached
        reached = await reader.read(1 << 16)
        writer.write(answer)
        writer.close()

    async def client(streams: Streams) -> None:
        nonlocal back
        reader, writer = streams
        writer.write(request)
        back = await reader.readuntil(b"\r\n\r\n")
        with contextlib.suppress(TimeoutError):
            back += await asyncio.wait_for(reader.read(1 << 16), 0.2)

    through_proxy(folder, upstream, client)
    return reached, back
