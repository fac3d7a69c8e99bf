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

from pulp_conda.malformed import tell_in_one_line

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
_OURS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""Headers that aiohttp's client would add by itself."""

_UPLOAD_CHECK = "X-Upload-Check"
_UPLOAD_CHECK_PATH = "/api/conda/upload_check"

_CHUNK_BYTES = 256 * 1024
_READ_AHEAD_BYTES = {"api": 8 * 1024 * 1024, "content": _CHUNK_BYTES}
"""What is taken of an answer before the client takes it: it frees a process of the API."""
_STALLED_SECONDS = 300.0
_BUFFERED_BYTES = 64 * 1024
"""What a connection's buffer takes before writing to it waits for the client."""
_RETRY_AFTER_SECONDS = 5
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_LONGEST_HEADER = 8190  # Pulp's own processes take no longer ones
_LONGEST_HEADER_OF_ANSWERS = 64 * 1024


def is_for_content_app(method: str, path: str) -> bool:
    """Tell whether a request is for the content app; all others are for the API."""
    if path.startswith(_CONTENT_PREFIX):
        return True
    is_channels = path.partition("?")[0] == _CHANNEL_LIST or path.startswith(_CHANNEL_PREFIXES)
    return method in _READING and is_channels


class Proxy:
    """Passes requests on to the API's or the content app's socket, while it is entered."""

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
                    # One user's session cookie must never go out with another's request.
                    cookie_jar=DummyCookieJar(),
                    read_bufsize=_READ_AHEAD_BYTES[name],
                    timeout=ClientTimeout(total=None, sock_connect=5),
                    skip_auto_headers=_OURS,
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
        judge = partial(self._judge, request, target)
        try:
            async with (
                self._receiver.received(request, allowance, judge) as body,
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

    async def _judge(self, request: web.BaseRequest, target: str) -> Allowance:
        """Ask the API what a request's body may be.

        Raises:
            Refused: the body may not come; the API's own answer says why.
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
                told = _end_to_end(answer.headers)
                told.pop("Content-Length", None)
                raise Refused(
                    web.Response(status=answer.status, body=await answer.read(), headers=told)
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
            if size <= _BUFFERED_BYTES:  # this waits for nobody, and a timer costs its time
                await response.write(chunk)
                continue
            async with asyncio.timeout(_STALLED_SECONDS):
                await response.write(chunk)
        await response.write_eof()
    except (ClientError, TimeoutError):
        # The status is out already: only a broken connection can say that the body is not whole.
        if request.transport is not None:
            request.transport.abort()
    return response


def _target(request: web.BaseRequest) -> str:
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


def _forwarded(request: web.BaseRequest) -> CIMultiDict[str]:
    headers = _end_to_end(request.headers)
    before = request.headers.getall("X-Forwarded-For", [])
    headers["X-Forwarded-For"] = ", ".join((*before, request.remote or "unknown"))
    headers["X-Forwarded-Proto"] = request.scheme
    headers["X-Forwarded-Host"] = request.host
    return headers


def runner(proxy: Proxy, bounds: Bounds) -> web.ServerRunner:
    """Return what serves the proxy, on whatever site is given to it; to be called in a loop."""
    server = BoundedServer(
        proxy.pass_on,
        bounds,
        access_log=None,
        # A client that goes away is waited for by nobody.
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
    """Serve on a listening socket that the parent process opened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="the listening socket")
    parser.add_argument("--api", type=Path, required=True, help="socket of the API")
    parser.add_argument("--content", type=Path, required=True, help="socket of the content app")
    parser.add_argument("--per-address", type=int, default=0, help="requests of an address at once")
    options = parser.parse_args()
    tell_in_one_line(["aiohttp.server"])
    with socket.socket(fileno=options.fd) as listener:
        asyncio.run(
            _serve(listener, Proxy(options.api, options.content), Bounds(options.per_address))
        )


if __name__ == "__main__":
    main()
