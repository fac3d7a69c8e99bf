"""A proxy in front of a server that records a client's requests, and may hide files."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import requests

_NOT_FORWARDED = frozenset({"host", "connection"})
_NOT_RETURNED = frozenset({"connection", "transfer-encoding", "content-encoding", "server", "date"})


class Recorder:
    """Forwards GET and HEAD to `origin`; answers 404 for paths for which `hidden` is true."""

    def __init__(self, origin: str, hidden: Callable[[str], bool] = lambda path: False) -> None:
        self.seen: list[tuple[str, str, int]] = []
        """Method, file name and status of every request."""
        recorder = self

        class _Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                recorder._forward(self, origin, hidden)

            def do_HEAD(self) -> None:
                recorder._forward(self, origin, hidden)

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fetched(self, suffix: str = "") -> set[str]:
        """Return the names of the files that were got, by the ending of their names."""
        return {
            name
            for method, name, status in self.seen
            if method == "GET" and status == 200 and name.endswith(suffix)
        }

    def _forward(
        self, request: BaseHTTPRequestHandler, origin: str, hidden: Callable[[str], bool]
    ) -> None:
        if hidden(request.path):
            status, headers, body = 404, {}, b""
        else:
            sent = {k: v for k, v in request.headers.items() if k.lower() not in _NOT_FORWARDED}
            url = origin + request.path
            answer = requests.request(request.command, url, headers=sent, timeout=30)
            status, body = answer.status_code, answer.content
            headers = {k: v for k, v in answer.headers.items() if k.lower() not in _NOT_RETURNED}
        self.seen.append((request.command, request.path.rpartition("/")[2], status))
        request.send_response(status)
        for name, value in headers.items():
            if name.lower() != "content-length" or request.command == "HEAD":
                request.send_header(name, value)
        if request.command != "HEAD":
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
