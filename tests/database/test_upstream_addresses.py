"""The addresses that remotes may connect to."""

import pytest
from django.test import override_settings

from pulp_conda.app.checks import check_networks
from pulp_conda.app.upstream import (
    Forbidden,
    Upstream,
)
from tests.database.misbehaving import answering, failing, misbehaving, run

pytestmark = pytest.mark.usefixtures("loopback_allowed")

_LIMIT = 1 << 20


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


def test_a_setting_with_a_network_that_cannot_be_read_is_told_at_the_start() -> None:
    assert check_networks() == []
    with override_settings(CONDA_UPSTREAM_ALLOWED_NETWORKS=["10.1.0.1/16", "10.1.0.0/16", "lan"]):
        messages = check_networks()
    assert {message.id for message in messages} == {"pulp_conda.E001"}
    assert len(messages) == 2
    assert "10.1.0.1/16" in str(messages[0].msg)
