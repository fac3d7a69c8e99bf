"""A real upstream that misbehaves as it is told, and notes what it is asked."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256

from aiohttp import web

from tests.functional.app_threads import served

Fault = Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]


@dataclass
class FaultyUpstream:
    """Files by their paths. The first faults of a path are used up, the last one stays."""

    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[Fault | None]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Path and `Range` of each request."""
    origin: str = ""

    def requests_for(self, path: str) -> list[str]:
        """Return the `Range` of each request for a path."""
        return [asked for name, asked in self.asked if name == path]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request as this path is told to."""
        path = request.path.lstrip("/")
        self.asked.append((path, request.headers.get("Range", "")))
        left = self.faults.get(path, [])
        fault = left.pop(0) if len(left) > 1 else (left[0] if left else None)
        if path not in self.files:
            raise web.HTTPNotFound
        return await (fault or right)(request, self.files[path])


def _etag(body: bytes) -> str:
    return f'"{sha256(body).hexdigest()}"'


async def right(request: web.Request, body: bytes) -> web.StreamResponse:
    """Answer as a good server does, also a range."""
    start, status = 0, 200
    headers = {"ETag": _etag(body), "Set-Cookie": "id=1", "Cache-Control": "no-store"}
    wanted = request.headers.get("Range")
    if wanted and request.headers.get("If-Range", _etag(body)) == _etag(body):
        start, status = int(wanted.removeprefix("bytes=").rstrip("-")), 206
        headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = len(body) - start
    await response.prepare(request)
    for position in range(start, len(body), 65536):
        await response.write(body[position : position + 65536])
    await response.write_eof()
    return response


def cut(after: int) -> Fault:
    """Break the connection after some bytes of the answer, whichever they are."""

    async def answer(request: web.Request, body: bytes) -> web.StreamResponse:
        wanted = request.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        headers = {"ETag": _etag(body)}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        response = web.StreamResponse(status=206 if start else 200, headers=headers)
        response.content_length = len(body) - start
        await response.prepare(request)
        await response.write(body[start : start + after])
        await asyncio.sleep(0.2)  # a reset would drop what the client has not read
        assert request.transport is not None
        request.transport.close()
        return response

    return answer


def cut_without_ranges(after: int) -> Fault:
    """Send the beginning of the file, whatever is asked for, and break the connection."""

    async def answer(request: web.Request, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[:after])
        await asyncio.sleep(0.2)
        assert request.transport is not None
        request.transport.close()
        return response

    return answer


def other(change: Callable[[bytes], bytes], *, chunked: bool = False) -> Fault:
    """Send another file, whose length may be left out."""

    async def answer(request: web.Request, body: bytes) -> web.StreamResponse:
        sent = change(body)
        response = web.StreamResponse()
        if not chunked:
            response.content_length = len(sent)
        await response.prepare(request)
        await response.write(sent)
        await response.write_eof()
        return response

    return answer


def refused(status: int, **headers: str) -> Fault:
    """Answer with a status."""

    async def answer(request: web.Request, body: bytes) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, headers=named, text="secret reasons")

    return answer


def held(after: int, go_on: threading.Event) -> Fault:
    """Send some bytes, and the rest when `go_on` is set."""

    async def answer(request: web.Request, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"ETag": _etag(body)})
        response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[:after])
        await asyncio.to_thread(go_on.wait, 120)
        await response.write(body[after:])
        await response.write_eof()
        return response

    return answer


def dripping(count: int) -> Fault:
    """Send a byte a second for a while, then the rest."""

    async def answer(request: web.Request, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = len(body)
        await response.prepare(request)
        for position in range(count):
            await response.write(body[position : position + 1])
            await asyncio.sleep(1)
        await response.write(body[count:])
        await response.write_eof()
        return response

    return answer


@contextmanager
def faulty_upstream() -> Iterator[FaultyUpstream]:
    """Run an upstream in a thread."""
    upstream, app = FaultyUpstream(), web.Application()
    app.router.add_get("/{path:.*}", upstream.answer)
    with served(app) as upstream.origin:
        yield upstream
