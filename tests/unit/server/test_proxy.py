"""The proxy passes bytes on unchanged in both directions, and adds none."""

import asyncio
import gzip
import json
from pathlib import Path

import pytest

from pulp_conda.server.proxy import is_for_content_app
from tests.unit.server.proxied import OK, Streams, exchange, through_proxy


@pytest.mark.parametrize(
    ("method", "path", "content_app"),
    [
        ("GET", "/api/packages/acme/conda/noarch/repodata.json", True),
        ("HEAD", "/api/packages/acme/conda/noarch/repodata.json", True),
        ("PUT", "/api/packages/acme/conda/x-1-0.conda", False),
        ("DELETE", "/api/packages/acme/conda/x/1", False),
        ("GET", "/pulp/content/acme/main/", True),
        ("POST", "/pulp/content/acme/main/", True),
        ("GET", "/pulp/api/v3/status/", False),
        ("GET", "/api/packagesque/", False),
        ("GET", "/", True),
        ("GET", "/?q=dev", True),
        ("POST", "/", False),
    ],
)
def test_a_request_goes_to_the_process_that_serves_it(
    method: str, path: str, content_app: bool
) -> None:
    assert is_for_content_app(method, path) is content_app


@pytest.mark.parametrize(
    "target", ["/a/../b//c%2fd%2Fe?x=%zz&y=a+b", "//x/", "/%", "/a%20b/%c3%a4?", "/@x:1/~"]
)
def test_the_target_is_passed_on_as_written(tmp_path: Path, target: str) -> None:
    reached, _ = exchange(tmp_path, f"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n".encode(), OK)
    assert reached.split()[1].decode().rstrip("?") == target.rstrip("?")


def test_a_whole_url_as_target_counts_as_its_path(tmp_path: Path) -> None:
    reached, _ = exchange(tmp_path, b"GET http://h/a%2Fb?c HTTP/1.1\r\nHost: h\r\n\r\n", OK)
    assert reached.split()[1] == b"/a%2Fb?c"


def test_headers_reach_the_process_and_none_is_added_in_the_clients_name(tmp_path: Path) -> None:
    request = (
        b'GET / HTTP/1.1\r\nHost: conda.example:81\r\nRange: bytes=0-1\r\nIf-None-Match: "x"\r\n'
        b"X-Forwarded-For: 192.0.2.1\r\nConnection: x-private\r\nX-Private: 1\r\n\r\n"
    )
    reached, _ = exchange(tmp_path, request, OK)
    lines = sorted(line.lower() for line in reached.split(b"\r\n")[1:] if line)
    assert lines == [
        b"host: conda.example:81",
        b'if-none-match: "x"',
        b"range: bytes=0-1",
        b"x-forwarded-for: 192.0.2.1, 127.0.0.1",
        b"x-forwarded-host: conda.example:81",
        b"x-forwarded-proto: http",
    ]


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("GET", b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nDate: d\r\nServer: s\r\n\r\n'),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 77\r\nETag: x\r\n"
                 b"Date: d\r\nServer: s\r\n\r\n"),
        ("GET", b"HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\nContent-Type: a/b\r\n"
                b"Content-Range: bytes 0-1/9\r\nDate: d\r\nServer: s\r\n\r\nok"),
        ("GET", b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 1\r\n"
                b"Content-Type: a/b\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
                b"Date: d\r\nServer: s\r\n\r\nx"),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n"
                b"Content-Type: a/b\r\nDate: d\r\nServer: s\r\n\r\nabc"),
    ],
)  # fmt: skip
def test_an_answer_comes_back_unchanged(tmp_path: Path, method: str, answer: bytes) -> None:
    _, back = exchange(tmp_path, f"{method} / HTTP/1.1\r\nHost: h\r\n\r\n".encode(), answer)
    assert back.lower() == answer.lower()  # aiohttp spells the names of headers in its own way


def test_a_compressed_body_is_not_unpacked(tmp_path: Path) -> None:
    body = gzip.compress(b"x" * 1000)
    head = f"PUT / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}"
    reached, _ = exchange(tmp_path, head.encode() + b"\r\n\r\n" + body, OK)
    assert reached.endswith(b"\r\n\r\n" + body)


def test_a_chunked_body_stays_chunked(tmp_path: Path) -> None:
    request = (
        b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    )
    reached, _ = exchange(tmp_path, request, OK)
    assert b"\r\ntransfer-encoding: chunked\r\n" in reached.lower()
    assert b"content-length" not in reached.lower()
    assert b"5\r\nhello\r\n" in reached


def test_a_session_cookie_goes_to_nobody_else(tmp_path: Path) -> None:
    reached: list[bytes] = []

    async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: sessionid=secret; Path=/\r\n\r\n"))
        writer.close()

    async def client(streams: Streams) -> None:
        reader, writer = streams
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            await reader.readuntil(b"\r\n\r\nok")

    through_proxy(tmp_path, upstream, client)
    assert len(reached) == 2
    assert b"secret" not in reached[1]


def test_a_body_that_breaks_off_breaks_off_for_the_client_too(tmp_path: Path) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Type: a/b\r\n\r\nonly this"
    received = b""

    async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        await asyncio.sleep(0.3)
        writer.close()

    async def client(streams: Streams) -> None:
        nonlocal received
        reader, writer = streams
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        try:
            while piece := await reader.read(1 << 16):
                received += piece
        except ConnectionResetError:
            pass

    through_proxy(tmp_path, upstream, client)
    assert received == b"only this"


def test_a_slow_client_holds_no_process(tmp_path: Path) -> None:
    reached: list[bytes] = []

    async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(await reader.readuntil(b"end"))
        writer.write(OK)
        writer.close()

    async def client(streams: Streams) -> None:
        reader, writer = streams
        writer.write(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nthe")
        await writer.drain()
        await asyncio.sleep(0.3)
        assert not reached
        writer.write(b"end")
        await reader.readuntil(b"\r\n\r\nok")

    through_proxy(tmp_path, upstream, client)
    assert reached[0].endswith(b"\r\n\r\ntheend")


def test_a_request_of_a_client_that_leaves_is_not_passed_on(tmp_path: Path) -> None:
    reached = False

    async def upstream(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal reached
        reached = True
        writer.close()

    async def client(streams: Streams) -> None:
        _, writer = streams
        writer.write(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" + b"x" * 600)
        await writer.drain()
        await asyncio.sleep(0.3)
        writer.transport.abort()
        await asyncio.sleep(0.3)

    through_proxy(tmp_path, upstream, client)
    assert not reached


def test_a_large_body_waits_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    body = bytes(range(256)) * 20_000

    async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(len(body)) == body
        writer.write(OK)
        writer.close()

    async def client(streams: Streams) -> None:
        reader, writer = streams
        writer.write(f"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        writer.write(body)
        await writer.drain()
        await reader.readuntil(b"\r\n\r\nok")

    through_proxy(tmp_path, upstream, client)
    assert {path.name for path in tmp_path.iterdir()} <= {"s"}


async def told(reader: asyncio.StreamReader, reason: str, message: str) -> None:
    """Check that the body of a failure is the registry's JSON."""
    body = json.loads(await reader.readuntil(b"}"))
    assert body["reason"] == reason
    assert body["message"].startswith(message)


def test_an_absent_process_is_503_with_a_message(tmp_path: Path) -> None:
    async def client(streams: Streams) -> None:
        reader, writer = streams
        writer.write(b"GET /pulp/api/v3/status/ HTTP/1.1\r\nHost: h\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503")
        assert b"Retry-After: 5" in head
        await told(reader, "Service Unavailable", "the server's api process is starting")

    through_proxy(tmp_path, None, client)


def test_a_process_that_dies_before_it_answers_is_502_with_a_message(tmp_path: Path) -> None:
    async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async def client(streams: Streams) -> None:
        reader, writer = streams
        writer.write(b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 502")
        await told(reader, "Bad Gateway", "the server's api process broke off")

    through_proxy(tmp_path, upstream, client)
