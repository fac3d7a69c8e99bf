"""The URLs in a page: those that its reader uses, with no text that somebody else chose."""

from types import SimpleNamespace

import pytest
from aiohttp.test_utils import make_mocked_request

from pulp_conda.app.authentication import addresses


def address(
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    *,
    origin: str | None = None,
    token: str | None = None,
    **headers: str,
) -> str:
    monkeypatch.setattr(addresses, "settings", SimpleNamespace(CONTENT_ORIGIN=origin))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    match_info = {"token": token} if token else {}
    return addresses.address_of(
        make_mocked_request("GET", path, headers=named, match_info=match_info)
    )


@pytest.mark.parametrize("path", ["/a/b/", "/a/b/index.html", "/a/b/?q=x", "/a/b/index.html?q=/"])
def test_it_is_the_folder_below_the_deployments_origin(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    found = address(monkeypatch, path, origin="https://conda.example/", Host="evil.example")
    assert found == "https://conda.example/a/b"


def test_without_such_an_origin_it_is_as_requested(monkeypatch: pytest.MonkeyPatch) -> None:
    assert address(monkeypatch, "/a/", Host="a.example:8080") == "http://a.example:8080/a"
    forwarded = {"Host": "[::1]:80", "X_Forwarded_Proto": "https", "X_Forwarded_Host": "b.example"}
    assert address(monkeypatch, "/a/", **forwarded) == "https://[::1]:80/a"


@pytest.mark.parametrize("host", ["<script>", "a b", "a.example/x", "a@b", "'", "", "a:123456"])
def test_an_invalid_host_is_left_out(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    assert address(monkeypatch, "/a/", Host=host) == "http:///a"
    assert address(monkeypatch, "/a/", Host="a", X_Forwarded_Proto=f"{host}x") == "http://a/a"


def test_it_holds_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    found = address(monkeypatch, "/t/pct-1/a/b/", origin="https://a.example", token="pct-1")
    assert found == "https://a.example/a/b"
