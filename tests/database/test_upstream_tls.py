"""TLS of remotes: whom they trust, what they present, and that they never go back to http."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from pulp_conda.app.models import CondaRemote
from pulp_conda.app.upstream import Forbidden, Unavailable, Untrusted, Upstream
from tests.database.certificates import Authority
from tests.database.misbehaving import Misbehaving, answering, misbehaving

_LIMIT = 1000


pytestmark = pytest.mark.usefixtures("loopback_allowed")


@pytest.fixture
def authority() -> Authority:
    """An authority that no system knows."""
    return Authority("Tests")


async def _get(server: Misbehaving, **fields: Any) -> bytes:
    async with Upstream(server.remote(**fields), patience=5) as upstream:
        return (await upstream.get(server.url("/ch/x"), limit=_LIMIT)).body


def test_an_unknown_authority_is_not_trusted(authority: Authority, tmp_path: Path) -> None:
    async def scenario() -> None:
        context = authority.issue("server").server_context(tmp_path)
        async with misbehaving(context) as server:
            server.paths["/ch/x"] = answering(b"body")
            with pytest.raises(Untrusted, match=r"certificate of 127\.0\.0\.1 is not accepted"):
                await _get(server)
            with pytest.raises(Untrusted):
                await _get(server, ca_cert=Authority("Another").certificate)
            assert server.asked == []
            assert await _get(server, ca_cert=authority.certificate) == b"body"
            assert await _get(server, tls_validation=False) == b"body"

    asyncio.run(scenario())


def test_a_client_certificate_is_presented(authority: Authority, tmp_path: Path) -> None:
    async def scenario() -> None:
        context = authority.issue("server").server_context(tmp_path, authority.certificate)
        client = authority.issue("client")
        async with misbehaving(context) as server:
            server.paths["/ch/x"] = answering(b"body")
            trusted = {"ca_cert": authority.certificate, "max_retries": 0}
            with pytest.raises(Unavailable):
                await _get(server, **trusted)
            known = {"client_cert": client.certificate, "client_key": client.key}
            assert await _get(server, **trusted, **known) == b"body"

    asyncio.run(scenario())


def test_a_client_certificate_is_presented_to_the_remotes_own_server_only(
    authority: Authority, tmp_path: Path
) -> None:
    async def scenario() -> None:
        identity, client = authority.issue("server"), authority.issue("client")
        demanding = identity.server_context(tmp_path, authority.certificate)
        elsewhere = identity.server_context(tmp_path, authority.certificate)
        elsewhere.verify_mode = ssl.CERT_OPTIONAL
        presented = []

        async def noting(request: web.Request) -> web.StreamResponse:
            presented.append(request.get_extra_info("peercert"))
            return web.Response(body=b"body")

        async with misbehaving(demanding) as server, misbehaving(elsewhere) as other:
            server.paths["/ch/x"] = answering(status=302, Location=other.url("/x"))
            other.paths["/x"] = noting
            fields = {"client_cert": client.certificate, "client_key": client.key}
            assert await _get(server, ca_cert=authority.certificate, **fields) == b"body"
            assert presented == [None]
            other.paths["/ch/x"] = noting
            assert await _get(other, ca_cert=authority.certificate, **fields) == b"body"
            assert presented[1]

    asyncio.run(scenario())


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(
    authority: Authority,
) -> None:
    async def scenario() -> None:
        client = authority.issue("client", password=b"secret")
        remote = CondaRemote(
            name="upstream",
            url="https://upstream.example.org/ch",
            client_cert=client.certificate,
            client_key=client.key,
        )
        with pytest.raises(Untrusted, match="client_key"):
            async with Upstream(remote):
                pass

    asyncio.run(scenario())


def test_nothing_of_an_upstream_with_tls_comes_without(
    authority: Authority, tmp_path: Path
) -> None:
    async def scenario() -> None:
        context = authority.issue("server").server_context(tmp_path)
        async with misbehaving(context) as server, misbehaving() as plain:
            server.paths["/ch/x"] = answering(status=302, Location=plain.url("/x"))
            with pytest.raises(Forbidden, match="from https to http"):
                await _get(server, ca_cert=authority.certificate)
            async with Upstream(server.remote()) as upstream:
                with pytest.raises(Forbidden, match="without TLS"):
                    await upstream.get(plain.url("/x"), limit=_LIMIT)
            assert plain.asked == []

    asyncio.run(scenario())


def test_a_tunnel_through_a_proxy_is_checked_end_to_end(
    authority: Authority, tmp_path: Path
) -> None:
    async def scenario() -> None:
        context = authority.issue("server").server_context(tmp_path)
        async with misbehaving(context) as server, _tunnels() as proxy:
            server.paths["/ch/x"] = answering(b"body")
            fields = {
                "proxy_url": f"http://127.0.0.1:{proxy.port}",
                "proxy_username": "p",
                "proxy_password": "q",
                "auth": "bearer",
                "token": "for-the-upstream",
            }
            assert await _get(server, ca_cert=authority.certificate, **fields) == b"body"
            with pytest.raises(Untrusted):
                await _get(server, **fields)
            assert len(proxy.heads) == 2
            assert b"Proxy-Authorization: Basic cDpx" in proxy.heads[0]
            assert b"for-the-upstream" not in b"".join(proxy.heads)
            assert server.asked[0].headers["Authorization"] == "Bearer for-the-upstream"

    asyncio.run(scenario())


class _tunnels:  # noqa: N801 (a context manager)
    """A proxy that answers CONNECT."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "_tunnels":
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        host, _, port = head.split()[1].decode().partition(":")
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for pair in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.ensure_future(_pump(*pair))
            self._tasks.add(task)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


def test_a_proxy_that_does_not_connect_is_told(authority: Authority, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with misbehaving() as proxy:
            fields = {"url": "https://upstream.example.org/ch", "proxy_url": proxy.url()}

            async def refuse(_: web.Request) -> web.StreamResponse:
                return web.Response(status=502)

            proxy.paths[""] = proxy.paths["/"] = refuse
            async with Upstream(proxy.remote(**fields)) as upstream:
                with pytest.raises(Unavailable, match="proxy"):
                    await upstream.get("https://upstream.example.org/ch/x", limit=_LIMIT)

    asyncio.run(scenario())
