"""Bodies that come slowly, in part, for ever, or that are something else."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientResponse, web

from pulp_conda.app.upstream import (
    Pace,
    TooLarge,
    Unavailable,
    Untrusted,
    Upstream,
)
from tests.database.misbehaving import (
    answering,
    cut,
    failing,
    misbehaving,
    run,
)

pytestmark = pytest.mark.usefixtures("loopback_allowed")

_LIMIT = 1 << 20


def test_a_body_is_not_longer_than_its_limit() -> None:
    async def chunked(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 100_000)

    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/declared"] = answering(b"x" * 2000)
            server.paths["/ch/endless"] = chunked
            async with Upstream(server.remote()) as upstream:
                for path in ("/ch/declared", "/ch/endless"):
                    with pytest.raises(TooLarge):
                        await upstream.get(server.url(path), limit=1999)
                answer = await upstream.get(server.url("/ch/declared"), limit=2000)
                assert len(answer.body) == 2000

    run(scenario())


def test_a_body_that_is_cut_is_no_answer() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = cut(b"abc", 9)
            assert isinstance(await failing(server), Unavailable)

    run(scenario())


def test_a_web_page_is_no_answer() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            page = b"\n <!doctype html><html>Please sign in"
            server.paths["/ch/x"] = answering(page, Content_Type="text/html; charset=utf-8")
            error = await failing(server)
            assert isinstance(error, Unavailable)
            assert "web page" in str(error)
            server.paths["/ch/x"] = answering(b"{}", Content_Type="text/html")
            async with Upstream(server.remote()) as upstream:
                assert (await upstream.get(server.url("/ch/x"), limit=_LIMIT)).body == b"{}"

    run(scenario())


def _dripping(pause: float) -> Any:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000000"})
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(pause)

    return handler


def test_a_body_of_a_byte_at_a_time_is_given_up() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = _dripping(0.01)
            pace = Pace(bytes_per_second=10_000, seconds=0.3)
            async with Upstream(server.remote(), pace=pace) as upstream:
                with pytest.raises(Unavailable, match="too slowly"):
                    await upstream.get(server.url("/ch/x"), limit=_LIMIT)

    run(scenario())


def test_an_upstream_that_sends_nothing_more_is_given_up() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = _dripping(3600)
            error = await failing(server, sock_read_timeout=0.3)
            assert isinstance(error, Unavailable)
            assert "in time" in str(error)

    run(scenario())


async def _read(upstream: Upstream, response: ClientResponse) -> bytes:
    return b"".join([chunk async for chunk in upstream.chunks(response)])


def test_a_streamed_body_is_read_by_the_caller() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = answering(b"x" * 100_000)
            async with (
                Upstream(server.remote()) as upstream,
                upstream.stream(server.url("/ch/x")) as response,
            ):
                assert response.content_length == 100_000
                assert await _read(upstream, response) == b"x" * 100_000

    run(scenario())


def test_errors_in_the_middle_of_a_stream_have_their_names() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = cut(b"abc", 9)
            async with Upstream(server.remote()) as upstream:
                with pytest.raises(Unavailable):
                    async with upstream.stream(server.url("/ch/x")) as response:
                        await _read(upstream, response)
                with pytest.raises(Unavailable):
                    async with upstream.stream(server.url("/ch/x")) as response:
                        await response.read()
            assert len(server.asked) == 2

    run(scenario())


def test_an_error_of_the_caller_stays_what_it_is() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = answering(b"body")
            async with Upstream(server.remote()) as upstream:
                with pytest.raises(OSError, match="disk"):
                    async with upstream.stream(server.url("/ch/x")):
                        raise OSError(28, "no space left on the disk")

    run(scenario())


def test_a_certificate_that_cannot_be_read_is_told() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            for fields in ({"ca_cert": "nonsense"}, {"client_cert": "x", "client_key": "y"}):
                with pytest.raises(Untrusted, match="be read"):
                    async with Upstream(server.remote(**fields)):
                        pass

    run(scenario())
