"""One origin for Pulp's two web processes: what nginx does in production.

A request goes on when all of its body is here, so a slow client holds no process of the API.
Answers stream with bounded buffers; paths and headers go through untouched.
"""

import argparse
import asyncio
import contextlib
import errno
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import IO

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    UnixConnector,
    web,
)
from multidict import CIMultiDict
from yarl import URL

_READING = ("GET", "HEAD")
_CONTENT_PREFIX = "/pulp/content/"
_CHANNEL_PREFIXES = ("/api/packages/", "/t/")

_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
     "transfer-encoding", "upgrade", "expect"}
)  # fmt: skip
_OURS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""Headers that aiohttp's client would add by itself."""

_CHUNK_BYTES = 256 * 1024
_IN_MEMORY_BYTES = 1024 * 1024
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_LONGEST_HEADER = 64 * 1024


def is_for_content_app(method: str, path: str) -> bool:
    """Tell whether a request is for the content app; all others are for the API."""
    return path.startswith(_CONTENT_PREFIX) or (
        method in _READING and path.startswith(_CHANNEL_PREFIXES)
    )


class Proxy:
    """Passes requests on to the API's or the content app's socket."""

    def __init__(self, api: Path, content: Path) -> None:
        self._sockets = {"api": api, "content": content}
        self._sessions: dict[str, ClientSession] = {}

    async def sessions(self, _: web.Application) -> AsyncIterator[None]:
        """Hold the connections to both processes while the application runs."""
        async with contextlib.AsyncExitStack() as stack:
            for name, path in self._sockets.items():
                self._sessions[name] = await stack.enter_async_context(
                    ClientSession(
                        connector=UnixConnector(str(path), limit=0),
                        auto_decompress=False,
                        # One user's session cookie must never go out with another's request.
                        cookie_jar=DummyCookieJar(),
                        read_bufsize=_CHUNK_BYTES,
                        timeout=ClientTimeout(total=None, sock_connect=5),
                        skip_auto_headers=_OURS,
                        max_line_size=_LONGEST_HEADER,
                        max_field_size=_LONGEST_HEADER,
                    )
                )
            yield

    async def pass_on(self, request: web.Request) -> web.StreamResponse:
        """Send a request to its process and stream the answer back."""
        target = _target(request)
        name = "content" if is_for_content_app(request.method, target) else "api"
        try:
            async with (
                _received(request) as body,
                self._sessions[name].request(
                    request.method,
                    URL(f"http://{name}{target}", encoded=True),
                    headers=_forwarded(request),
                    data=body,
                    allow_redirects=False,
                ) as answer,
            ):
                return await _stream_back(request, answer)
        except ClientConnectorError:
            text = f"The server's {name} process is starting or was restarted; try again.\n"
            return web.Response(status=503, text=text, headers={"Retry-After": "5"})
        except ClientError as error:
            text = f"The server's {name} process broke off: {error}\n"
            return web.Response(status=502, text=text, headers={"Retry-After": "5"})
        except OSError as error:
            if error.errno not in _DISK_FULL:
                raise
            return web.Response(status=507, text="The server has no room for the request.\n")


@contextlib.asynccontextmanager
async def _received(request: web.Request) -> AsyncIterator[AsyncIterator[bytes] | None]:
    """Take a request's body to its end and yield it, None where there is none.

    Larger ones wait in a file of the working directory.
    """
    if not request.body_exists:
        yield None
        return
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES, dir=".") as body:
        size = 0
        async for chunk in request.content.iter_any():
            size += len(chunk)
            if size > _IN_MEMORY_BYTES:
                await asyncio.to_thread(body.write, chunk)
            else:
                body.write(chunk)
        body.seek(0)
        yield _chunks(body)


async def _chunks(body: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(body.read, _CHUNK_BYTES):
        yield chunk


async def _stream_back(request: web.Request, answer: ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, reason=answer.reason)
    response.headers.extend(_end_to_end(answer.headers))
    await response.prepare(request)
    try:
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    except ClientError:
        # The status is out already: only a broken connection can say that the body is not whole.
        if request.transport is not None:
            request.transport.abort()
    return response


def _target(request: web.Request) -> str:
    """Return path and query exactly as the client wrote them."""
    target = request.raw_path
    # Clients that take us for a forward proxy send the whole URL.
    return target if target.startswith("/") else URL(target, encoded=True).raw_path_qs


def _end_to_end(headers: Mapping[str, str]) -> CIMultiDict[str]:
    named = {name.strip().lower() for name in headers.get("Connection", "").split(",")}
    return CIMultiDict(
        (name, value)
        for name, value in headers.items()
        if name.lower() not in _HOP_BY_HOP and name.lower() not in named
    )


def _forwarded(request: web.Request) -> CIMultiDict[str]:
    headers = _end_to_end(request.headers)
    before = request.headers.getall("X-Forwarded-For", [])
    headers["X-Forwarded-For"] = ", ".join((*before, request.remote or "unknown"))
    headers["X-Forwarded-Proto"] = request.scheme
    headers["X-Forwarded-Host"] = request.host
    return headers


def runner(proxy: Proxy) -> web.AppRunner:
    """Return what serves the proxy, on whatever site is given to it."""
    app = web.Application()
    app.cleanup_ctx.append(proxy.sessions)
    app.router.add_route("*", "/{path:(?s:.*)}", proxy.pass_on)  # newlines too
    return web.AppRunner(
        app,
        access_log=None,
        # A client that goes away is waited for by nobody.
        handler_cancellation=True,
        auto_decompress=False,
        read_bufsize=_CHUNK_BYTES,
        max_line_size=_LONGEST_HEADER,
        max_field_size=_LONGEST_HEADER,
        shutdown_timeout=1,
    )


async def _serve(listener: socket.socket, proxy: Proxy) -> None:
    serving = runner(proxy)
    await serving.setup()
    await web.SockSite(serving, listener).start()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    await serving.cleanup()


def main() -> None:
    """Serve on a listening socket that the parent process opened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="the listening socket")
    parser.add_argument("--api", type=Path, required=True, help="socket of the API")
    parser.add_argument("--content", type=Path, required=True, help="socket of the content app")
    options = parser.parse_args()
    with socket.socket(fileno=options.fd) as listener:
        asyncio.run(_serve(listener, Proxy(options.api, options.content)))


if __name__ == "__main__":
    main()
