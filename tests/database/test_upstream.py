"""What an upstream answers, and where it redirects to."""

import asyncio

import pytest
from aiohttp import web

from pulp_conda.app.upstream import (
    Absent,
    Busy,
    Forbidden,
    Refused,
    Unavailable,
    Upstream,
    UpstreamError,
)
from tests.database.misbehaving import (
    answering,
    failing,
    misbehaving,
    run,
)

pytestmark = pytest.mark.usefixtures("loopback_allowed")

_LIMIT = 1 << 20
_CONDITION = {"If-None-Match": '"x"'}


def test_an_answer_has_its_status_headers_and_whole_body() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = answering(b"body", ETag='"1"')
            async with Upstream(server.remote()) as upstream:
                answer = await upstream.get(server.url("/ch/x"), limit=_LIMIT)
            assert (answer.status, answer.body) == (200, b"body")
            assert answer.headers["etag"] == '"1"'
            assert answer.url == server.url("/ch/x")
            (request,) = server.asked
            assert request.headers["User-Agent"].startswith("pulp_conda/")
            assert request.headers["Accept-Encoding"] == "identity"

    run(scenario())


def test_a_304_is_an_answer_to_a_condition_only() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = answering(status=304)
            async with Upstream(server.remote()) as upstream:
                url = server.url("/ch/x")
                assert (await upstream.get(url, headers=_CONDITION, limit=_LIMIT)).status == 304
                with pytest.raises(Unavailable):
                    await upstream.get(url, limit=_LIMIT)

    run(scenario())


@pytest.mark.parametrize(
    ("status", "optional", "kind"),
    [
        (404, False, Absent), (410, False, Absent), (403, True, Absent), (501, True, Absent),
        (401, False, Refused), (403, False, Refused), (401, True, Refused), (407, False, Refused),
        (400, False, Refused), (451, False, Refused),
        (500, False, Unavailable), (501, False, Unavailable), (502, True, Unavailable),
        (429, False, Busy), (503, True, Busy), (204, False, Unavailable), (206, False, Unavailable),
        (408, False, Unavailable), (416, False, Refused),
    ],
)  # fmt: skip
def test_a_status_has_a_meaning(status: int, optional: bool, kind: type[UpstreamError]) -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = answering(status=status)
            async with Upstream(server.remote()) as upstream:
                with pytest.raises(kind) as caught:
                    await upstream.get(server.url("/ch/x"), optional=optional, limit=_LIMIT)
            assert str(status) in str(caught.value)

    run(scenario())


@pytest.mark.parametrize("location", ["/ch/x", "http://127.0.0.1:{port}/ch/x", "?again"])
def test_a_loop_of_redirects_ends(location: str) -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = answering(
                status=302, Location=location.format(port=server.port)
            )
            error = await failing(server)
            assert isinstance(error, Forbidden)
            assert "10 times" in str(error)
            assert len(server.asked) == 11

    run(scenario())


@pytest.mark.parametrize(
    "location",
    [
        "", "ftp://example.org/x", "http://user:pw@127.0.0.1/x", "http://[::1", "file:///etc/passwd",
        "http://127.0.0.1:99999/", "//", "http://" + "a" * 70 + ".example.org/",
    ],
)  # fmt: skip
def test_a_redirect_to_no_place_is_refused(location: str) -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = answering(status=301, Location=location)
            error = await failing(server)
            assert isinstance(error, Forbidden), error

    run(scenario())


def test_a_redirect_is_followed_with_the_headers_of_the_request() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = answering(status=307, Location="/store/x?signed=a%2Fb+c")
            server.paths["/store/x"] = answering(b"body")
            async with Upstream(server.remote()) as upstream:
                answer = await upstream.get(
                    server.url("/ch/x"), headers={"If-None-Match": '"1"'}, limit=_LIMIT
                )
            assert answer.url == server.url("/ch/x")
            assert server.asked[1].raw_path == "/store/x?signed=a%2Fb+c"
            assert server.asked[1].headers["If-None-Match"] == '"1"'

    run(scenario())


def test_a_range_is_answered_by_a_part() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = answering(b"rest", status=206)
            async with Upstream(server.remote()) as upstream:
                asked = {"Range": "bytes=4-", "If-Range": '"1"'}
                async with upstream.stream(server.url("/ch/x"), headers=asked) as response:
                    assert response.status == 206

    run(scenario())


def test_no_more_requests_than_allowed_are_under_way() -> None:
    under_way, most = 0, 0

    async def slow(_: web.Request) -> web.StreamResponse:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        return web.Response()

    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = slow
            async with Upstream(server.remote(download_concurrency=3)) as upstream:
                url = server.url("/ch/x")
                await asyncio.gather(*(upstream.get(url, limit=_LIMIT) for _ in range(12)))
            assert most == 3

    run(scenario())


def test_a_server_that_is_not_there_is_unavailable() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            pass
        assert isinstance(await failing(server), Unavailable)

    run(scenario())
