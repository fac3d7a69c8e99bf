"""Idle connections do not affect other clients, and the requests of one address are limited."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from pulp_conda.server.connections import Bounds, address_of, most_connections
from tests.unit.server.proxied import OK, Streams, at_once, connecting, through_proxy

_GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


async def drip(writer: asyncio.StreamWriter) -> None:
    """Send a byte now and then."""
    while True:
        writer.write(b"x")
        await asyncio.sleep(0.02)


async def status(streams: Streams) -> int:
    """Send a request and return the status of its answer."""
    streams[1].write(_GET)
    return int((await streams[0].readuntil(b"\r\n\r\n")).split()[1])


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost:"])
@pytest.mark.parametrize("bounds", [Bounds(0, total=8), Bounds(32, total=1000)])
def test_the_oldest_of_too_many_idle_connections_is_closed(
    tmp_path: Path, sent: bytes, bounds: Bounds
) -> None:
    async def client(first: Streams) -> None:
        waiting = [first]
        with connecting(first) as another:
            for _ in range(30):
                waiting.append(await another())
                waiting[-1][1].write(sent)
            for reader, _ in waiting[:22]:
                assert await reader.read() == b""
            assert await status(await another()) == 200
            assert not any(reader.at_eof() for reader, _ in waiting[24:])

    through_proxy(tmp_path, at_once, client, bounds)


def test_a_head_has_a_time_limit(tmp_path: Path) -> None:
    async def client(streams: Streams) -> None:
        reader, writer = streams
        assert await status(streams) == 200
        await reader.readexactly(2)
        writer.write(b"GET / HTTP/1.1\r\nA: ")
        trickle = asyncio.create_task(drip(writer))
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        trickle.cancel()

    through_proxy(tmp_path, at_once, client, Bounds(0, waiting_seconds=0.4))


def test_the_requests_of_an_address_are_limited(tmp_path: Path) -> None:
    go, come = asyncio.Event(), asyncio.Semaphore(0)

    async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        come.release()
        await go.wait()
        writer.write(OK)
        writer.close()

    async def client(first: Streams) -> None:
        with connecting(first) as another:
            answers = []
            for _ in range(5):
                answers.append(asyncio.create_task(status(await another())))
                await come.acquire()
            sixth = await another()
            sixth[1].write(_GET)
            refused = await sixth[0].read()
            assert refused.startswith(b"HTTP/1.1 503 ")
            assert b"Retry-After: 1\r\n" in refused
            assert b'"reason": "Service Unavailable"' in refused
            go.set()
            assert await asyncio.gather(*answers) == [200] * 5
            assert await status(await another()) == 200

    through_proxy(tmp_path, upstream, client, Bounds(5))


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        (("192.0.2.1", 80), "192.0.2.1"),
        (("::ffff:192.0.2.1", 80, 0, 0), "192.0.2.1"),
        (("2001:db8:1:2:3:4:5:6", 80, 0, 0), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 80, 0, 2), "fe80::/64"),
        ("", ""),
        (None, ""),
    ],
)
def test_an_ipv6_network_counts_as_one_address(peer: object, address: str) -> None:
    assert address_of(peer) == address


def test_there_are_files_for_all_connections() -> None:
    assert 0 < most_connections() <= 4096
