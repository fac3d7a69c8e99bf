"""Where the secrets of a remote go, and that they are never shown."""

from typing import Any

import pytest

from pulp_conda.app.models import API_KEY, BASIC, BEARER, PATH_TOKEN
from pulp_conda.app.upstream import (
    Absent,
    Forbidden,
    Refused,
    Upstream,
)
from tests.database.misbehaving import answering, failing, misbehaving, run

pytestmark = pytest.mark.usefixtures("loopback_allowed")

_LIMIT = 1 << 20
_SECRET = "s3cret-t0ken"


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
            assert _SECRET not in str(error)

    run(scenario())


def test_a_redirect_that_takes_the_token_elsewhere_is_refused() -> None:
    async def scenario() -> None:
        async with misbehaving() as server, misbehaving() as other:
            location = other.url(f"/t/{_SECRET}/ch/x")
            server.paths[f"/t/{_SECRET}/ch/x"] = answering(status=302, Location=location)
            error = await failing(server, auth=PATH_TOKEN, token=_SECRET)
            assert isinstance(error, Forbidden)
            assert _SECRET not in str(error)
            assert other.asked == []

    run(scenario())


def test_a_signature_in_a_query_is_not_shown() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            error = await failing(server, f"/ch/x?signature={_SECRET}")
            assert server.asked[0].query["signature"] == _SECRET
            assert server.url("/ch/x") in str(error)
            assert _SECRET not in str(error)

    run(scenario())


def test_no_line_can_be_added_to_a_request() -> None:
    async def scenario() -> None:
        async with misbehaving() as server:
            await failing(server, "/ch/x HTTP/1.1\r\nX-Mine: y\r\n\r\nGET /z\x00é")
            (request,) = server.asked
            assert request.raw_path.startswith("/ch/x%20HTTP/1.1")
            assert "X-Mine" not in request.headers

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
