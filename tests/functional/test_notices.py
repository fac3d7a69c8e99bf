"""Notices (CEP 6): who may create them, and what clients read."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import Account, bearer, new_account, owner_href, status
from tests.functional.channels import private_channel, repository_of, urls_of
from tests.functional.harness import Rest, RunningServer

_PAST, _FUTURE = "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"


def distribution_of(rest: Rest, owner: str) -> str:
    """Return the distribution of an owner's main channel."""
    (found,) = rest.get("distributions/conda/conda/", base_path=f"{owner}/main")["results"]
    href: str = found["pulp_href"]
    return href


@pytest.fixture
def channel(server: RunningServer, rest: Rest, owner: str) -> str:
    """The distribution of a public channel."""
    url = f"{server.channel(owner)}/x.conda"
    assert server.put(url, PackageBuilder().conda()).status_code == 201
    return distribution_of(rest, owner)


def post(rest: Rest, channel: str, message: str = "Moved", **fields: Any) -> requests.Response:
    """Try to create a notice."""
    body = {"distribution": channel, "message": message, **fields}
    return rest.request("POST", "conda/notices/", json=body)


def served(server: RunningServer, owner: str) -> list[dict[str, str]]:
    """Return the notices that clients read, after checking that both URLs have the same."""
    documents = []
    for url in urls_of(server, owner):
        answer = requests.get(f"{url}/notices.json", timeout=30, allow_redirects=False)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
        documents.append(answer.json())
    assert documents[0] == documents[1]
    assert set(documents[0]) == {"notices"}
    found: list[dict[str, str]] = documents[0]["notices"]
    return found


def test_notices_are_served_until_they_expire_or_are_deleted(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    assert served(server, owner) == []
    first = post(rest, channel, "Moved\nto b", level="critical", expires_at=_FUTURE).json()
    post(rest, channel, "over", expires_at=_PAST)
    second = post(rest, channel, "still here").json()
    found = served(server, owner)
    assert [notice["message"] for notice in found] == ["Moved\nto b", "still here"]
    assert [notice["level"] for notice in found] == ["critical", "info"]
    assert found[0]["expires_at"] == "2999-01-01T00:00:00+00:00"
    assert "expires_at" not in found[1]
    assert all(datetime.fromisoformat(notice["created_at"]).tzinfo for notice in found)
    assert len({UUID(notice["id"]) for notice in found}) == 2
    answer = rest.request("PATCH", first["pulp_href"], json={"expires_at": _PAST})
    assert answer.status_code == 200
    assert served(server, owner) == found[1:]
    assert rest.request("DELETE", second["pulp_href"]).status_code == 204
    assert served(server, owner) == []


def test_unchanged_notices_are_304(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    url = f"{server.channel(owner)}/notices.json"
    before = requests.get(url, timeout=30)
    known = {"If-None-Match": before.headers["ETag"]}
    again = requests.get(url, headers=known, timeout=30)
    assert (again.status_code, again.content) == (304, b"")
    head = requests.head(url, timeout=30)
    assert head.headers["Content-Length"] == str(len(before.content))
    assert head.headers["ETag"] == before.headers["ETag"]
    post(rest, channel)
    assert requests.get(url, headers=known, timeout=30).status_code == 200


def test_a_channel_without_packages_has_notices_too(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    path = f"{owner}/main"
    created = rest.create("distributions/conda/conda/", name=path, base_path=path)
    assert post(rest, created["pulp_href"]).status_code == 201
    assert [notice["message"] for notice in served(server, owner)] == ["Moved"]


@pytest.fixture(scope="module")
def quiet(server: RunningServer) -> str:
    """The distribution of a channel on which no test can create a notice."""
    path = "quiet/main"
    created = Rest(server).create("distributions/conda/conda/", name=path, base_path=path)
    href: str = created["pulp_href"]
    return href


@pytest.mark.parametrize(
    "fields",
    [
        {"message": ""},
        {"message": None},
        {"message": "\x1b[2Jclear"},
        {"message": "turned \u202earound"},
        {"message": "nul\0"},
        {"level": "fatal"},
        {"created_at": "yesterday"},
        {"expires_at": "tomorrow"},
        {"expires_at": 5},
        {"distribution": None},
        {"distribution": "/pulp/api/v3/distributions/conda/conda/x/"},
        {"distribution": "/"},
        {"unknown": "x"},
    ],
)
def test_invalid_notices_are_refused(rest: Rest, quiet: str, fields: dict[str, Any]) -> None:
    answer = post(rest, quiet, **{"message": "Moved", **fields})
    assert answer.status_code == 400, answer.text
    assert set(answer.json()) == set(fields)
    assert rest.get("conda/notices/", distribution=quiet)["count"] == 0


def test_a_notice_stays_with_its_channel(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    url = f"{server.channel(owner, 'dev')}/x.conda"
    server.put(url, PackageBuilder().conda())
    (other,) = rest.get("distributions/conda/conda/", base_path=f"{owner}/dev")["results"]
    notice = post(rest, channel).json()
    move = {"distribution": other["pulp_href"]}
    answer = rest.request("PATCH", notice["pulp_href"], json=move)
    assert (answer.status_code, set(answer.json())) == (400, {"distribution"})


def test_clients_can_read_all_that_is_accepted(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    # Non-ASCII text takes more bytes than characters.
    half = "ü" * 300_000
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda _: post(rest, channel, half), range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 400, 400]
    (refused, *_) = (answer for answer in answers if answer.status_code == 400)
    assert "1048576 bytes" in refused.json()["message"][0]
    notice = post(rest, channel, "short").json()
    answer = rest.request("PATCH", notice["pulp_href"], json={"message": half})
    assert (answer.status_code, set(answer.json())) == (400, {"message"})
    assert [len(each["message"]) for each in served(server, owner)] == [300_000, 5]


def test_users_who_may_modify_a_channel_may_create_its_notices(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    organisation = owner_href(rest, owner)
    for role, place, allowed in (
        ("conda.channel_publisher", organisation, False),
        ("conda.channel_maintainer", organisation, True),
        ("conda.condadistribution_owner", channel, True),
    ):
        account = new_account(server)
        account.give(role, place)
        notice = post(rest, channel).json()["pulp_href"]
        changed = account.rest.request("PATCH", notice, json={"message": "changed"})
        created, deleted = post(account.rest, channel), account.rest.request("DELETE", notice)
        answers = [changed.status_code, created.status_code, deleted.status_code]
        assert answers == ([200, 201, 204] if allowed else [403, 403, 403]), (role, place)


def test_rights_on_a_repository_permit_no_notices_at_another_owners_url(
    server: RunningServer, rest: Rest, owner: str, channel: str
) -> None:
    account = new_account(server)
    account.give("conda.channel_maintainer", repository_of(rest, owner)["pulp_href"])
    path = f"other-{owner}/main"
    elsewhere = rest.create(
        "distributions/conda/conda/",
        name=path,
        base_path=path,
        repository=repository_of(rest, owner)["pulp_href"],
    )
    assert post(account.rest, channel).status_code == 201
    assert post(account.rest, elsewhere["pulp_href"]).status_code == 403


def test_users_may_create_notices_at_the_urls_of_their_name(server: RunningServer) -> None:
    account = new_account(server)
    url = f"{server.channel(account.name)}/x.conda"
    assert server.put(url, PackageBuilder().conda(), auth=account.auth).status_code == 201
    channel = distribution_of(Rest(server), account.name)
    assert post(account.rest, channel).status_code == 201
    assert post(new_account(server).rest, channel).status_code == 403


def test_notices_of_a_channel_are_hidden_from_users_who_may_not_read_it(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    private_channel(server, owner)
    channel = distribution_of(rest, owner)
    notice = post(rest, channel, "secret plans").json()["pulp_href"]
    organisation = owner_href(rest, owner)
    stranger, reader, everywhere, subscriber = (new_account(server) for _ in range(4))
    reader.give("conda.channel_reader", organisation)
    everywhere.give("conda.channel_reader")
    subscriber.give("conda.channel_reader", repository_of(rest, owner)["pulp_href"])

    def seen(account: Account) -> tuple[int, int]:
        listed = account.rest.get("conda/notices/", distribution=channel)["count"]
        return listed, account.rest.request("GET", notice).status_code

    assert seen(stranger) == (0, 404)
    for account in (reader, everywhere, subscriber):
        assert seen(account) == (1, 200)
    no_rights, token = stranger.token(), reader.token()
    for url in urls_of(server, owner):
        assert status(f"{url}/notices.json") == 401
        assert status(f"{url}/notices.json", headers=bearer(no_rights)) == 403
        assert status(f"{url}/notices.json", headers=bearer(token)) == 200


def test_notices_are_found(rest: Rest, channel: str) -> None:
    post(rest, channel, "goes down", level="warning")
    post(rest, channel, "over", expires_at=_PAST)
    filters: list[tuple[dict[str, Any], int]] = [
        ({}, 2),
        ({"level": "warning"}, 1),
        ({"expires_at__isnull": True}, 1),
        ({"expires_at__lt": _FUTURE}, 1),
        ({"message__icontains": "DOWN"}, 1),
    ]
    for wanted, found in filters:
        listed = rest.get("conda/notices/", distribution=channel, **wanted)
        assert listed["count"] == found, wanted
