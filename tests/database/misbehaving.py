"""An upstream that does what a test says: answers by path, and notes what it was asked."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from pulp_conda.app.models import CondaRemote
from pulp_conda.app.upstream import Upstream, UpstreamError

PATIENCE_SECONDS = 60

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Misbehaving:
    """A server on a port of its own. `paths` maps a path to its handler."""

    def __init__(self) -> None:
        self.paths: dict[str, Handler] = {}
        self.asked: list[web.Request] = []
        self.port = 0
        self.scheme = "http"

    def url(self, path: str = "", host: str = "127.0.0.1") -> str:
        """Return the URL of a path."""
        return f"{self.scheme}://{host}:{self.port}{path}"

    def remote(self, **fields: Any) -> CondaRemote:
        """Return a remote, not saved, of the channel `/ch`."""
        return CondaRemote(**{"name": "upstream", "url": self.url("/ch"), **fields})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        handler = self.paths.get(request.path)
        return web.Response(status=404) if handler is None else await handler(request)


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a scenario, and fail if it hangs."""
    asyncio.run(asyncio.wait_for(coroutine, PATIENCE_SECONDS))


async def failing(server: Misbehaving, path: str = "/ch/x", **fields: Any) -> UpstreamError:
    """Return the error that a GET leads to."""
    async with Upstream(server.remote(**fields)) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await upstream.get(server.url(path), limit=1 << 20)
    return caught.value


@asynccontextmanager
async def misbehaving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Misbehaving]:
    """Run an upstream."""
    upstream = Misbehaving()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", upstream._answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        upstream.port = runner.addresses[0][1]
        upstream.scheme = "https" if tls else "http"
        yield upstream
    finally:
        await runner.cleanup()


def answering(body: bytes = b"", status: int = 200, **headers: str) -> Handler:
    """Return a handler with one answer. `_` in the names of headers stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, headers=named)

    return handler


def in_turn(*handlers: Handler) -> Handler:
    """Return a handler that does what each of `handlers` does, and at last always the last."""
    left = list(handlers)

    async def handler(request: web.Request) -> web.StreamResponse:
        return await (left.pop(0) if len(left) > 1 else left[0])(request)

    return handler


def cut(body: bytes, declared: int) -> Handler:
    """Return a handler that breaks the connection after a part of the declared bytes."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(declared)})
        await response.prepare(request)
        await response.write(body)
        assert request.transport is not None
        request.transport.close()
        return response

    return handler
