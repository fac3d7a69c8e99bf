"""Asking an upstream, against a server that misbehaves in this process."""

import asyncio
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from django.test import override_settings

from pulp_conda.app.models import API_KEY, BASIC, BEARER, PATH_TOKEN
from pulp_conda.app.upstream import (
    Absent,
    Busy,
    Forbidden,
    LeftAlone,
    Pace,
    Refused,
    TooLarge,
    Unavailable,
    Untrusted,
    Upstream,
    UpstreamError,
)
from tests.database.misbehaving import Misbehaving, answering, cut, in_turn, misbehaving

_LOOPBACK = ["127.0.0.0/8", "::1/128"]
_LIMIT = 1 << 20
_SECRET = "s3cret-t0ken"
_CONDITION = {"If-None-Match": '"x"'}


@pytest.fixture(autouse=True)
def loopback_allowed() -> Iterator[None]:
    """Let remotes reach this machine."""
    with override_settings(CONDA_UPSTREAM_ALLOWED_NETWORKS=_LOOPBACK):
        yield


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 60))


async def failing(server: Misbehaving, path: str = "/ch/x", **fields: Any) -> UpstreamError:
    """Return the error that a GET leads to."""
    async with Upstream(server.remote(**fields)) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await upstream.get(server.url(path), limit=_LIMIT)
    assert _SECRET not in str(caught.value)
    return caught.value


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


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("120", 119, 120), ("99999999999999999999", 86399, 86400), ("0", 0, 0), ("-5", 0, 2),
        ("soon", 0, 2), ("", 0, 2), ("1e9", 0, 2), ("٣", 0, 2),
    ],
)  # fmt: skip
def test_a_pause_that_the_upstream_asks_for_is_kept(value: str, least: float, most: float) -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = answering(status=429, Retry_After=value)
            error = await failing(server)
            assert isinstance(error, Busy)
            assert error.retry_after is not None
            assert least <= error.retry_after <= most

    run(scenario())


def test_a_pause_may_be_a_date() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            date = format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True)
            server.paths["/ch/x"] = answering(status=503, Retry_After=date)
            error = await failing(server)
            assert isinstance(error, Busy)
            assert error.retry_after is not None
            assert 200 < error.retry_after <= 300

    run(scenario())


def test_a_busy_upstream_is_asked_nothing_by_that_remote_meanwhile() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = answering(status=429, Retry_After="60")
            remote = server.remote()
            async with Upstream(remote) as upstream:
                for kind in (Busy, LeftAlone, LeftAlone):
                    with pytest.raises(kind):
                        await upstream.get(server.url("/ch/x"), limit=_LIMIT)
            async with Upstream(remote) as again:
                with pytest.raises(LeftAlone) as caught:
                    await again.get(server.url("/ch/x"), limit=_LIMIT)
            assert len(server.asked) == 1
            assert 50 < (caught.value.retry_after or 0) <= 60
            async with Upstream(server.remote()) as other:
                with pytest.raises(Busy):
                    await other.get(server.url("/ch/x"), limit=_LIMIT)

    run(scenario())


def test_a_patient_request_repeats_itself() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = in_turn(
                answering(status=503, Retry_After="0"), cut(b"abc", 9), answering(b"whole")
            )
            async with Upstream(server.remote(), patience=30) as upstream:
                answer = await upstream.get(server.url("/ch/x"), limit=_LIMIT)
            assert answer.body == b"whole"
            assert len(server.asked) == 3

    run(scenario())


def test_a_request_is_not_repeated_beyond_its_patience_or_the_remotes_retries() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = answering(status=503, Retry_After="100")
            server.paths["/ch/y"] = answering(status=503, Retry_After="0")
            async with Upstream(server.remote(), patience=30) as upstream:
                with pytest.raises(Busy):
                    await upstream.get(server.url("/ch/x"), limit=_LIMIT)
            assert len(server.asked) == 1
            async with Upstream(server.remote(max_retries=2), patience=30) as upstream:
                with pytest.raises(Busy):
                    await upstream.get(server.url("/ch/y"), limit=_LIMIT)
            assert len(server.asked) == 1 + 3

    run(scenario())


def test_a_host_that_fails_again_and_again_is_left_alone() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = answering(status=500)
            async with Upstream(server.remote()) as upstream:
                for _ in range(5):
                    with pytest.raises(Unavailable):
                        await upstream.get(server.url("/ch/x"), limit=_LIMIT)
                with pytest.raises(LeftAlone):
                    await upstream.get(server.url("/ch/x"), limit=_LIMIT)
            assert len(server.asked) == 5

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


_METHODS = [
    ({"auth": BASIC, "username": "me", "password": _SECRET}, "Authorization", "Basic "),
    ({"auth": BEARER, "token": _SECRET}, "Authorization", f"Bearer {_SECRET}"),
    ({"auth": API_KEY, "token": _SECRET}, "X-API-Key", _SECRET),
    ({"headers": [{"X-Mine": _SECRET}]}, "X-Mine", _SECRET),
]


@pytest.mark.parametrize(("fields", "header", "value"), _METHODS)
def test_credentials_go_to_the_origin_of_the_remote_only(
    fields: dict[str, Any], header: str, value: str
) -> None:
    async def scenario() -> None:
        async with misbehaving() as server, misbehaving() as other:
            server.paths["/ch/x"] = answering(status=302, Location=other.url("/x"))
            other.paths["/x"] = answering(status=302, Location=server.url("/ch/y"))
            server.paths["/ch/y"] = answering(b"body")
            async with Upstream(server.remote(**fields)) as upstream:
                answer = await upstream.get(server.url("/ch/x"), limit=_LIMIT)
                assert answer.body == b"body"
                with pytest.raises(Absent):
                    await upstream.get(other.url("/elsewhere"), limit=_LIMIT)
            for request in server.asked:
                assert request.headers[header].startswith(value)
            for request in other.asked:
                assert header not in request.headers

    run(scenario())


def test_a_token_in_the_path_is_sent_and_never_shown() -> None:
    async def scenario() -> None:
        async with misbehaving() as server, misbehaving() as other:
            fields = {"auth": PATH_TOKEN, "token": _SECRET}
            server.paths[f"/t/{_SECRET}/ch/x"] = answering(b"body")
            async with Upstream(server.remote(**fields)) as upstream:
                answer = await upstream.get(server.url("/ch/x"), limit=_LIMIT)
                assert answer.body == b"body"
                assert answer.url == server.url("/ch/x")
                with pytest.raises(Absent):
                    await upstream.get(other.url("/ch/x"), limit=_LIMIT)
            assert other.asked[0].path == "/ch/x"
            error = await failing(server, "/ch/absent", **fields)
            assert server.url("/ch/absent") in str(error)

    run(scenario())


def test_a_redirect_that_takes_the_token_elsewhere_is_refused() -> None:
    async def scenario() -> None:
        async with misbehaving() as server, misbehaving() as other:
            location = other.url(f"/t/{_SECRET}/ch/x")
            server.paths[f"/t/{_SECRET}/ch/x"] = answering(status=302, Location=location)
            error = await failing(server, auth=PATH_TOKEN, token=_SECRET)
            assert isinstance(error, Forbidden)
            assert other.asked == []

    run(scenario())


def test_a_remotes_headers_do_not_change_how_an_answer_is_read() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = answering(b"body")
            headers = [{"Accept-Encoding": "gzip", "Range": "bytes=1-"}, {"user-agent": "mine/1"}]
            async with Upstream(server.remote(headers=headers)) as upstream:
                await upstream.get(server.url("/ch/x"), limit=_LIMIT)
            (request,) = server.asked
            assert "Range" not in request.headers
            assert request.headers["Accept-Encoding"] == "identity"
            assert request.headers["User-Agent"].endswith(", mine/1")

    run(scenario())


@override_settings(CONDA_UPSTREAM_ALLOWED_NETWORKS=[])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "127.1", "2130706433"])
def test_an_address_that_is_not_public_is_refused(host: str) -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            async with Upstream(server.remote()) as upstream:
                with pytest.raises(Forbidden):
                    await upstream.get(server.url("/ch/x", host), limit=_LIMIT)
            assert server.asked == []

    run(scenario())


@override_settings(CONDA_UPSTREAM_ALLOWED_NETWORKS=[])
def test_the_refusal_names_the_setting_and_not_the_address() -> None:
    async def scenario() -> None:
        async with misbehaving() as server, Upstream(server.remote()) as upstream:
            with pytest.raises(Forbidden) as caught:
                await upstream.get(server.url("/ch/x", "localhost"), limit=_LIMIT)
            assert "CONDA_UPSTREAM_ALLOWED_NETWORKS" in str(caught.value)
            assert "127.0.0.1" not in str(caught.value)

    run(scenario())


def test_a_redirect_to_an_address_that_is_not_allowed_is_refused() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            server.paths["/ch/x"] = answering(
                status=302, Location=f"http://127.0.0.2:{server.port}/ch/y"
            )
            with override_settings(CONDA_UPSTREAM_ALLOWED_NETWORKS=["127.0.0.1/32"]):
                error = await failing(server)
            assert isinstance(error, Forbidden)
            assert len(server.asked) == 1

    run(scenario())


def test_a_proxy_is_used_with_its_own_credentials() -> None:
    async def scenario() -> None:
        async with misbehaving() as proxy:
            proxy.paths["/ch/x"] = answering(b"body")
            remote = proxy.remote(
                url="http://upstream.example.org/ch", proxy_url=proxy.url(),
                proxy_username="p", proxy_password=_SECRET, auth=BEARER, token="other-token",
            )  # fmt: skip
            async with Upstream(remote) as upstream:
                answer = await upstream.get("http://upstream.example.org/ch/x", limit=_LIMIT)
            assert answer.body == b"body"
            (request,) = proxy.asked
            assert request.headers["Host"] == "upstream.example.org"
            assert request.headers["Proxy-Authorization"].startswith("Basic ")
            assert request.headers["Authorization"] == "Bearer other-token"
            proxy.paths["/ch/x"] = answering(status=407)
            async with Upstream(remote) as upstream:
                with pytest.raises(Refused):
                    await upstream.get("http://upstream.example.org/ch/x", limit=_LIMIT)

    run(scenario())


@override_settings(CONDA_UPSTREAM_ALLOWED_NETWORKS=[])
def test_the_proxy_too_needs_an_allowed_address() -> None:
    async def scenario() -> None:
        async with misbehaving() as proxy:
            remote = proxy.remote(url="http://upstream.example.org/ch", proxy_url=proxy.url())
            async with Upstream(remote) as upstream:
                with pytest.raises(Forbidden):
                    await upstream.get("http://upstream.example.org/ch/x", limit=_LIMIT)
            assert proxy.asked == []

    run(scenario())


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


def test_a_certificate_that_cannot_be_read_is_told() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            for fields in ({"ca_cert": "nonsense"}, {"client_cert": "x", "client_key": "y"}):
                with pytest.raises(Untrusted, match="be read"):
                    async with Upstream(server.remote(**fields)):
                        pass

    run(scenario())
