"""One origin for Pulp's two web processes: what nginx does in production.

Bodies stream both ways with bounded buffers; paths and headers go through untouched.
"""

import argparse
import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout, UnixConnector, web
from multidict import CIMultiDict
from yarl import URL

_READING = ("GET", "HEAD")
_CONTENT_PREFIX = "/pulp/content/"
_REGISTRY_PREFIX = "/api/packages/"

_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
     "transfer-encoding", "upgrade", "expect"}
)  # fmt: skip
_OURS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""Headers that aiohttp's client would add by itself."""

_CHUNK_BYTES = 256 * 1024


def is_for_content_app(method: str, path: str) -> bool:
    """Tell whether a request is for the content app; all others are for the API."""
    return path.startswith(_CONTENT_PREFIX) or (
        method in _READING and path.startswith(_REGISTRY_PREFIX)
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
                        timeout=ClientTimeout(total=None, sock_connect=5),
                        skip_auto_headers=_OURS,
                    )
                )
            yield

    async def pass_on(self, request: web.Request) -> web.StreamResponse:
        """Send a request to its process and stream the answer back."""
        name = "content" if is_for_content_app(request.method, request.path) else "api"
        try:
            async with self._sessions[name].request(
                request.method,
                URL(f"http://{name}{request.raw_path}", encoded=True),
                headers=_forwarded(request),
                data=request.content.iter_chunked(_CHUNK_BYTES) if request.body_exists else None,
                allow_redirects=False,
            ) as answer:
                response = web.StreamResponse(status=answer.status, reason=answer.reason)
                response.headers.extend(_end_to_end(answer.headers))
                await response.prepare(request)
                async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
                    await response.write(chunk)
                await response.write_eof()
                return response
        except ClientError as error:
            if request.transport is None:
                raise
            text = f"the server's {name} process did not answer: {error}\n"
            return web.Response(status=502, text=text, headers={"Retry-After": "5"})


def _end_to_end(headers: Mapping[str, str]) -> CIMultiDict[str]:
    return CIMultiDict((k, v) for k, v in headers.items() if k.lower() not in _HOP_BY_HOP)


def _forwarded(request: web.Request) -> CIMultiDict[str]:
    headers = _end_to_end(request.headers)
    headers["X-Forwarded-For"] = request.remote or ""
    headers["X-Forwarded-Proto"] = request.scheme
    headers["X-Forwarded-Host"] = request.host
    return headers


async def _serve(listener: socket.socket, proxy: Proxy) -> None:
    app = web.Application(client_max_size=0)
    app.cleanup_ctx.append(proxy.sessions)
    app.router.add_route("*", "/{path:.*}", proxy.pass_on)
    # A client that goes away in mid-upload must end the request behind, which then is truncated.
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, max_field_size=65536)
    await runner.setup()
    await web.SockSite(runner, listener, shutdown_timeout=1).start()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    await runner.cleanup()


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
