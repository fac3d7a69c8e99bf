"""The reverse proxy that puts Pulp's two web apps under one origin, as nginx does in production.

It receives the whole body of a request before it passes the request on, so that a slow client
occupies no process of the API. Answers are streamed through bounded buffers. Paths and headers
are passed on unchanged.
"""

import argparse
import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import Mapping
from functools import partial
from pathlib import Path

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

from pulp_conda.malformed import log_malformed_in_one_line

from .connections import BoundedServer, Bounds
from .failures import failure
from .receiving import Allowance, Receiver, Refused, allowance_of, is_upload

_READING = ("GET", "HEAD")
_CONTENT_PREFIX = "/pulp/content/"
_CHANNEL_LIST = "/"
_CHANNEL_PREFIXES = ("/api/packages/", "/t/")

_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
     "transfer-encoding", "upgrade", "expect"}
)  # fmt: skip
_AUTO_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""Headers that aiohttp's client would add by itself."""

_UPLOAD_CHECK = "X-Upload-Check"
_UPLOAD_CHECK_PATH = "/api/conda/upload_check"

_CHUNK_BYTES = 256 * 1024
_READ_AHEAD_BYTES = {"api": 8 * 1024 * 1024, "content": _CHUNK_BYTES}
"""How much of an answer is read before the client reads it. A large value frees a process of the
API early."""
_STALLED_SECONDS = 300.0
_BUFFERED_BYTES = 64 * 1024
"""How much can be written to a connection before the write waits for the client."""
_RETRY_AFTER_SECONDS = 5
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_LONGEST_HEADER = 8190  # the limit of Pulp's own processes
_LONGEST_HEADER_OF_ANSWERS = 64 * 1024


def is_for_content_app(method: str, path: str) -> bool:
    """Tell whether a request is for the content app; other requests are for the API."""
    if path.startswith(_CONTENT_PREFIX):
        return True
    is_channels = path.partition("?")[0] == _CHANNEL_LIST or path.startswith(_CHANNEL_PREFIXES)
    return method in _READING and is_channels


class Proxy:
    """Passes requests on to the sockets of the API and the content app; a context manager."""

    def __init__(self, api: Path, content: Path) -> None:
        self._sockets = {"api": api, "content": content}
        self._sessions: dict[str, ClientSession] = {}
        self._receiver = Receiver()
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> "Proxy":
        for name, path in self._sockets.items():
            self._sessions[name] = await self._stack.enter_async_context(
                ClientSession(
                    connector=UnixConnector(str(path), limit=0),
                    auto_decompress=False,
                    # The session cookie of a user must never be sent with another user's request.
                    cookie_jar=DummyCookieJar(),
                    read_bufsize=_READ_AHEAD_BYTES[name],
                    timeout=ClientTimeout(total=None, sock_connect=5),
                    skip_auto_headers=_AUTO_HEADERS,
                    max_line_size=_LONGEST_HEADER_OF_ANSWERS,
                    max_field_size=_LONGEST_HEADER_OF_ANSWERS,
                )
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def pass_on(self, request: web.BaseRequest) -> web.StreamResponse:
        """Send a request to its process and stream the answer back."""
        target = _target(request)
        for_content_app = is_for_content_app(request.method, target)
        name = "content" if for_content_app else "api"
        allowance = allowance_of(request.method, target, for_content_app=for_content_app)
        ask = partial(self._ask_for_allowance, request, target)
        try:
            async with (
                self._receiver.received(request, allowance, ask) as body,
                self._sessions[name].request(
                    request.method,
                    URL(f"http://{name}{target}", encoded=True),
                    headers=_forwarded(request),
                    data=body,
                    allow_redirects=False,
                ) as answer,
            ):
                return await _stream_back(request, answer)
        except Refused as refused:
            return refused.response
        except ClientConnectorError:
            message = f"the server's {name} process is starting or was restarted; try again"
            return failure(503, message, retry_after=_RETRY_AFTER_SECONDS)
        except ClientError as error:
            message = f"the server's {name} process broke off: {error}"
            return failure(502, message, retry_after=_RETRY_AFTER_SECONDS)
        except OSError as error:
            if error.errno not in _DISK_FULL:
                raise
            return failure(507, "the server has no room for the request", close=True)

    async def _ask_for_allowance(self, request: web.BaseRequest, target: str) -> Allowance:
        """Ask the API for the limits of a request's body.

        Raises:
            Refused: the body is refused, with the API's answer.
        """
        method, path = "GET", _UPLOAD_CHECK_PATH
        if is_upload(request.method, target):
            method, path = request.method, target
        headers = _forwarded(request)
        length = headers.pop("Content-Length", "")
        headers[_UPLOAD_CHECK] = f"bytes={length}"
        url = URL(f"http://api{path}", encoded=True)
        async with self._sessions["api"].request(
            method, url, headers=headers, allow_redirects=False
        ) as answer:
            if answer.status != 204:
                kept = _end_to_end(answer.headers)
                kept.pop("Content-Length", None)
                raise Refused(
                    web.Response(status=answer.status, body=await answer.read(), headers=kept)
                )
            limits = answer.headers
            return Allowance(int(limits["X-Upload-Limit"]), int(limits["X-Disk-Reserve"]))


async def _stream_back(request: web.BaseRequest, answer: ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, reason=answer.reason)
    response.headers.extend(_end_to_end(answer.headers))
    await response.prepare(request)
    size = 0
    try:
        async for chunk in answer.content.iter_any():
            size += len(chunk)
            if size <= _BUFFERED_BYTES:  # this never waits, so it needs no timer, which is slow
                await response.write(chunk)
                continue
            async with asyncio.timeout(_STALLED_SECONDS):
                await response.write(chunk)
        await response.write_eof()
    except (ClientError, TimeoutError):
        # After the status, only a broken connection shows that the body is incomplete.
        if request.transport is not None:
            request.transport.abort()
    return response


def _target(request: web.BaseRequest) -> str:
    """Return the path and query exactly as the client sent them."""
    target = request.raw_path
    # A client that uses us as a forward proxy sends the whole URL.
    return target if target.startswith("/") else URL(target, encoded=True).raw_path_qs


def _end_to_end(headers: Mapping[str, str]) -> CIMultiDict[str]:
    named = {name.strip().lower() for name in headers.get("Connection", "").split(",")}
    return CIMultiDict(
        (name, value)
        for name, value in headers.items()
        if name.lower() not in _HOP_BY_HOP and name.lower() not in named
    )


def _forwarded(request: web.BaseRequest) -> CIMultiDict[str]:
    headers = _end_to_end(request.headers)
    before = request.headers.getall("X-Forwarded-For", [])
    headers["X-Forwarded-For"] = ", ".join((*before, request.remote or "unknown"))
    headers["X-Forwarded-Proto"] = request.scheme
    headers["X-Forwarded-Host"] = request.host
    return headers


def runner(proxy: Proxy, bounds: Bounds) -> web.ServerRunner:
    """Return an aiohttp runner for the proxy; call it in a running event loop."""
    server = BoundedServer(
        proxy.pass_on,
        bounds,
        access_log=None,
        # Stop working on a request when its client has gone.
        handler_cancellation=True,
        auto_decompress=False,
        read_bufsize=_CHUNK_BYTES,
        max_line_size=_LONGEST_HEADER,
        max_field_size=_LONGEST_HEADER,
    )
    return web.ServerRunner(server, shutdown_timeout=1)


async def _serve(listener: socket.socket, proxy: Proxy, bounds: Bounds) -> None:
    async with proxy:
        serving = runner(proxy, bounds)
        await serving.setup()
        await web.SockSite(serving, listener).start()
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        await stopped.wait()
        await serving.cleanup()


def main() -> None:
    """Serve on a listening socket that the parent process has opened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="the listening socket")
    parser.add_argument("--api", type=Path, required=True, help="socket of the API")
    parser.add_argument("--content", type=Path, required=True, help="socket of the content app")
    parser.add_argument("--per-address", type=int, default=0, help="requests of an address at once")
    options = parser.parse_args()
    log_malformed_in_one_line(["aiohttp.server"])
    with socket.socket(fileno=options.fd) as listener:
        asyncio.run(
            _serve(listener, Proxy(options.api, options.content), Bounds(options.per_address))
        )


if __name__ == "__main__":
    main()
