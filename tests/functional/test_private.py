"""Private channels: permitted clients can fetch everything, and others learn nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import Account, bearer, new_account, status
from tests.functional.channels import private_channel, urls_of
from tests.functional.clients import install_from, solve_from
from tests.functional.harness import PASSWORD, Rest, RunningServer
from tests.functional.rights_of_client_apis import UPLOAD_CHECK
from tests.functional.rights_rows import Row
from tests.functional.rights_table import TABLE

_PATHS = (
    "noarch/repodata.json",
    "noarch/repodata.json.zst",
    "noarch/demo-1.0-0.conda",
    "noarch/missing.json",
    "index.html",
)


@pytest.fixture
def reader(server: RunningServer, rest: Rest, owner: str) -> Account:
    """A user who may read the owner's channels."""
    account = new_account(server)
    organisation = rest.create("conda/owners/", name=owner)
    account.give("conda.channel_reader", organisation["pulp_href"])
    return account


def test_users_without_the_right_to_read_get_nothing(
    server: RunningServer, reader: Account, owner: str
) -> None:
    private_channel(server, owner)
    stranger = new_account(server)
    no_rights = stranger.token(scopes=["read"])
    wrong_scope, elsewhere = (
        reader.token(scopes=["write"]),
        reader.token(bound_to=["other"]),
    )
    for url in urls_of(server, owner):
        for path in _PATHS:
            answer = requests.get(f"{url}/{path}", timeout=30)
            assert answer.status_code == 401, path
            assert "Basic" in answer.headers["WWW-Authenticate"]
            assert "Bearer" in answer.headers["WWW-Authenticate"]
            assert "demo" not in answer.text
            assert requests.head(f"{url}/{path}", timeout=30).status_code == 401
            for token in (no_rights, wrong_scope, elsewhere):
                assert status(f"{url}/{path}", headers=bearer(token)) == 403, path
            assert status(f"{url}/{path}", headers=bearer("pct-" + 48 * "0")) == 401
    assert status(f"{server.channel(owner, 'main')}/") == 401
    main = server.channel(owner)
    assert status(f"{main}/noarch/repodata.json", auth=(reader.name, "wrong")) == 401
    refused = requests.get(f"{main}/noarch/repodata.json", auth=stranger.auth, timeout=30)
    assert refused.status_code == 403
    assert refused.json() == {"reason": "Forbidden", "message": "You may not read this channel"}
    anonymous = requests.get(f"{main}/noarch/repodata.json", timeout=30).json()
    assert set(anonymous) == {"reason", "message"}


def test_a_hidden_channel_is_not_there_for_strangers(
    server: RunningServer, reader: Account, owner: str
) -> None:
    private_channel(server, owner, hidden=True)
    stranger = new_account(server).token(scopes=["read"])
    for url in urls_of(server, owner):
        there, missing = f"{url}/noarch/repodata.json", f"{url}x/noarch/repodata.json"
        attempts: list[dict[str, Any]] = [{}, {"headers": bearer(stranger)}]
        for attempt in attempts:
            hidden, absent = (requests.get(at, timeout=30, **attempt) for at in (there, missing))
            assert hidden.status_code == absent.status_code == 404
            assert hidden.text == absent.text
            if "/api/" in url:
                hidden.headers.pop("Date"), absent.headers.pop("Date")
                assert hidden.headers == absent.headers
        assert status(there, headers=bearer(reader.token(scopes=["read"]))) == 200


def without_names(answer: requests.Response, *names: str) -> tuple[int, str, dict[str, str]]:
    """Return the contents of an answer, without the names that were in the request."""
    text, headers = answer.text, {**answer.headers}
    for name in names:
        text = text.replace(name, "NAME")
    for varying in ("Date", "Correlation-ID", "Content-Length"):
        headers.pop(varying, None)
    return answer.status_code, text, headers


def assert_same(
    server: RunningServer, there: tuple[str, str], missing: tuple[str, str], stranger: Account
) -> None:
    """Send all requests for two channels as users who may not know of either; compare answers."""
    questions = [row for row in TABLE.values() if row.path.startswith("/")]
    checks = {"headers": {**UPLOAD_CHECK, "X-File-Name": "x.conda"}}
    questions += [
        replace(row, body=checks) for (_, action), row in TABLE.items() if action == "upload"
    ]
    names = (*there, *missing)
    token = stranger.token()
    for auth in (None, stranger.auth, ("x", token)):
        for question in questions:
            answers = [ask(server, question, *each, auth, token) for each in (there, missing)]
            first, second = (without_names(answer, *names) for answer in answers)
            assert first == second, (question, auth)
            assert answers[0].status_code < 500, answers[0].text


def ask(
    server: RunningServer,
    row: Row,
    owner: str,
    channel: str,
    auth: tuple[str, str] | None,
    token: str = "",
) -> requests.Response:
    """Send a row's request for a channel and a package that may be absent."""
    things = {"owner_name": owner, "channel_name": channel, "path_token": token, "gone": "demo"}
    things |= {"filename": "demo-1.0-0.conda", "staged": "x", "staged_by_them": "x"}
    with requests.Session() as session:
        return row.send(server, things, auth, session)


def test_nothing_tells_a_hidden_channel_that_is_pinned_from_an_absent_one(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    rest.create("conda/owners/", name=owner, visibility="private")
    private_channel(server, owner, hidden=True)
    (distribution,) = rest.get("distributions/conda/conda/", base_path=f"{owner}/main")["results"]
    (repository,) = rest.get("repositories/conda/conda/", name=f"{owner}/main")["results"]
    (publication,) = rest.get("publications/conda/conda/", repository=repository["pulp_href"])[
        "results"
    ]
    pinned = {"publication": publication["pulp_href"], "repository": None}
    rest.wait(rest.request("PATCH", distribution["pulp_href"], json=pinned))
    assert_same(server, (owner, "main"), (owner, "gone"), new_account(server))
    maintainer = new_account(server)
    maintainer.give("conda.channel_maintainer", repository["pulp_href"])
    for view in ("PackageView", "QuetzView", "PrefixView"):
        answer = ask(server, TABLE[view, "upload"], owner, "main", maintainer.auth)
        assert (answer.status_code, "fixed version" in answer.text) == (403, True), answer.text


def test_nothing_tells_a_domain_from_an_absent_one(domain_server: RunningServer) -> None:
    rest = Rest(domain_server)
    rest.create(
        "domains/",
        name="secluded",
        storage_class="pulpcore.app.models.storage.FileSystem",
        storage_settings={"MEDIA_ROOT": str(domain_server.home / "media" / "secluded")},
    )
    stranger = new_account(domain_server)
    assert_same(domain_server, ("secluded", "main"), ("nowhere0", "main"), stranger)
    admin = ("admin", PASSWORD)
    put = TABLE["PackageView", "upload"]
    assert ask(domain_server, put, "secluded", "main", admin).status_code == 400
    absent = ask(domain_server, put, "nowhere0", "main", admin)
    assert (absent.status_code, absent.json()["message"]) == (404, "there is no owner nowhere0")


@pytest.mark.parametrize("way", ["password", "token", "bearer", "path"])
def test_readers_find_everything(
    server: RunningServer, reader: Account, owner: str, way: str
) -> None:
    private_channel(server, owner)
    token = reader.token(scopes=["read"])
    for url in urls_of(server, owner):
        ways: dict[str, dict[str, Any]] = {
            "password": {"auth": reader.auth},
            "token": {"auth": ("x", token)},
            "bearer": {"headers": bearer(token)},
            "path": {},
        }
        arguments = ways[way]
        if way == "path":
            url = url.replace(server.origin, f"{server.origin}/t/{token}")
        for path in _PATHS[:3]:
            answer = requests.get(f"{url}/{path}", timeout=30, **arguments)
            assert answer.status_code == 200, (path, answer.text)
            assert "private" in answer.headers["Cache-Control"]
        assert status(f"{url}/noarch/missing.json", **arguments) == 404
        ranged = requests.get(
            f"{url}/{_PATHS[2]}",
            timeout=30,
            **{**arguments, "headers": {**arguments.get("headers", {}), "Range": "bytes=0-3"}},
        )
        assert (ranged.status_code, len(ranged.content)) == (206, 4)


@pytest.mark.parametrize("credentials", ["{name}:{password}@", "x:{token}@", "{token}:@"])
def test_rattler_installs_with_credentials_in_the_url(
    server: RunningServer, reader: Account, owner: str, credentials: str, tmp_path: Path
) -> None:
    url = private_channel(server, owner)
    filled = credentials.format(
        name=reader.name,
        password=quote(reader.password),
        token=reader.token(scopes=["read"]),
    )
    with_credentials = url.replace("http://", f"http://{filled}")
    assert install_from([with_credentials], ["demo"], tmp_path / "env") == ["demo-1.0-0.conda"]


def test_rattler_solves_with_a_token_in_the_path(
    server: RunningServer, reader: Account, owner: str
) -> None:
    url = private_channel(server, owner)
    token = reader.token(scopes=["read"])
    for base in (
        url.replace(server.origin, f"{server.origin}/t/{token}"),
        url.replace("/conda", f"/conda/t/{token}") + "/main",
    ):
        assert solve_from([base], ["demo"]) == ["demo-1.0-0.conda"]


def test_a_changed_password_and_a_lost_role_count_at_once(
    server: RunningServer, rest: Rest, reader: Account, owner: str
) -> None:
    url = f"{private_channel(server, owner)}/noarch/repodata.json"
    assert status(url, auth=reader.auth) == 200
    rest.request("PATCH", reader.href, json={"password": "another one 22"})
    assert status(url, auth=reader.auth) == 401
    assert status(url, auth=(reader.name, "another one 22")) == 200
    (role,) = rest.get(f"{reader.href}roles/")["results"]
    assert rest.request("DELETE", role["pulp_href"]).status_code == 204
    assert status(url, auth=(reader.name, "another one 22")) == 403


@pytest.fixture
def rbac_guard(rest: Rest, owner: str) -> dict[str, Any]:
    """pulpcore's own guard, which requires a role on itself."""
    guard: dict[str, Any] = rest.create("contentguards/core/rbac/", name=f"core's for {owner}")
    return guard


def guard_channel(rest: Rest, owner: str, guard: dict[str, Any]) -> None:
    """Make a channel of an owner with a guard."""
    url = f"{rest.server.channel(owner)}/x.conda"
    assert rest.server.put(url, PackageBuilder().conda()).status_code == 201
    (distribution,) = rest.get("distributions/conda/conda/", base_path=f"{owner}/main")["results"]
    body = {"content_guard": guard["pulp_href"]}
    rest.wait(rest.request("PATCH", distribution["pulp_href"], json=body))


@pytest.mark.parametrize("kind", ["alone", "in a composite", "beside ours"])
def test_other_plugins_guards_know_the_user(
    server: RunningServer, rest: Rest, owner: str, rbac_guard: dict[str, Any], kind: str
) -> None:
    guard = rbac_guard
    if kind != "alone":
        guards = [rbac_guard["pulp_href"]]
        if kind == "beside ours":
            ours = rest.create("contentguards/conda/conda/", name=f"ours for {owner}")
            guards.insert(0, ours["pulp_href"])
        path = "contentguards/core/composite/"
        guard = rest.create(path, name=f"{kind} for {owner}", guards=guards)
    guard_channel(rest, owner, guard)
    reader, stranger = new_account(server), new_account(server)
    reader.give("core.rbaccontentguard_downloader", rbac_guard["pulp_href"])
    token = reader.token(scopes=["read"])
    for url in (f"{base}/noarch/repodata.json" for base in urls_of(server, owner)):
        for allowed in (
            {"auth": ("admin", PASSWORD)},
            {"auth": reader.auth},
            {"auth": ("x", token)},
            {"headers": bearer(token)},
        ):
            assert status(url, **allowed) == 200, (url, allowed)
        with_token = url.replace(server.origin, f"{server.origin}/t/{token}")
        assert status(with_token) == 200
        assert reader.session().get(url, timeout=60).status_code == 200
        for refused in (
            {},
            {"cookies": stranger.session().cookies},
            {"cookies": {"sessionid": "unknown"}},
            {"auth": stranger.auth},
            {"headers": bearer(stranger.token(scopes=["read"]))},
            {"headers": bearer(reader.token(scopes=["write"]))},
            {"headers": bearer(reader.token(bound_to=["other"]))},
        ):
            assert status(url, **refused) == 403, (url, refused)
        assert status(url, headers=bearer("pct-" + 48 * "0")) == 401
