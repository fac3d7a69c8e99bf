"""Forgejo's and Gitea's generic package API: listing, reading and deleting whole versions."""

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import Account, bearer, new_account
from tests.functional.channels import delete, newest_version, packages, repository_of
from tests.functional.harness import PASSWORD, Rest, RunningServer

# The fields of Gitea's structs Package, User and PackageFile.
_PACKAGE = {"id", "owner", "repository", "creator", "type", "name", "version", "html_url",
            "created_at"}  # fmt: skip
_FILE = {"id", "Size", "size", "name", "subdir", "md5", "sha1", "sha256", "sha512"}


def api(server: RunningServer, owner: str, path: str = "") -> str:
    """Return the URL of an owner's packages, or of what stands below `conda/`."""
    base = f"{server.origin}/api/v1/packages/{owner}"
    return f"{base}/conda/{path}" if path else base


def get(url: str, **kwargs: Any) -> requests.Response:
    return requests.get(url, timeout=30, **kwargs)


def listed(answer: requests.Response) -> list[tuple[str, str]]:
    """Return names and versions of a list."""
    assert answer.status_code == 200, answer.text
    return [(package["name"], package["version"]) for package in answer.json()]


def put(server: RunningServer, url: str, *packages: PackageBuilder) -> None:
    for package in packages:
        assert server.put(f"{url}/x.conda", package.conda()).status_code == 201


@pytest.fixture
def filled(server: RunningServer, owner: str) -> str:
    """An owner with two channels."""
    linux = PackageBuilder("demo").subdir("linux-64")
    put(server, server.channel(owner), PackageBuilder("demo"), PackageBuilder("demo", "2.0"))
    put(server, server.channel(owner), PackageBuilder("demo", build="1"), linux)
    body = PackageBuilder("demo").tar_bz2()
    assert server.put(f"{server.channel(owner)}/x.tar.bz2", body).status_code == 201
    put(server, server.channel(owner, "team/dev"), PackageBuilder("demo"), PackageBuilder("other"))
    return owner


def make_private(rest: Rest, owner: str, channel: str, *, hidden: bool = False) -> None:
    guard = rest.create(
        "contentguards/conda/conda/", name=f"guard of {owner}/{channel}", hidden=hidden
    )
    (found,) = rest.get("distributions/conda/conda/", base_path=f"{owner}/{channel}")["results"]
    body = {"content_guard": guard["pulp_href"]}
    rest.wait(rest.request("PATCH", found["pulp_href"], json=body))


# Reading -------------------------------------------------------------------------------------


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


def test_what_is_not_there_is_404(server: RunningServer, rest: Rest, filled: str) -> None:
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


def test_an_owner_is_there_for_those_who_are_to_know(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    member, stranger = new_account(server), new_account(server)
    bound = member.token(bound_to=[f"{owner}/dev"])
    organisation = rest.create("conda/owners/", name=owner, visibility="private")["pulp_href"]
    member.give("conda.channel_reader", organisation)
    put(server, server.channel(owner, "dev"), PackageBuilder("demo"))
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
    put(server, server.channel(filled), PackageBuilder("demo", "3.0"))
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


def test_a_hidden_channel_is_not_there_for_strangers(
    server: RunningServer, rest: Rest, filled: str
) -> None:
    make_private(rest, filled, "team/dev", hidden=True)
    stranger = new_account(server)
    for who in ({}, {"auth": stranger.auth}):
        hidden = get(api(server, filled, "team%2Fdev%2Fdemo/1.0"), **who)
        absent = get(api(server, filled, "team%2Fdeu%2Fdemo/1.0"), **who)
        assert hidden.status_code == absent.status_code == 404
        assert hidden.text == absent.text.replace("deu", "dev")


# Gitea's SDK ---------------------------------------------------------------------------------


def test_giteas_go_sdk_finds_what_it_asks_for(server: RunningServer, filled: str) -> None:
    """The requests of its release 0.25.1, as it sent them."""
    account = new_account(server)
    token = {"Authorization": f"token {account.token(scopes=['read'])}"}

    def asked(path: str) -> requests.Response:
        answer = get(f"{server.origin}/api/v1{path}", headers=token)
        assert answer.status_code == 200, answer.text
        return answer

    # It makes no client for a server older than this, or without a version of this form.
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


def test_the_latest_version_is_the_one_that_came_last(server: RunningServer, filled: str) -> None:
    put(server, server.channel(filled), PackageBuilder("demo", "0.1"))
    assert get(api(server, filled, "demo/-/latest")).json()["version"] == "0.1"
    for path in ("absent/-/latest", "-/latest", "demo/1.0/-/latest"):
        assert get(api(server, filled, path)).status_code == 404, path
    assert delete(api(server, filled, "demo/-/latest")).status_code == 405


def test_who_one_is_is_told_to_users_alone(server: RunningServer) -> None:
    url = f"{server.origin}/api/v1/user"
    assert get(url, auth=("admin", PASSWORD)).json()["username"] == "admin"
    for wrong in ({}, {"auth": ("admin", "wrong")}):
        assert get(url, **wrong).status_code == 401


# Deleting ------------------------------------------------------------------------------------


def test_a_version_goes_with_all_builds_subdirs_and_formats(
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
    put(server, main, PackageBuilder("demo"))


@pytest.mark.parametrize("path", ["team%2Fdev%2Fdemo/1.0", "team/dev/demo/1.0"])
def test_the_channels_own_version_is_deleted(
    server: RunningServer, rest: Rest, filled: str, path: str
) -> None:
    before = newest_version(rest, filled)
    assert delete(api(server, filled, path)).status_code == 204
    assert packages(server.channel(filled, "team/dev")) == {"other-1.0-0.conda"}
    assert newest_version(rest, filled) == before


def test_all_versions_of_a_name_are_deleted_when_asked_in_so_many_words(
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
def test_deleting_takes_a_maintainer(
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


def test_other_methods_are_told_what_is_allowed(
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
    put(domain_server, domain_server.channel("default", "generic"), PackageBuilder("generic"))
    answer = get(api(domain_server, "default"), params={"q": "generic/"})
    assert listed(answer) == [("generic/generic", "1.0")]
    assert answer.json()[0]["owner"]["login"] == "default"
    assert get(api(domain_server, "nowhere")).status_code == 404
    assert delete(api(domain_server, "default", "generic%2Fgeneric/1.0")).status_code == 204
    assert listed(get(api(domain_server, "default"), params={"q": "generic/"})) == []
