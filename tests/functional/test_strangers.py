"""Anonymous clients on the network can do little harm to a server."""

import contextlib
import hashlib
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import bearer, new_account
from tests.functional.harness import PASSWORD, Rest, RunningServer

_ADMIN = ("admin", PASSWORD)
_LARGE = 9 * 1024**2  # more than is received of an unchecked body
_PATHS = {
    "registry": ("PUT", "/api/packages/{owner}/conda/x.conda"),
    "Pulp's": ("POST", "/pulp/api/v3/artifacts/"),
}


def connect(server: RunningServer, to: str = "proxy") -> socket.socket:
    """Open a connection to a server's proxy, or to a socket behind it."""
    if to == "proxy":
        where = urlsplit(server.origin)
        return socket.create_connection((where.hostname, where.port), timeout=30)
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(30)
    client.connect(str(server.sockets() / f"{to}.sock"))
    return client


def stored(server: RunningServer) -> int:
    """Return the size of a server's working directory in bytes, with unnamed files."""
    size = 0
    for link in Path(f"/proc/{server.pids()['proxy']}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if link.readlink().is_relative_to(server.home / "tmp"):
                size += link.stat().st_size
    return size


@pytest.mark.parametrize("url", _PATHS)
@pytest.mark.parametrize(
    "header", [f"Content-Length: {900 * 10**9}", "Content-Length: 9\r\nExpect: 100-continue"]
)
def test_an_anonymous_client_is_refused_before_the_body(
    server: RunningServer, url: str, header: str
) -> None:
    method, path = _PATHS[url]
    with connect(server) as client:
        request = f"{method} {path.format(owner='acme')} HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n"
        client.sendall(request.encode())
        answer = client.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 401 ")
    assert re.search(r"(?i)\r\nwww-authenticate: basic", answer)
    assert stored(server) == 0


@pytest.mark.parametrize("url", _PATHS)
def test_an_anonymous_endless_body_is_refused(server: RunningServer, url: str) -> None:
    method, path = _PATHS[url]
    chunk = b"100000\r\n" + b"x" * 1024**2 + b"\r\n"
    with connect(server) as client:
        head = f"{method} {path.format(owner='acme')} HTTP/1.1\r\nHost: x\r\n"
        client.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(9):
            client.sendall(chunk)
        assert client.recv(65536).startswith(b"HTTP/1.1 401 ")
    assert stored(server) == 0


def test_large_bodies_of_permitted_clients_arrive(server: RunningServer, owner: str) -> None:
    body = os.urandom(_LARGE)
    files = {"file": ("x", body)}
    url = f"{server.origin}/pulp/api/v3/artifacts/"
    made = requests.post(url, files=files, auth=_ADMIN, timeout=60)
    assert made.status_code == 201, made.text
    assert made.json()["sha256"] == hashlib.sha256(body).hexdigest()
    package = PackageBuilder("large").payload(_LARGE).conda()
    for sent in (package, iter([package])):
        status = server.put(f"{server.channel(owner)}/x.conda", sent).status_code
        assert status in (201, 409)
    served = requests.get(f"{server.channel(owner)}/noarch/large-1.0-0.conda", timeout=60)
    assert served.content == package
    unit = Rest(server).upload(PackageBuilder("larger").payload(_LARGE).conda())
    assert unit["name"] == "larger"
    stranger = bearer(new_account(server).token(scopes=["write"]))
    answer = server.put(f"{server.channel(owner)}/x.conda", package, auth=None, headers=stranger)
    assert answer.status_code == 403
    assert set(answer.json()) == {"reason", "message"}


@pytest.fixture
def half_open(server: RunningServer) -> Iterator[list[socket.socket]]:
    """More connections than most processes may open files; none sends a request."""
    clients = []
    for number in range(1100):
        client = connect(server)
        if number % 2:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nA")
        clients.append(client)
    yield clients
    for client in clients:
        client.close()


def test_half_open_connections_stop_nobody(
    server: RunningServer, owner: str, half_open: list[socket.socket]
) -> None:
    limits = Path(f"/proc/{server.pids()['proxy']}/limits").read_text()
    assert re.search(r"Max open files +(\d+) +\1 ", limits), "the limit is not the system's maximum"
    began = time.monotonic()
    body = PackageBuilder().conda()
    assert server.put(f"{server.channel(owner)}/x.conda", body).status_code == 201
    url = f"{server.channel(owner)}/noarch/demo-1.0-0.conda"
    assert requests.get(url, timeout=30).content == body
    assert time.monotonic() - began < 30


_RUBBISH = [
    b"GET / HTTP/1.1\r\nHost\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /\xff\xfe\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 100_000 + b"\r\n\r\n",
    b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"PUT /api/packages/a/conda/x.conda HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"PUT /api/packages/a/conda/x.conda HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
    b"Content-Length: 2\r\n\r\n",
    b"PUT /api/packages/a/conda/x.conda HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"zz\r\n",
    b"GET /pulp/api/v3/status/ HTTP/1.1\r\nHost: a b\r\n\r\n",
    b"GET /pulp/api/v3/status/ HTTP/1.1\r\nHost: [::1\r\n\r\n",
    b"GET /pulp/api/v3/status/ HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: \xff\r\n\r\n",
    b"GET /pulp/api/v3/%00%ff HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/packages/a/conda/%00 HTTP/1.1\r\nHost: a b\r\n\r\n",
    b"GET /api/v1/packages/a HTTP/1.1\r\nHost: a b\r\nAuthorization: Basic \xff\r\n\r\n",
    b"GET /api/v1/packages/a/conda/%zz HTTP/1.1\r\nHost: \xff\r\n\r\n",
    b"GET /api/packages/a/conda/noarch/x HTTP/1.1\r\nHost: x\r\nRange: bytes=z\r\n"
    b"If-Range: \xff\r\n\r\n",
    b"GET /api/packages/a/conda/noarch/x HTTP/1.1\r\nHost: x\r\nX-A: \xff\r\n"
    b"Authorization: token pct-" + b"0" * 48 + b"\r\n\r\n",
    b"GET /pulp/content/a/x HTTP/1.1\r\nHost: x\r\nCookie: \xff\r\n\r\n",
    b"FOO / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET x://[ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://x:99999/ HTTP/1.1\r\nHost: x\r\n\r\n",
]


@pytest.mark.parametrize("to", ["proxy", "api", "content"])
def test_a_malformed_request_costs_a_line_and_no_traceback(server: RunningServer, to: str) -> None:
    logs = {path: path.stat().st_size for path in (server.home / "logs").glob("*.log")}
    for rubbish in _RUBBISH:
        with connect(server, to) as client:
            client.sendall(rubbish)
            client.settimeout(5)
            answer = client.recv(65536)
        assert not re.match(rb"HTTP/1.1 50[02] ", answer), rubbish[:80]
    for path, size in logs.items():
        with path.open("rb") as log:
            log.seek(size)
            assert b"Traceback" not in log.read(), path.name
