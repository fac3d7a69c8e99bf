"""Owners and the names of channels: visibility, spelling, deletion, and names that are refused."""

from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import Account, new_account, put_as
from tests.functional.channels import channel_repository
from tests.functional.harness import PASSWORD, Rest, RunningServer

_BODY = PackageBuilder().conda()


def test_users_make_their_own_namespace_private_without_any_role(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    account, stranger = new_account(server), new_account(server)
    path, body = "conda/owners/", {"name": account.name.upper(), "visibility": "private"}
    assert stranger.rest.request("POST", path, json=body).status_code == 403
    own = account.rest.create(path, **body)
    assert (own["name"], own["user"], own["visibility"]) == (account.name, account.name, "private")
    assert account.rest.request("POST", path, json=body).status_code == 400
    assert put_as(account, account.name, "dev") == 201
    index = f"{server.channel(account.name, 'dev')}/noarch/repodata.json"
    assert requests.get(index, auth=account.auth, timeout=60).ok
    assert requests.get(index, auth=stranger.auth, timeout=60).status_code == 403
    rest.create(path, name=owner, visibility="private")
    assert account.rest.get(path, name=owner)["count"] == 0
    assert stranger.rest.get(path, name=account.name)["count"] == 0
    href, change = own["pulp_href"], {"visibility": "internal", "description": "mine"}
    assert account.rest.get(path, name=account.name)["results"] == [own]
    changed = account.rest.request("PATCH", href, json=change).json()
    assert changed == {**own, **change, "pulp_last_updated": changed["pulp_last_updated"]}
    assert stranger.rest.get(path, name=account.name)["count"] == 1
    role: dict[str, Any] = {"role": "conda.channel_owner", "users": [account.name]}
    attempts: list[tuple[Account, str, str, dict[str, Any], int]] = [
        (account, "PATCH", href, {"name": owner}, 400),
        (account, "PATCH", href, {"user": stranger.name}, 200),
        (account, "POST", f"{href}add_role/", role, 403),
        (account, "DELETE", href, {}, 403),
        (stranger, "PATCH", href, change, 403),
        (stranger, "POST", path, {"name": f"{owner}x"}, 403),
    ]
    for one, method, where, sent, status in attempts:
        answer = one.rest.request(method, where, json=sent)
        assert answer.status_code == status, (method, where, sent, answer.text)
    assert account.rest.get(href)["user"] == account.name


def test_an_owner_is_deleted_once_it_owns_nothing(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    organisation = rest.create("conda/owners/", name=owner)["pulp_href"]
    repository = channel_repository(rest, owner, "dev")
    refused = rest.request("DELETE", organisation)
    assert (refused.status_code, f"{owner}/dev" in refused.text) == (400, True)
    (url,) = rest.get("distributions/conda/conda/", owner__name=owner)["results"]
    for href in (url["pulp_href"], repository):
        rest.wait(rest.request("DELETE", href))
    assert rest.request("DELETE", organisation).status_code == 204


def test_owners_are_found_in_any_case_and_kept_as_written(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    written = owner.capitalize()
    assert rest.create("conda/owners/", name=written)["name"] == written
    again = rest.request("POST", "conda/owners/", json={"name": owner.upper()})
    assert again.status_code == 400
    assert server.put(f"{server.channel(owner, 'dev')}/x.conda", _BODY).status_code == 201
    (found,) = rest.get("distributions/conda/conda/", base_path=f"{written}/dev")["results"]
    assert found["owner"] == written
    for name in (owner, owner.upper(), written):
        assert requests.get(f"{server.channel(name, 'dev')}/noarch/repodata.json").ok
        listed = rest.request("GET", f"/api/v1/packages/{name}").json()
        assert [package["name"] for package in listed] == ["dev/demo"]
    account = new_account(server)
    assert put_as(account, account.name.upper(), "dev") == 201
    (own,) = rest.get("conda/owners/", name=account.name)["results"]
    assert own["user"] == account.name


@pytest.mark.parametrize(
    ("visibility", "anonymous", "signed_in"), [("internal", 401, 200), ("private", 401, 403)]
)
def test_new_channels_have_the_visibility_of_their_owner(
    server: RunningServer,
    rest: Rest,
    owner: str,
    visibility: str,
    anonymous: int,
    signed_in: int,
) -> None:
    rest.create("conda/owners/", name=owner, visibility=visibility)
    stranger = new_account(server)
    path = f"{owner}/by-rest"
    repository = rest.create("repositories/conda/conda/", name=path)["pulp_href"]
    rest.create("distributions/conda/conda/", name=path, base_path=path, repository=repository)
    assert server.put(f"{server.channel(owner, 'put')}/x.conda", _BODY).status_code == 201
    for channel in ("put", "by-rest"):
        url = f"{server.channel(owner, channel)}/noarch/repodata.json"
        assert requests.get(url, timeout=30).status_code == anonymous
        assert requests.get(url, auth=stranger.auth, timeout=30).status_code == signed_in
        assert requests.get(url, auth=("admin", PASSWORD), timeout=30).status_code == 200


def test_a_channel_can_be_created_although_others_took_its_pulp_names(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    path = f"{owner}/dev"
    rest.create("distributions/file/file/", name=path, base_path=f"files-{owner}")
    rest.create("repositories/file/file/", name=path)
    assert server.put(f"{server.channel(owner, 'dev')}/x.conda", _BODY).status_code == 201


def test_a_channel_may_lie_inside_another(server: RunningServer, rest: Rest, owner: str) -> None:
    versions = {"top": "1.0", "top/sub": "2.0", "top/sub/Deep.py3+x": "3.0", "alone/below": "4.0"}
    for channel, version in versions.items():
        body = PackageBuilder(version=version).conda()
        url = server.channel(owner, channel)
        assert server.put(f"{url}/x.conda", body).status_code == 201
    for channel, version in versions.items():
        (found,) = rest.get("distributions/conda/conda/", base_path=f"{owner}/{channel}")["results"]
        assert found["base_path"] == f"{owner}/{channel}"
        assert found["registry_url"] == server.channel(owner, channel)
        for url in (found["base_url"], found["registry_url"]):
            index = requests.get(f"{url.rstrip('/')}/noarch/repodata.json", timeout=30).json()
            assert list(index["packages.conda"]) == [f"demo-{version}-0.conda"]


@pytest.mark.parametrize("channel", ["t", "t/u", "a b", "caf\u00e9", "x" * 129, "..."])
def test_a_name_that_no_url_can_have_is_refused_with_the_rule(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    refused = server.put(f"{server.channel(owner, quote(channel))}/x.conda", _BODY)
    assert refused.status_code == (401 if channel == "t/u" else 400), refused.text
    path = f"{owner}/{channel}"
    body = {"name": path, "base_path": path}
    by_rest = rest.request("POST", "distributions/conda/conda/", json=body)
    assert (by_rest.status_code, list(by_rest.json())) == (400, ["base_path"])
    by_rest = rest.request("POST", "repositories/conda/conda/", json={"name": path})
    assert (by_rest.status_code, list(by_rest.json())) == (400, ["name"])
    assert not rest.get("distributions/conda/conda/", name__startswith=owner)["count"]
