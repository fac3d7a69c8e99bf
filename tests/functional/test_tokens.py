"""Access tokens: created over REST, accepted in every place where clients send them."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.builders import PackageBuilder
from tests.functional.accounts import Account, bearer, new_account, status
from tests.functional.harness import ONE_OF_EACH, Rest, RunningServer
from tests.functional.homes import Homes
from tests.functional.uploaders import Raw

_PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "password": lambda token: {"auth": ("anybody", token)},
    "user name": lambda token: {"auth": (token, "")},
    "user name, x-oauth-basic": lambda token: {"auth": (token, "x-oauth-basic")},
    "Bearer": lambda token: {"headers": bearer(token)},
    "token": lambda token: {"headers": {"Authorization": f"token {token}"}},
    "X-API-Key": lambda token: {"headers": {"X-API-Key": token}},
}


def later(**duration: float) -> str:
    """Return a time in the future, in the format of the REST API."""
    return (datetime.now(UTC) + timedelta(**duration)).isoformat()


def change_tokens(server: RunningServer, account: Account, name: str, change: str) -> None:
    """Change a user's token in the database, for instance its times."""
    server.shell(
        "from datetime import timedelta\n"
        "from django.utils.timezone import now\n"
        "from pulp_conda.app.models import AccessToken\n"
        f"tokens = AccessToken.objects.filter(user__username={account.name!r}, name={name!r})\n"
        f"assert tokens.update({change}) == 1\n"
    )


@pytest.fixture(scope="module")
def limited(homes: Homes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with limits for tokens, which logs everything."""
    settings = (
        'LOGGING = {"dynaconf_merge": True, "loggers": {"": {"level": "DEBUG"}}}\n'
        "CONDA_TOKEN_MAX_SECONDS = 3600\n"
        "CONDA_MAX_USER_TOKENS = 2\n"
    )
    home = homes.make(tmp_path_factory.mktemp("limited") / "home", settings)
    running = RunningServer(home, arguments=ONE_OF_EACH).start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def account(server: RunningServer) -> Account:
    """A user who publishes into their own namespace."""
    return new_account(server)


@pytest.mark.parametrize("place", _PLACES)
def test_a_token_is_taken_wherever_clients_put_it(
    server: RunningServer, account: Account, place: str
) -> None:
    channel = place.lower().replace(" ", "-").replace(",", "")
    url = f"{server.channel(account.name, channel)}/x.conda"
    good = _PLACES[place](account.token(scopes=["write"]))
    arguments: dict[str, Any] = {"auth": None, **good}
    assert server.put(url, PackageBuilder().conda(), **arguments).status_code == 201
    arguments = {"auth": None, **_PLACES[place]("pct-" + 48 * "0")}
    assert server.put(url, PackageBuilder().conda(), **arguments).status_code == 401


@pytest.mark.parametrize("shape", ["{origin}/t/{token}{path}", "{origin}{head}/t/{token}{tail}"])
def test_a_token_may_be_in_the_url(
    server: RunningServer, account: Account, owner: str, shape: str
) -> None:
    base = urlsplit(server.channel(account.name, f"by-url-{owner}"))
    origin = f"{base.scheme}://{base.netloc}"
    head, tail = base.path[: base.path.index("/conda/") + 6], f"/by-url-{owner}"

    def url(token: str) -> str:
        return shape.format(origin=origin, token=token, path=base.path, head=head, tail=tail)

    token = account.token(scopes=["write"])
    body = PackageBuilder().conda()
    assert server.put(f"{url(token)}/x.conda", body, auth=None).status_code == 201
    assert status(f"{url(token)}/noarch/repodata.json") == 200
    assert status(f"{url('pct-' + 48 * '0')}/noarch/repodata.json") == 401
    assert server.put(f"{url('x')}/x.conda", body, auth=None).status_code == 401


def test_a_token_is_shown_once_and_listed_to_its_user_alone(
    server: RunningServer, rest: Rest
) -> None:
    holder, other = new_account(server), new_account(server)
    answer = holder.rest.request("POST", "conda/tokens/", json={"name": "ci", "scopes": ["read"]})
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    made = answer.json()
    shown = holder.rest.get(made["pulp_href"])
    assert "token" not in shown
    assert made["token"] not in json.dumps(shown)
    assert (shown["name"], shown["user"], shown["scopes"]) == ("ci", holder.name, ["read"])
    assert holder.rest.get("conda/tokens/")["count"] == 1
    assert other.rest.get("conda/tokens/")["count"] == 0
    assert other.rest.request("GET", made["pulp_href"]).status_code == 404
    assert other.rest.request("DELETE", made["pulp_href"]).status_code == 404
    assert rest.get("conda/tokens/", user__username=holder.name)["count"] == 1
    again = holder.rest.request("POST", "conda/tokens/", json={"name": "ci"})
    assert again.status_code == 400
    assert "name" in again.json()


def test_a_token_ends_by_revocation_expiry_and_with_its_user(
    server: RunningServer, rest: Rest
) -> None:
    account = new_account(server)
    url = f"{server.channel(account.name)}/noarch/repodata.json"

    def refused(token: str) -> bool:
        return status(url, headers=bearer(token)) == 401

    revoked, outlived = account.token(name="revoked"), account.token()
    brief = account.token(name="brief", expires=later(hours=1))
    assert not any(refused(token) for token in (revoked, outlived, brief))
    (listed,) = account.rest.get("conda/tokens/", name="revoked")["results"]
    assert listed["last_used"] is not None
    assert account.rest.request("DELETE", listed["pulp_href"]).status_code == 204
    assert refused(revoked)
    change_tokens(server, account, "brief", "expires=now()")
    assert refused(brief)
    rest.request("PATCH", account.href, json={"is_active": False})
    assert refused(outlived)
    past = {"name": "past", "expires": "2020-01-01T00:00:00Z"}
    assert rest.request("POST", "conda/tokens/", json=past).status_code == 400


def test_scopes_and_bounds_narrow_a_token(server: RunningServer) -> None:
    account = new_account(server)
    body = PackageBuilder().conda()

    def put(channel: str, token: str) -> int:
        url = f"{server.channel(account.name, channel)}/x.conda"
        return server.put(url, body, auth=None, headers=bearer(token)).status_code

    assert put("dev", account.token(scopes=["read", "delete"])) == 403
    bound = account.token(scopes=["write"], bound_to=[f"{account.name}/dev"])
    assert put("dev", bound) == 201
    assert put("prod", bound) == 403
    assert put("prod", account.token(scopes=["write"], bound_to=["somebody"])) == 403
    assert put("prod", account.token(scopes=["write"], bound_to=[account.name])) == 201


def test_only_the_plugins_routes_accept_a_token(server: RunningServer, account: Account) -> None:
    token = account.token(scopes=["read", "write", "delete"])
    url = f"{server.origin}/pulp/api/v3/conda/tokens/"
    for arguments in ({"headers": bearer(token)}, {"auth": (account.name, token)}):
        assert status(url, **arguments) == 401


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("acme", True),
        ("Acme_2.x", True),
        ("acme/dev", True),
        ("acme/conda-forge/label/dev", True),
        ("https://host/org/dev", False),
        ("A B", False),
        ("acme/", False),
        ("/dev", False),
        ("acme//dev", False),
        ("acme/d v", False),
        ("ac*", False),
        ("a" * 65, False),
        ("acme/" + "a" * 129, False),
        ("", False),
        (True, False),
        (None, False),
    ],
)
def test_a_token_can_only_be_bound_to_valid_names(
    account: Account, name: object, taken: bool
) -> None:
    body = {"name": f"bound to {name!r}"[:200], "bound_to": [name]}
    answer = account.rest.request("POST", "conda/tokens/", json=body)
    assert answer.status_code == (201 if taken else 400), answer.text
    assert taken or "bound_to" in answer.json()


def test_a_token_is_bound_to_an_owner_in_any_case(server: RunningServer) -> None:
    account = new_account(server)
    token = account.token(scopes=["write"], bound_to=[f"{account.name.upper()}/dev"])
    url = f"{server.channel(account.name, 'dev')}/x.conda"
    body = PackageBuilder().conda()
    assert server.put(url, body, auth=None, headers=bearer(token)).status_code == 201


def test_one_of_many_simultaneous_requests_gets_a_name(server: RunningServer) -> None:
    rest = new_account(server).rest

    def make(_: int) -> int:
        return rest.request("POST", "conda/tokens/", json={"name": "same"}).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(make, range(6))) == [201, *[400] * 5]


def test_a_user_has_as_many_tokens_as_the_server_allows(limited: RunningServer) -> None:
    account = new_account(limited)
    account.token(name="first")
    account.token(name="second")
    answer = account.rest.request("POST", "conda/tokens/", json={"name": "third"})
    assert answer.status_code == 400
    assert "2 tokens" in answer.text
    change_tokens(limited, account, "first", "expires=now()")
    account.token(name="third")
    assert account.rest.get("conda/tokens/")["count"] == 2, "expired tokens do not count"
    new_account(limited).token(name="somebody else's")


def test_a_token_lasts_no_longer_than_the_server_allows(limited: RunningServer) -> None:
    account = new_account(limited)
    url = f"{limited.channel(account.name)}/noarch/repodata.json"
    long = {"name": "long", "expires": later(hours=2)}
    answer = account.rest.request("POST", "conda/tokens/", json=long)
    assert answer.status_code == 400
    assert "1:00:00" in answer.text
    token = account.token(name="short")
    (listed,) = account.rest.get("conda/tokens/")["results"]
    assert listed["expires"] <= later(hours=1)
    assert status(url, headers=bearer(token)) != 401
    aged = "pulp_created=now() - timedelta(hours=2), expires=None"
    change_tokens(limited, account, "short", aged)
    assert status(url, headers=bearer(token)) == 401, "a token from before the limit"


def test_a_token_outlives_the_password_that_made_it(server: RunningServer, rest: Rest) -> None:
    account = new_account(server)
    token = account.token()
    rest.request("PATCH", account.href, json={"password": "another one 22"})
    url = f"{server.channel(account.name)}/noarch/repodata.json"
    assert status(url, headers=bearer(token)) == 404
    (listed,) = rest.get("conda/tokens/", user__username=account.name)["results"]
    assert rest.request("DELETE", listed["pulp_href"]).status_code == 204
    assert status(url, headers=bearer(token)) == 401


def test_no_log_holds_a_token(limited: RunningServer) -> None:
    account = new_account(limited)
    token = account.token(scopes=["read", "write"])
    base = f"{limited.origin}/t/{token}/api/packages/{account.name}/conda"
    assert limited.put(f"{base}/x.conda", PackageBuilder().conda(), auth=None).ok
    assert limited.put(f"{base}/x.conda", b"rubbish", auth=None).status_code == 400
    assert limited.put(f"{base}/x.zip", b"rubbish", auth=None).status_code == 404
    for path in ("noarch/repodata.json", "noarch/missing.json", "noarch/x\0"):
        status(f"{base}/{path}")
    assert status(f"{base}/../../../../pulp/api/v3/nowhere/") in (401, 404)
    raw = Raw(limited, token)
    staged = raw.stage(f"{account.name}/dev").json()
    assert raw.upload(staged["post_url"], b"rubbish").status_code == 400
    assert raw.upload(staged["post_url"], PackageBuilder().conda()).status_code == 201
    logs = [path for path in limited.home.rglob("*") if path.is_file() and path.suffix == ".log"]
    assert logs
    for log in logs:
        assert token not in log.read_text(errors="replace"), log
        assert staged["dist_id"] not in log.read_text(errors="replace"), log
