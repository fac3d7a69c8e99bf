"""Forgejo's and Gitea's generic package API: deleting versions and packages."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import Account, bearer, new_account
from tests.functional.channels import delete, newest_version, packages, repository_of, upload
from tests.functional.generic_api import api, filled, get, listed
from tests.functional.harness import Rest, RunningServer

__all__ = ["filled"]


def test_a_version_is_removed_with_all_builds_subdirs_and_formats(
    server: RunningServer, filled: str
) -> None:
    removed = delete(api(server, filled, "demo/1.0"))
    assert (removed.status_code, removed.content) == (204, b"")
    main = server.channel(filled)
    assert packages(main) == {"demo-2.0-0.conda"}
    assert packages(main, "linux-64") == set()
    assert packages(server.channel(filled, "team/dev")) == {"demo-1.0-0.conda", "other-1.0-0.conda"}
    assert delete(api(server, filled, "demo/1.0")).status_code == 404
    assert get(api(server, filled, "demo/1.0")).status_code == 404
    assert get(f"{main}/noarch/demo-1.0-0.conda").status_code == 404, "withdrawn at once"
    upload(server, main, PackageBuilder("demo"))


@pytest.mark.parametrize("path", ["team%2Fdev%2Fdemo/1.0", "team/dev/demo/1.0"])
def test_the_channels_own_version_is_deleted(
    server: RunningServer, rest: Rest, filled: str, path: str
) -> None:
    before = newest_version(rest, filled)
    assert delete(api(server, filled, path)).status_code == 204
    assert packages(server.channel(filled, "team/dev")) == {"other-1.0-0.conda"}
    assert newest_version(rest, filled) == before


def test_all_versions_of_a_name_are_deleted_only_on_explicit_request(
    server: RunningServer, rest: Rest, filled: str
) -> None:
    before = newest_version(rest, filled), newest_version(rest, filled, "team/dev")
    everything = "?all_versions=true"
    for path in ("demo", "demo/", "demo?all_versions=", "team%2Fdev%2Fdemo", f"demo/{everything}"):
        forgotten = delete(api(server, filled, path))
        assert forgotten.status_code == 404, path
        assert set(forgotten.json()) == {"reason", "message"}
    assert "?all_versions=true" in delete(api(server, filled, "demo")).json()["message"]
    for path in (f"demo/2.0{everything}", f"team/dev/demo{everything}"):
        assert delete(api(server, filled, path)).status_code == 400, path
    assert (newest_version(rest, filled), newest_version(rest, filled, "team/dev")) == before
    assert delete(api(server, filled, f"team%2Fdev%2Fdemo{everything}")).status_code == 204
    assert packages(server.channel(filled, "team/dev")) == {"other-1.0-0.conda"}
    assert newest_version(rest, filled) == before[0]
    assert delete(api(server, filled, f"demo{everything}")).status_code == 204
    assert packages(server.channel(filled)) == set()
    assert delete(api(server, filled, f"demo{everything}")).status_code == 404


def test_one_version_deleted_by_many_at_once(server: RunningServer, filled: str) -> None:
    url = api(server, filled, "demo/1.0")
    with ThreadPoolExecutor(5) as pool:
        statuses = {answer.status_code for answer in pool.map(delete, [url] * 5)}
    assert 204 in statuses
    assert statuses <= {204, 404}


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (None, 403),
        ("conda.channel_reader", 403),
        ("conda.channel_publisher", 403),
        ("conda.channel_maintainer", 204),
    ],
)
def test_deleting_requires_a_maintainer(
    server: RunningServer, rest: Rest, filled: str, role: str | None, expected: int
) -> None:
    account = new_account(server)
    if role:
        account.give(role, repository_of(rest, filled)["pulp_href"])
    before = newest_version(rest, filled)
    for path in ("demo/1.0", "demo?all_versions=true"):
        assert delete(api(server, filled, path), None).status_code == 401
        assert delete(api(server, filled, path), account.auth).status_code == expected
    assert (newest_version(rest, filled) == before) is (expected == 403)
    elsewhere = delete(api(server, filled, "team%2Fdev%2Fdemo"), account.auth)
    assert elsewhere.status_code == 403


def test_a_token_needs_the_scope_delete(server: RunningServer, rest: Rest) -> None:
    account: Account = new_account(server)
    url = server.channel(account.name)
    assert server.put(f"{url}/x.conda", PackageBuilder().conda(), auth=account.auth).ok
    before = newest_version(rest, account.name)
    path = api(server, account.name, "demo/1.0")
    write, right = account.token(scopes=["read", "write"]), account.token(scopes=["delete"])
    assert delete(path, None, headers=bearer(write)).status_code == 403
    assert newest_version(rest, account.name) == before
    assert delete(path, None, headers=bearer(right)).status_code == 204


def test_answers_to_other_methods_say_what_is_allowed(
    server: RunningServer, rest: Rest, filled: str
) -> None:
    before = newest_version(rest, filled)
    for path, allowed in (
        ("", "GET, HEAD, OPTIONS"),
        ("demo", "GET, HEAD, DELETE, OPTIONS"),
        ("demo/1.0", "GET, HEAD, DELETE, OPTIONS"),
        ("demo/1.0/files", "GET, HEAD, OPTIONS"),
        ("demo/-/latest", "GET, HEAD, OPTIONS"),
    ):
        url = api(server, filled, path)
        for method in {"POST", "PUT", "PATCH", "DELETE"} - set(allowed.split(", ")):
            refused = requests.request(method, url, auth=("admin", "password"), timeout=30)
            assert refused.status_code == 405, (method, path)
            assert refused.headers["Allow"] == allowed
            assert set(refused.json()) == {"reason", "message"}
        options = requests.options(url, timeout=30)
        assert (options.status_code, options.headers["Allow"]) == (204, allowed)
    assert newest_version(rest, filled) == before


def test_with_domains_the_owner_is_the_domain(domain_server: RunningServer) -> None:
    upload(domain_server, domain_server.channel("default", "generic"), PackageBuilder("generic"))
    answer = get(api(domain_server, "default"), params={"q": "generic/"})
    assert listed(answer) == [("generic/generic", "1.0")]
    assert answer.json()[0]["owner"]["login"] == "default"
    assert get(api(domain_server, "nowhere")).status_code == 404
    assert delete(api(domain_server, "default", "generic%2Fgeneric/1.0")).status_code == 204
    assert listed(get(api(domain_server, "default"), params={"q": "generic/"})) == []
