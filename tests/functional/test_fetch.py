"""Packages that the server fetches from a URL: for whom, from where, and how much."""

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.builders import PackageBuilder
from tests.functional.accounts import new_account
from tests.functional.harness import ONE_OF_EACH, Rest, RunningServer
from tests.functional.homes import Homes

_LARGEST = 200_000
_PACKAGE = PackageBuilder("fetched").conda()
_PATH = "content/conda/packages/"


class _Site(BaseHTTPRequestHandler):
    """A site with a package, and with files that must not be fetched."""

    protocol_version = "HTTP/1.1"
    private: str
    seen: list[dict[str, str]]

    def do_GET(self) -> None:
        self.seen.append(dict(self.headers.items()))
        if self.path == "/package":
            self._answer(200, _PACKAGE, length=len(_PACKAGE))
        elif self.path == "/moved":
            self._answer(302, to="/package")
        elif self.path == "/astray":
            self._answer(302, to=f"http://{self.private}/package")
        elif self.path == "/round":
            self._answer(302, to="/round")
        elif self.path == "/declared":
            self._answer(200, length=_LARGEST + 1)
        elif self.path == "/endless":
            self._answer(200, length=None)
            while self._sent(b"10000\r\n" + bytes(0x10000) + b"\r\n"):
                pass
        else:
            self._answer(404)

    def _answer(
        self, status: int, body: bytes = b"", *, length: int | None = 0, to: str | None = None
    ) -> None:
        self.send_response(status)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        if to:
            self.send_header("Location", to)
        self.end_headers()
        self.wfile.write(body)

    def _sent(self, chunk: bytes) -> bool:
        try:
            self.wfile.write(chunk)
        except OSError:
            self.close_connection = True
            return False
        return True

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def private() -> Iterator[socket.socket]:
    """A listener at an address that is neither public nor allowed."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.2", 0))
        listener.listen()
        listener.setblocking(False)
        yield listener


@pytest.fixture(scope="module")
def site(private: socket.socket) -> Iterator[ThreadingHTTPServer]:
    _Site.private = "{}:{}".format(*private.getsockname())
    _Site.seen = []
    serving = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    Thread(target=serving.serve_forever, daemon=True).start()
    yield serving
    serving.shutdown()
    serving.server_close()


@pytest.fixture(scope="module")
def fetching(homes: Homes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that may fetch from 127.0.0.1 and from no other private address."""
    settings = f"CONDA_FILE_URL_NETWORKS = ['127.0.0.1/32']\nCONDA_MAX_PACKAGE_BYTES = {_LARGEST}\n"
    home = homes.make(tmp_path_factory.mktemp("fetching") / "home", settings)
    running = RunningServer(home, arguments=ONE_OF_EACH).start()
    yield running
    running.stop()


def url(site: ThreadingHTTPServer, path: str, host: str = "127.0.0.1") -> str:
    return f"http://{host}:{site.server_address[1]}{path}"


@pytest.mark.parametrize("path", ["/package", "/moved"])
def test_a_package_is_fetched_from_a_url(
    fetching: RunningServer, site: ThreadingHTTPServer, path: str
) -> None:
    unit = Rest(fetching).create(_PATH, file_url=url(site, path))
    assert unit["name"] == "fetched"
    for headers in site.RequestHandlerClass.seen:  # type: ignore[attr-defined]
        assert {name.lower() for name in headers} == {
            "host", "accept", "accept-encoding", "user-agent",
        }  # fmt: skip


def test_all_failures_have_the_same_message(
    fetching: RunningServer, site: ThreadingHTTPServer, private: socket.socket
) -> None:
    with socket.socket() as closed, socket.socket() as mute:
        closed.bind(("127.0.0.1", 0))
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        Thread(target=lambda: mute.accept()[0].sendall(b"220 no web server\r\n")).start()
        urls = {
            "closed": f"http://127.0.0.1:{closed.getsockname()[1]}/",
            "no web server": f"http://127.0.0.1:{mute.getsockname()[1]}/",
            "missing": url(site, "/missing"),
            "no public address": f"http://{_Site.private}/package",
            "mapped": f"http://[::ffff:127.0.0.2]:{private.getsockname()[1]}/package",
            "redirected there": url(site, "/astray"),
            "redirected for ever": url(site, "/round"),
            "too large by its head": url(site, "/declared"),
            "endless": url(site, "/endless"),
            "no such host": "http://nowhere.invalid/x.conda",
        }
        rest = Rest(fetching)
        tasks = {
            name: rest.wait(rest.request("POST", _PATH, json={"file_url": each}), state="failed")
            for name, each in urls.items()
        }
    words = {name: task["error"]["description"] for name, task in tasks.items()}
    assert set(words.values()) == {"[CND0004] The file cannot be fetched from its URL."}, words
    with pytest.raises(BlockingIOError):
        private.accept()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"file_url": "ftp://127.0.0.1/x.conda"}, 400),
        ({"file_url": "file:///etc/passwd"}, 400),
        ({"file_url": "http:///x.conda"}, 400),
        ({"file_url": "http://user:password@127.0.0.1/x.conda"}, 400),
        ({"file_url": "http://[::1/x.conda"}, 400),
        ({"file_url": "x.conda"}, 400),
        ({"file_url": "http://a.example/x", "downloader_config": {"headers": [{"A": "b"}]}}, 400),
        ({"file_url": "http://a.example/x", "downloader_config": {"proxy_url": "http://b"}}, 400),
    ],
)
def test_only_valid_sources_of_a_package_are_accepted(
    fetching: RunningServer, body: dict[str, Any], status: int
) -> None:
    answer = Rest(fetching).request("POST", _PATH, json=body)
    assert answer.status_code == status, answer.text


def test_only_administrators_have_the_server_fetch(
    fetching: RunningServer, site: ThreadingHTTPServer
) -> None:
    answer = new_account(fetching).rest.request(
        "POST", _PATH, json={"file_url": url(site, "/package")}
    )
    assert answer.status_code == 403, answer.text
