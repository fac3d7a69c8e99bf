"""Forgejo's and Gitea's generic package API: listing and reading."""

import hashlib
import re
from typing import Any

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import bearer, new_account
from tests.functional.channels import delete, newest_version, repository_of, upload
from tests.functional.generic_api import api, filled, get, listed
from tests.functional.harness import PASSWORD, Rest, RunningServer

__all__ = ["filled"]

# The fields of Gitea's structs Package, User and PackageFile.
_PACKAGE = {"id", "owner", "repository", "creator", "type", "name", "version", "html_url",
            "created_at"}  # fmt: skip
_FILE = {"id", "Size", "size", "name", "subdir", "md5", "sha1", "sha256", "sha512"}


def make_private(rest: Rest, owner: str, channel: str, *, hidden: bool = False) -> None:
    guard = rest.create(
        "contentguards/conda/conda/", name=f"guard of {owner}/{channel}", hidden=hidden
    )
    (found,) = rest.get("distributions/conda/conda/", base_path=f"{owner}/{channel}")["results"]
    body = {"content_guard": guard["pulp_href"]}
    rest.wait(rest.request("PATCH", found["pulp_href"], json=body))


def test_an_owners_packages_are_listed_to_everybody(server: RunningServer, filled: str) -> None:
    answer = get(api(server, filled))
    assert listed(answer) == [
        ("demo", "2.0"),
        ("demo", "1.0"),
        ("team/dev/demo", "1.0"),
        ("team/dev/other", "1.0"),
    ]
    assert answer.headers["X-Total-Count"] == "4"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "Link" not in answer.headers
    first = answer.json()[0]
    assert set(first) == _PACKAGE
    assert first["owner"]["login"] == first["owner"]["username"] == filled
    assert (first["type"], first["repository"]) == ("conda", None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first["created_at"])
    assert len({package["id"] for package in answer.json()}) == 4
    for package in answer.json():
        page = get(package["html_url"])
        assert page.headers["Content-Type"].startswith("text/html")
        assert f"<h1>{package['name'].rpartition('/')[2]}" in page.text
    head = requests.head(api(server, filled), timeout=30)
    assert (head.status_code, head.headers["X-Total-Count"]) == (200, "4")


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ({"type": "conda"}, 4),
        ({"type": "npm"}, 0),
        ({"q": "DEMO"}, 3),
        ({"q": "the"}, 1),
        ({"q": "team"}, 2),
        ({"q": "dev/de"}, 1),
        ({"q": "v/"}, 2),
        ({"q": "x/demo"}, 0),
        ({"q": "de%"}, 0),
        ({"q": "a\0b"}, 0),
        ({"q": "ü"}, 0),
        ({"type": " conda ", "q": " other "}, 1),
    ],
)
def test_the_list_is_searched(
    server: RunningServer, filled: str, parameters: dict[str, str], count: int
) -> None:
    answer = get(api(server, filled), params=parameters)
    assert len(listed(answer)) == count
    assert answer.headers["X-Total-Count"] == str(count)


def test_the_list_comes_in_pages(server: RunningServer, filled: str) -> None:
    everything = listed(get(api(server, filled)))
    for limit in (1, 2, 3):
        pages = [
            listed(get(api(server, filled), params={"limit": limit, "page": page}))
            for page in range(1, 6)
        ]
        assert [package for page in pages for package in page] == everything
        assert all(len(page) <= limit for page in pages)
    for odd in ({"limit": 0}, {"limit": "x", "page": "-1"}, {"limit": 9**30}):
        assert listed(get(api(server, filled), params=odd)) == everything
    assert listed(get(api(server, filled), params={"page": 10**40})) == []
    links = get(api(server, filled), params={"limit": 2, "q": "demo"}).links
    assert set(links) == {"next", "last"}
    assert listed(get(links["next"]["url"])) == [("team/dev/demo", "1.0")]
    beyond = get(api(server, filled), params={"limit": 3, "page": 99}).links
    assert set(beyond) == {"first", "prev"}
    assert listed(get(beyond["prev"]["url"])) == everything[3:]
    assert not get(api(server, filled), params={"q": "nothing", "page": 2}).links


def test_one_version_and_its_files(server: RunningServer, filled: str) -> None:
    found = get(api(server, filled, "demo/1.0"))
    assert (found.status_code, set(found.json())) == (200, _PACKAGE)
    files = get(api(server, filled, "demo/1.0/files")).json()
    assert [(file["subdir"], file["name"]) for file in files] == [
        ("linux-64", "demo-1.0-0.conda"),
        ("noarch", "demo-1.0-0.conda"),
        ("noarch", "demo-1.0-0.tar.bz2"),
        ("noarch", "demo-1.0-1.conda"),
    ]
    body = PackageBuilder("demo").conda()
    assert set(files[1]) == _FILE
    assert files[1]["size"] == files[1]["Size"] == len(body)
    for algorithm in ("md5", "sha1", "sha256", "sha512"):
        assert files[1][algorithm] == hashlib.new(algorithm, body).hexdigest()
    assert listed(get(api(server, filled, "demo"))) == [("demo", "2.0"), ("demo", "1.0")]


@pytest.mark.parametrize(
    ("path", "files"),
    [
        ("team%2Fdev%2Fdemo/1.0/files", 1),
        ("team%2fdev%2fdemo/1.0/files", 1),
        ("team/dev/demo/1.0/files", 1),
        ("main%2Fdemo/1.0/files", 4),
        ("dem%6F/1%2E0/files", 4),
    ],
)
def test_the_channel_is_part_of_the_name(
    server: RunningServer, filled: str, path: str, files: int
) -> None:
    answer = get(api(server, filled, path))
    assert answer.status_code == 200, answer.text
    assert len(answer.json()) == files


def test_absent_packages_are_404(server: RunningServer, rest: Rest, filled: str) -> None:
    before = newest_version(rest, filled)
    for path in (
        "demo/3.0", "absent/1.0", "absent", "demo/1.0/", "demo/", "/demo", "demo//1.0",
        "dev%2Fdemo/1.0", "team/dev/1.0", "team%2Fdev/1.0", "Bad!%2Fdemo/1.0", "..%2Fdemo/1.0",
        "demo%00/1.0", "demo/1.0%00", "%00%2Fdemo/1.0", "d%C3%A9mo/1.0", "%FF/1.0", "demo/1.0%0A",
        "demo%2F1.0", "DEMO/1.0", "demo/1.0/files/x", "demo%0A",
    ):  # fmt: skip
        for answer in (get(api(server, filled, path)), delete(api(server, filled, path))):
            assert answer.status_code == 404, (answer.request.method, path)
            assert set(answer.json()) == {"reason", "message"}
    assert newest_version(rest, filled) == before
    for owner in ("no%20owner", "%00", "..%2F", "nobody-here"):
        assert get(api(server, owner), auth=("admin", PASSWORD)).status_code == 404


def test_an_owner_exists_for_users_who_may_know_of_it(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    member, stranger = new_account(server), new_account(server)
    bound = member.token(bound_to=[f"{owner}/dev"])
    organisation = rest.create("conda/owners/", name=owner, visibility="private")["pulp_href"]
    member.give("conda.channel_reader", organisation)
    upload(server, server.channel(owner, "dev"), PackageBuilder("demo"))
    url, absent = api(server, owner), api(server, f"{owner}-x")
    strangers: tuple[dict[str, Any], ...] = ({}, {"auth": stranger.auth})
    members: tuple[dict[str, Any], ...] = ({"auth": member.auth}, {"headers": bearer(bound)})
    for who in strangers:
        hidden = get(url, **who)
        assert hidden.status_code == 404
        assert hidden.text == get(absent, **who).text.replace(f"{owner}-x", owner)
        assert owner not in get(api(server, owner.upper()), **who).text
    for who in members:
        assert listed(get(url, **who)) == [("dev/demo", "1.0")]
    assert listed(get(api(server, stranger.name), auth=stranger.auth)) == [], "their own"
    empty = rest.create("conda/owners/", name=f"{owner}-empty", visibility="internal")
    assert get(api(server, empty["name"])).status_code == 404
    assert listed(get(api(server, empty["name"]), auth=stranger.auth)) == []


def test_a_channel_is_listed_as_it_is_served(
    server: RunningServer, rest: Rest, filled: str
) -> None:
    repository = repository_of(rest, filled)
    upload(server, server.channel(filled), PackageBuilder("demo", "3.0"))
    rest.create(
        "distributions/conda/conda/",
        name=f"{filled}/pinned",
        base_path=f"{filled}/pinned",
        repository_version=repository["latest_version_href"],
    )
    assert listed(get(api(server, filled, "demo")))[0] == ("demo", "3.0")
    assert listed(get(api(server, filled, "pinned%2Fdemo")))[0] == ("pinned/demo", "2.0")
    assert len(listed(get(api(server, filled), params={"q": "demo"}))) == 6
    refused = delete(api(server, filled, "pinned%2Fdemo/1.0"))
    assert refused.status_code == 403
    assert "fixed version" in refused.json()["message"]


def test_private_channels_are_shown_to_their_readers(
    server: RunningServer, rest: Rest, filled: str
) -> None:
    reader, stranger = new_account(server), new_account(server)
    reader.give("conda.channel_reader", repository_of(rest, filled, "team/dev")["pulp_href"])
    make_private(rest, filled, "team/dev")
    url, path = api(server, filled), "team%2Fdev%2Fdemo/1.0"
    assert len(listed(get(url, auth=reader.auth))) == 4
    assert len(listed(get(url, headers=bearer(reader.token(scopes=["read"]))))) == 4
    for who in ({}, {"auth": stranger.auth}, {"headers": bearer(reader.token(scopes=["write"]))}):
        answer = get(url, **who)
        assert listed(answer) == [("demo", "2.0"), ("demo", "1.0")]
        assert answer.headers["X-Total-Count"] == "2"
        for rest_of_path in ("", "/files"):
            refused = get(api(server, filled, path + rest_of_path), **who)
            assert refused.status_code == (403 if who else 401)
            assert "demo" not in refused.text
    assert get(url, auth=(stranger.name, "wrong")).status_code == 401
    assert get(api(server, filled, path), auth=reader.auth).status_code == 200


def test_a_hidden_channel_looks_absent_to_strangers(
    server: RunningServer, rest: Rest, filled: str
) -> None:
    make_private(rest, filled, "team/dev", hidden=True)
    stranger = new_account(server)
    for who in ({}, {"auth": stranger.auth}):
        hidden = get(api(server, filled, "team%2Fdev%2Fdemo/1.0"), **who)
        absent = get(api(server, filled, "team%2Fdeu%2Fdemo/1.0"), **who)
        assert hidden.status_code == absent.status_code == 404
        assert hidden.text == absent.text.replace("deu", "dev")


def test_giteas_go_sdk_works(server: RunningServer, filled: str) -> None:
    """The requests are those of the SDK's release 0.25.1."""
    account = new_account(server)
    token = {"Authorization": f"token {account.token(scopes=['read'])}"}

    def asked(path: str) -> requests.Response:
        answer = get(f"{server.origin}/api/v1{path}", headers=token)
        assert answer.status_code == 200, answer.text
        return answer

    # The SDK refuses a server that is older, or whose version has another form.
    version = re.match(
        r"(\d+)\.(\d+)\.(\d+)([+-][0-9A-Za-z.-]+)?$", asked("/version").json()["version"]
    )
    assert version is not None
    assert tuple(int(number) for number in version.groups()[:3]) >= (1, 11, 0)
    assert asked("/user").json()["login"] == account.name
    limits = asked("/settings/api").json()
    assert limits == {"max_response_items": 50, "default_paging_num": 30}
    everything = listed(asked(f"/packages/{filled}?limit=0&page=0&type=conda"))
    assert everything == listed(asked(f"/packages/{filled}?limit=50&page=1"))
    name = f"/packages/{filled}/conda/team%2Fdev%2Fdemo"
    assert listed(asked(f"{name}?limit=0&page=1")) == [("team/dev/demo", "1.0")]
    assert asked(f"{name}/1.0").json() == asked(f"{name}/-/latest").json()
    assert [file["name"] for file in asked(f"{name}/1.0/files").json()] == ["demo-1.0-0.conda"]
    removed = f"{server.origin}/api/v1{name}/1.0"
    assert delete(removed, None, headers=token).status_code == 403
    assert delete(removed).status_code == 204
    assert delete(removed).json()["message"]


def test_the_latest_version_is_the_one_uploaded_last(server: RunningServer, filled: str) -> None:
    upload(server, server.channel(filled), PackageBuilder("demo", "0.1"))
    assert get(api(server, filled, "demo/-/latest")).json()["version"] == "0.1"
    for path in ("absent/-/latest", "-/latest", "demo/1.0/-/latest"):
        assert get(api(server, filled, path)).status_code == 404, path
    assert delete(api(server, filled, "demo/-/latest")).status_code == 405


def test_only_users_may_ask_for_their_own_account(server: RunningServer) -> None:
    url = f"{server.origin}/api/v1/user"
    assert get(url, auth=("admin", PASSWORD)).json()["username"] == "admin"
    for wrong in ({}, {"auth": ("admin", "wrong")}):
        assert get(url, **wrong).status_code == 401
