"""Requests that pages of other sites make browsers send with a user's credentials are refused."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import Account, bearer, new_account
from tests.functional.browser import Browser, browser, needs_chromium
from tests.functional.channels import private_channel
from tests.functional.harness import PASSWORD, Rest, RunningServer

__all__ = ["browser"]

_BODY = PackageBuilder().conda()
_FORM = {"file": ("x.conda", _BODY)}

_FOREIGN = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "{own}"},
    {"Origin": "https://elsewhere.example"},
    {"Origin": "null"},
    {"Origin": "{own}.example"},
)
_OWN: tuple[dict[str, str], ...] = (
    {},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "{own}"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "{own}"},
)

_STAGE = "/api/anaconda/stage/{name}/main/demo/1.0/noarch/demo-1.0-0.conda"
_REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "forgejo": ("PUT", "/api/packages/{name}/conda/main/x.conda", {"data": _BODY}),
    "removal": ("DELETE", "/api/packages/{name}/conda/main/noarch/a-1-0.conda", {}),
    "release": ("DELETE", "/api/v1/packages/{name}/conda/absent/1.0", {}),
    "quetz": ("POST", "/api/channels/{name}/main/upload/x.conda?force=true", {"data": _BODY}),
    "quetz, form": ("POST", "/api/channels/{name}/main/upload/x.conda", {"files": _FORM}),
    "prefix": ("POST", "/api/v1/upload/{name}/main", {"files": _FORM}),
    "anaconda": ("POST", _STAGE, {"json": {}}),
    "rest": ("POST", "/pulp/api/v3/conda/tokens/", {"data": {"name": "by form"}}),
    "rest, form": ("POST", "/pulp/api/v3/content/conda/packages/", {"files": _FORM}),
}
"""Requests that make a change, by each dialect and by Pulp's own API."""


@pytest.fixture(scope="module")
def account(server: RunningServer) -> Account:
    """A user who publishes into their own namespace."""
    return new_account(server)


def send(account: Account, kind: str, **arguments: Any) -> requests.Response:
    """Send a request that makes a change."""
    method, path, fixed = _REQUESTS[kind]
    url = account.server.origin + path.format(name=account.name)
    return requests.request(method, url, timeout=120, **fixed, **arguments)


def _filled(headers: dict[str, str], server: RunningServer) -> dict[str, str]:
    return {name: value.format(own=server.origin) for name, value in headers.items()}


@pytest.mark.parametrize("kind", _REQUESTS)
def test_a_password_is_refused_from_another_sites_page(
    server: RunningServer, account: Account, kind: str
) -> None:
    token = account.token(scopes=["read", "write", "delete"])
    for headers in _FOREIGN:
        for auth in (account.auth, ("x", token)):
            answer = send(account, kind, auth=auth, headers=_filled(headers, server))
            assert answer.status_code == 403, (headers, answer.text)
            assert "access token" in answer.text
    for headers in _OWN:
        answer = send(account, kind, auth=account.auth, headers=_filled(headers, server))
        assert answer.status_code != 403, (headers, answer.text)
    if "rest" not in kind:  # which knows no tokens
        headers = {**bearer(token), **_filled(_FOREIGN[0], server)}
        assert send(account, kind, headers=headers).status_code != 403
        headers = {"X-API-Key": token, **_filled(_FOREIGN[0], server)}
        assert send(account, kind, headers=headers).status_code != 403


def test_a_token_in_the_path_is_accepted_from_another_sites_page(
    server: RunningServer, account: Account
) -> None:
    path = f"/api/packages/{account.name}/conda/path/x.conda"
    url = f"{server.origin}/t/{account.token(scopes=['write'])}{path}"
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert server.put(url, _BODY, auth=None, headers=foreign).status_code == 201
    refused = server.put(url, _BODY, auth=account.auth, headers=foreign)
    assert refused.status_code == 403, "the password counts before the token"


def test_pages_of_other_sites_may_read(server: RunningServer, account: Account) -> None:
    for path in (f"api/v1/packages/{account.name}", "pulp/api/v3/conda/tokens/"):
        answer = requests.get(
            f"{server.origin}/{path}",
            auth=account.auth,
            headers={"Sec-Fetch-Site": "cross-site"},
            timeout=60,
        )
        assert answer.status_code == 200


@pytest.fixture
def session(account: Account) -> requests.Session:
    """A browser session of the user who publishes."""
    return account.session()


@pytest.mark.parametrize("how", ["body", "form"])
def test_a_session_uploads_with_its_csrf_token(
    server: RunningServer, account: Account, session: requests.Session, how: str
) -> None:
    url = f"{server.origin}/api/channels/{account.name}/by-{how}/upload/x.conda"
    sent: dict[str, Any] = (
        {"data": _BODY} if how == "body" else {"files": {"file": ("x.conda", _BODY)}}
    )
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert session.post(url, timeout=120, headers=foreign, **sent).status_code == 403
    answer = session.post(url, timeout=120, **sent)
    assert answer.status_code == 201, answer.text
    put = f"{server.channel(account.name, f'put-{how}')}/x.conda"
    assert session.put(put, data=_BODY, timeout=120).status_code == 201
    del session.headers["X-CSRFToken"]
    refused = session.post(url, timeout=120, **sent)
    assert refused.status_code == 403
    assert "CSRF" in refused.text
    assert session.put(put, data=_BODY, timeout=120).status_code == 403


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>elsewhere</title>")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """A page of another site: for browsers, localhost and 127.0.0.1 are different sites."""
    serving = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    Thread(target=serving.serve_forever, daemon=True).start()
    yield f"http://localhost:{serving.server_address[1]}/"
    serving.shutdown()
    serving.server_close()


@needs_chromium
def test_a_browser_with_the_password_uploads_only_from_the_servers_own_pages(
    server: RunningServer, owner: str, browser: Browser, elsewhere: str
) -> None:
    channel = private_channel(server, owner)
    with_password = channel.replace("http://", f"http://admin:{PASSWORD}@") + "/main/"
    url = f"{server.origin}/api/channels/{owner}/main/upload/x.conda?force=true"
    body = ",".join(map(str, PackageBuilder("forged").conda()))
    upload = (
        f"fetch('{url}', {{method: 'POST', mode: 'no-cors', credentials: 'include', "
        f"body: new Uint8Array([{body}])}}).then(answer => answer.status)"
    )
    browser.open(with_password)
    assert owner in browser.evaluate("document.body.innerText"), "the browser has the password now"
    browser.open(elsewhere)
    browser.evaluate(upload)
    assert forged(server, owner) == 0
    browser.open(f"{server.origin}/api/packages/{owner}/conda/main/noarch/repodata.json")
    assert browser.evaluate(upload) == 201
    assert forged(server, owner) == 1


def forged(server: RunningServer, owner: str) -> int:
    """Return how many packages of the forged name are in the owner's channel."""
    rest = Rest(server)
    (repository,) = rest.get("repositories/conda/conda/", name=f"{owner}/main")["results"]
    version = repository["latest_version_href"]
    found = rest.get("content/conda/packages/", name="forged", repository_version=version)
    count: int = found["count"]
    return count
