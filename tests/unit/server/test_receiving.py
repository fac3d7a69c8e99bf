"""Bodies are received within limits, and only if the API allows them."""

import asyncio
import contextlib
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pulp_conda.server import receiving
from tests.unit.server.proxied import Streams, through_proxy

_UPLOAD = "/api/packages/acme/conda/x.conda"
_MEGABYTE = 1024**2
_LARGE = 9 * _MEGABYTE
_ALLOWED = (
    b"HTTP/1.1 204 No Content\r\nX-Upload-Limit: 10485760\r\nX-Disk-Reserve: 0\r\n"
    b"Connection: close\r\n\r\n"
)


def refusal(status: int, header: str = "X-Words: words") -> bytes:
    """Return the API's refusal."""
    lines = (f"HTTP/1.1 {status} No", header, "Content-Length: 2", "Connection: close", "", "no")
    return "\r\n".join(lines).encode()


@dataclass
class Api:
    """Answers checks as configured, and accepts all other requests."""

    check: bytes = _ALLOWED
    heads: list[str] = field(default_factory=list)
    bodies: list[int] = field(default_factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        with contextlib.suppress(asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            if "x-upload-check" in head.lower():
                writer.write(self.check)
            else:
                length = re.search(r"(?i)content-length: (\d+)", head)
                body = (
                    await reader.readexactly(int(length[1]))
                    if length
                    else await reader.readuntil(b"0\r\n\r\n")
                )
                self.bodies.append(len(body))
                writer.write(
                    b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
        writer.close()


def head_of(target: str, *headers: str, method: str = "PUT") -> bytes:
    """Return the head of a request."""
    return "\r\n".join((f"{method} {target} HTTP/1.1", "Host: h", *headers, "", "")).encode()


def send(folder: Path, api: Api, *pieces: bytes) -> bytes:
    """Send the pieces of a request as far as it is received; return all that comes back."""
    back = b""

    async def client(streams: Streams) -> None:
        nonlocal back
        reader, writer = streams
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.02)  # so that the next piece comes by itself
        with contextlib.suppress(ConnectionError):
            back = await reader.readuntil(b"\r\n\r\n")
            if b" 100 " in back:
                back += await reader.readuntil(b"\r\n\r\n")
            if length := re.search(rb"(?i)content-length: (\d+)", back):
                back += await reader.readexactly(int(length[1]))

    through_proxy(folder, api, client)
    assert not [path for path in folder.iterdir() if path.name != "s"], "nothing is left"
    return back


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where bodies wait."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 503, 507])
@pytest.mark.parametrize(
    "headers", [(f"Content-Length: {_LARGE}",), ("Content-Length: 4", "Expect: 100-continue")]
)
def test_the_apis_refusal_comes_before_the_body(
    folder: Path, status: int, headers: tuple[str, ...]
) -> None:
    api = Api(refusal(status, "WWW-Authenticate: Basic"))
    back = send(folder, api, head_of(f"{_UPLOAD}?a=%2f", *headers, "Authorization: x"))
    assert back.startswith(f"HTTP/1.1 {status} ".encode())
    assert back.endswith(b"\r\n\r\nno")
    assert b"WWW-Authenticate: Basic" in back
    assert b"Connection: close" in back
    (check,) = api.heads
    assert check.startswith(f"PUT {_UPLOAD}?a=%2f HTTP/1.1\r\n")
    assert f"X-Upload-Check: bytes={headers[0].split()[1]}\r\n" in check
    assert "Authorization: x" in check


@pytest.mark.parametrize(
    ("method", "target", "asked"),
    [
        ("PUT", "/t/pct-1/api/packages/acme/conda/x.conda", None),
        ("POST", "/api/channels/acme/dev/upload/x.conda", None),
        ("POST", "/api/v1/upload/acme", None),
        ("POST", "/api/anaconda/staged/acme/x", None),
        ("POST", "/pulp/api/v3/artifacts/", "GET /api/conda/upload_check"),
        ("PUT", "/pulp/api/v3/uploads/1/", "GET /api/conda/upload_check"),
        ("POST", "/%61pi/packages/acme", "GET /api/conda/upload_check"),
    ],
)
def test_the_url_of_the_check_depends_on_the_target(
    folder: Path, method: str, target: str, asked: str | None
) -> None:
    api, length = Api(), f"Content-Length: {_LARGE}"
    back = send(folder, api, head_of(target, length, method=method), b"x" * _LARGE)
    assert back.startswith(b"HTTP/1.1 201")
    check, upload = api.heads
    assert check.startswith(f"{asked or f'{method} {target}'} HTTP/1.1\r\n")
    assert upload.startswith(f"{method} {target} HTTP/1.1\r\n")
    assert api.bodies == [_LARGE]


def test_a_small_body_is_not_checked_first(folder: Path) -> None:
    api, length = Api(refusal(403)), f"Content-Length: {_MEGABYTE}"
    assert send(folder, api, head_of(_UPLOAD, length), b"x" * _MEGABYTE).startswith(b"HTTP/1.1 201")
    assert (len(api.heads), api.bodies) == (1, [_MEGABYTE])


def test_small_bodies_together_take_a_bounded_amount_of_memory_unchecked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "_ALL_UNCHECKED_BYTES", _MEGABYTE)
    api = Api(refusal(401))

    async def client(streams: Streams) -> None:
        writer = streams[1]
        host, port = writer.get_extra_info("peername")
        writer.write(head_of(_UPLOAD, f"Content-Length: {_MEGABYTE}") + b"x" * 1000)
        await writer.drain()
        await asyncio.sleep(0.1)
        for size, status in ((_MEGABYTE, b"401"), (200_000, b"201")):
            reader, other = await asyncio.open_connection(host, port)
            other.write(head_of(_UPLOAD, f"Content-Length: {size}") + b"x" * size)
            assert (await reader.readuntil(b"\r\n\r\n")).split()[1] == status
            other.close()
        writer.write(b"x" * (_MEGABYTE - 1000))
        assert (await streams[0].readuntil(b"\r\n\r\n")).split()[1] == b"201"
        writer.write(head_of(_UPLOAD, f"Content-Length: {_MEGABYTE}") + b"x" * _MEGABYTE)
        assert (await streams[0].readuntil(b"\r\n\r\n")).split()[1] == b"201"

    through_proxy(folder, api, client)
    assert api.bodies == [200_000, _MEGABYTE, _MEGABYTE]


def endless(megabytes: int) -> list[bytes]:
    """Return a chunked body that does not end."""
    return [b"100000\r\n" + b"x" * _MEGABYTE + b"\r\n"] * megabytes


@pytest.mark.parametrize(
    ("target", "check", "status"),
    [
        (_UPLOAD, _ALLOWED, 413),
        (_UPLOAD, refusal(401), 401),
        ("/pulp/api/v3/artifacts/", refusal(401), 401),
        ("/api/oidc/mint_token", refusal(500), 413),
        ("/pulp/content/acme/", refusal(500), 413),
    ],
)
def test_a_body_of_unknown_length_is_limited_too(
    folder: Path, target: str, check: bytes, status: int
) -> None:
    api = Api(check)
    head = head_of(target, "Transfer-Encoding: chunked", method="POST")
    back = send(folder, api, head, *endless(12))
    assert back.startswith(f"HTTP/1.1 {status} ".encode())
    assert not api.bodies
    assert all("X-Upload-Check: bytes=\r\n" in head for head in api.heads)


@pytest.mark.parametrize(
    ("target", "size"),
    [
        ("/api/oidc/mint_token", 5 * _MEGABYTE),
        ("/api/anaconda/stage/acme/x/1/noarch/x.conda", 900 * 10**9),
        ("/pulp/content/acme/", _MEGABYTE),
        (_UPLOAD, 11 * _MEGABYTE),
    ],
)
def test_a_declared_length_is_limited(folder: Path, target: str, size: int) -> None:
    api = Api()
    back = send(folder, api, head_of(target, f"Content-Length: {size}", method="POST"))
    assert back.startswith(b"HTTP/1.1 413 ")
    assert b'"reason": "Request Entity Too Large"' in back
    assert not api.bodies


def test_100_continue_is_sent_when_the_api_agrees(folder: Path) -> None:
    api = Api()
    head = head_of(_UPLOAD, "Expect: 100-continue", "Content-Length: 4")
    back = send(folder, api, head, b"body")
    assert back.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201")
    assert len(api.heads) == 2
    assert all("Expect" not in head for head in api.heads)
    assert api.bodies == [4]


def test_a_body_that_stops_coming_ends(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "_IDLE_SECONDS", 0.2)
    api = Api()
    back = send(folder, api, head_of(_UPLOAD, "Content-Length: 9999"), b"PK")
    assert back.startswith(b"HTTP/1.1 408 ")
    assert not api.heads


def test_room_is_kept_free_on_the_disk(folder: Path) -> None:
    api = Api(_ALLOWED.replace(b"Reserve: 0", b"Reserve: %d" % 2**60))
    head = head_of(_UPLOAD, f"Content-Length: {_LARGE}")
    back = send(folder, api, head, b"x" * _LARGE)
    assert back.startswith(b"HTTP/1.1 507 ")
    assert b'"reason": "Insufficient Storage"' in back
    assert not api.bodies


def test_a_body_that_cannot_be_read_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "_IDLE_SECONDS", 0.2)
    api = Api()
    head = head_of(_UPLOAD, "Transfer-Encoding: chunked")
    back = send(folder, api, head, b"5\r\nabcde\r\n", b"zz\r\n")
    assert back.split()[1] in (b"400", b"408"), "aiohttp may not tell of what follows the head"
    assert not api.heads
