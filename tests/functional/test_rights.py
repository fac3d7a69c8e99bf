"""Who may upload where: by name, by role on a channel, an owner, a domain or everywhere."""

from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import Account, new_account
from tests.functional.harness import PASSWORD, Rest, RunningServer

_BODY = PackageBuilder().conda()


def put(account: Account, owner: str, channel: str | None = None) -> int:
    """Upload in an account's name; 201 and 409 both say that it was allowed to."""
    url = f"{account.server.channel(owner, channel)}/x.conda"
    answer = account.server.put(url, _BODY, auth=account.auth)
    return 201 if answer.status_code == 409 else answer.status_code


def channel_repository(rest: Rest, owner: str, channel: str, body: bytes = _BODY) -> str:
    """Make a channel and return the repository behind it."""
    url = f"{rest.server.channel(owner, channel)}/x.conda"
    assert rest.server.put(url, body).status_code == 201
    (found,) = rest.get("repositories/conda/conda/", name=f"{owner}/{channel}")["results"]
    href: str = found["pulp_href"]
    return href


def test_a_user_owns_the_namespace_of_his_name(server: RunningServer) -> None:
    account, other = new_account(server), new_account(server)
    assert put(account, account.name, "dev") == 201
    assert put(other, account.name, "dev") == 403
    assert put(other, account.name, "fresh") == 403
    (repository,) = account.rest.get("repositories/conda/conda/")["results"]
    assert repository["name"] == f"{account.name}/dev"


def test_where_an_organisation_has_the_name_roles_decide(server: RunningServer, rest: Rest) -> None:
    account = new_account(server)
    rest.create("conda/owners/", name=account.name)
    assert put(account, account.name) == 403


@pytest.mark.parametrize(
    ("role", "existing", "fresh"),
    [
        ("conda.channel_reader", 403, 403),
        ("conda.channel_publisher", 201, 403),
        ("conda.channel_writer", 201, 201),
        ("conda.channel_maintainer", 201, 403),
        ("conda.channel_owner", 201, 201),
    ],
)
@pytest.mark.parametrize("scope", ["owner", "everywhere"])
def test_a_role_on_an_owner_holds_for_its_channels(
    server: RunningServer, rest: Rest, owner: str, role: str, existing: int, fresh: int, scope: str
) -> None:
    organisation = rest.create("conda/owners/", name=owner)
    channel_repository(rest, owner, "dev")
    account = new_account(server)
    account.give(role, organisation["pulp_href"] if scope == "owner" else None)
    assert put(account, owner, "dev") == existing
    assert put(account, owner, "fresh") == fresh


def test_a_writer_uploads_creates_and_deletes_and_changes_no_settings(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    """What a team of Forgejo may that writes packages."""
    organisation = rest.create("conda/owners/", name=owner)
    repository = channel_repository(rest, owner, "dev")
    (distribution,) = rest.get("distributions/conda/conda/", base_path=f"{owner}/dev")["results"]
    account = new_account(server)
    account.give("conda.channel_writer", organisation["pulp_href"])
    assert put(account, owner, "fresh") == 201
    for url in (
        f"{server.channel(owner, 'dev')}/noarch/demo-1.0-0.conda",
        f"{server.origin}/api/v1/packages/{owner}/conda/fresh%2Fdemo/1.0",
    ):
        assert requests.delete(url, auth=account.auth, timeout=60).status_code == 204
    role = {"role": "conda.channel_owner", "users": [account.name]}
    served = {"name": f"{owner}/copy", "base_path": f"{owner}/copy", "repository": repository}
    notice = {"distribution": distribution["pulp_href"], "message": "x", "level": "info"}
    for method, path, body in (
        ("PATCH", repository, {"description": "mine"}),
        ("PATCH", repository, {"immutable_names": True}),
        ("DELETE", repository, {}),
        ("POST", f"{repository}add_role/", role),
        ("PATCH", distribution["pulp_href"], {"content_guard": None}),
        ("DELETE", distribution["pulp_href"], {}),
        ("POST", f"{distribution['pulp_href']}add_role/", role),
        ("POST", f"{organisation['pulp_href']}add_role/", role),
        ("PATCH", organisation["pulp_href"], {"visibility": "private"}),
        ("POST", "distributions/conda/conda/", served),
        ("POST", "conda/notices/", notice),
    ):
        answer = account.rest.request(method, path, json=body)
        assert answer.status_code == 403, (method, path, answer.text)


def test_a_role_on_a_channel_holds_for_it_alone(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    repository = channel_repository(rest, owner, "dev")
    channel_repository(rest, owner, "prod")
    account = new_account(server)
    account.give("conda.channel_publisher", repository)
    assert put(account, owner, "dev") == 201
    assert put(account, owner, "prod") == 403
    assert put(account, owner, "fresh") == 403


def test_groups_hold_roles_too(server: RunningServer, rest: Rest, owner: str) -> None:
    organisation = rest.create("conda/owners/", name=owner)
    group = rest.create("groups/", name=f"publishers of {owner}")
    account = new_account(server)
    rest.create(f"{group['pulp_href']}users/", username=account.name)
    role = {"role": "conda.channel_publisher", "content_object": organisation["pulp_href"]}
    rest.create(f"{group['pulp_href']}roles/", **role)
    channel_repository(rest, owner, "dev")
    assert put(account, owner, "dev") == 201


def test_a_domains_roles_are_its_owners(domain_server: RunningServer, owner: str) -> None:
    rest = Rest(domain_server)
    for name in (owner, f"{owner}b"):
        rest.create(
            "domains/",
            name=name,
            storage_class="pulpcore.app.models.storage.FileSystem",
            storage_settings={"MEDIA_ROOT": str(domain_server.home / "media" / name)},
        )
    domain = rest.get("domains/", name=owner)["results"][0]["pulp_href"]
    account = new_account(domain_server)
    assert put(account, owner) == 403
    account.give("conda.channel_owner", domain=domain)
    assert put(account, owner) == 201
    assert put(account, f"{owner}b") == 403


def test_roles_on_an_owner_show_its_channels_in_the_rest_api(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    organisation = rest.create("conda/owners/", name=owner)
    repository = channel_repository(rest, owner, "dev")
    account = new_account(server)
    path = "repositories/conda/conda/"
    assert account.rest.get(path, name=f"{owner}/dev")["count"] == 0
    account.give("conda.channel_reader", organisation["pulp_href"])
    assert account.rest.get(path, name=f"{owner}/dev")["count"] == 1
    assert account.rest.get(f"{repository}versions/")["count"] == 2
    modify = f"{repository}modify/"
    content: dict[str, list[str]] = {"remove_content_units": ["*"]}
    assert account.rest.request("POST", modify, json=content).status_code == 403
    account.give("conda.channel_maintainer", organisation["pulp_href"])
    assert account.rest.request("POST", modify, json=content).status_code == 202


def test_an_owner_keeps_its_name_and_what_was_created_in_it(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    organisation = rest.create("conda/owners/", name=owner)["pulp_href"]
    repository = channel_repository(rest, owner, "dev")
    account, victim = new_account(server), new_account(server)
    account.give("conda.channel_owner", organisation)
    for name in (victim.name, "admin", owner.upper()):
        renamed = account.rest.request("PATCH", organisation, json={"name": name})
        assert (renamed.status_code, list(renamed.json())) == (400, ["name"])
    moved = account.rest.request("PATCH", repository, json={"name": f"{account.name}/dev"})
    assert (moved.status_code, list(moved.json())) == (400, ["name"])
    assert rest.get(repository)["owner"] == owner


def test_a_url_gives_no_right_to_what_another_owner_keeps_behind_it(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    repository = channel_repository(rest, owner, "dev")
    account = new_account(server)
    path = f"{account.name}/mirror"
    rest.create("distributions/conda/conda/", name=path, base_path=path, repository=repository)
    before = rest.get(repository)["latest_version_href"]
    more = PackageBuilder(version="2.0").conda()
    mirror = server.channel(account.name, "mirror")
    assert requests.get(f"{mirror}/noarch/repodata.json", auth=account.auth, timeout=60).ok
    generic = f"{server.origin}/api/v1/packages/{account.name}/conda/mirror%2Fdemo/1.0"
    dist = f"{account.name}/mirror/demo/1.0/noarch/demo-1.0-0.conda"
    for method, url, body in (
        ("PUT", f"{mirror}/x.conda", more),
        ("POST", f"{server.origin}/api/channels/{path}/upload/x.conda?force=true", more),
        ("DELETE", f"{mirror}/noarch/demo-1.0-0.conda", None),
        ("DELETE", generic, None),
        ("DELETE", f"{server.origin}/api/anaconda/dist/{dist}", None),
    ):
        refused = requests.request(method, url, data=body, auth=account.auth, timeout=60)
        assert refused.status_code == 403, (method, url, refused.text)
    assert rest.get(repository)["latest_version_href"] == before
    assert put(Account(server, "admin", "", PASSWORD), account.name, "mirror") == 201


def test_users_make_their_own_namespace_private_without_any_role(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    account, stranger = new_account(server), new_account(server)
    path, body = "conda/owners/", {"name": account.name.upper(), "visibility": "private"}
    assert stranger.rest.request("POST", path, json=body).status_code == 403
    own = account.rest.create(path, **body)
    assert (own["name"], own["user"], own["visibility"]) == (account.name, account.name, "private")
    assert account.rest.request("POST", path, json=body).status_code == 400
    assert put(account, account.name, "dev") == 201
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
    assert put(account, account.name.upper(), "dev") == 201
    (own,) = rest.get("conda/owners/", name=account.name)["results"]
    assert own["user"] == account.name


@pytest.mark.parametrize(
    ("visibility", "anonymous", "signed_in"), [("internal", 401, 200), ("private", 401, 403)]
)
def test_new_channels_are_as_visible_as_their_owner_wants(
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


def test_names_that_others_took_do_not_keep_a_channel_from_being_created(
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


_FORBIDDEN = (400, 403, 404)


@pytest.fixture
def hidden(server: RunningServer, rest: Rest, owner: str) -> dict[str, str]:
    """A channel of a private owner: hrefs of all that stands behind it."""
    organisation = rest.create("conda/owners/", name=owner, visibility="private")
    # Equal packages are one unit: this one is in no other channel.
    secret = PackageBuilder("secret", build=owner).conda()
    repository = channel_repository(rest, owner, "dev", secret)
    (distribution,) = rest.get("distributions/conda/conda/", base_path=f"{owner}/dev")["results"]
    version = rest.get(repository)["latest_version_href"]
    (unit,) = rest.get("content/conda/packages/", repository_version=version)["results"]
    (publication,) = rest.get("publications/conda/conda/", repository_version=version)["results"]
    return {
        "owner": organisation["pulp_href"],
        "repository": repository,
        "distribution": distribution["pulp_href"],
        "version": version,
        "unit": unit["pulp_href"],
        "artifact": unit["artifact"],
        "publication": publication["pulp_href"],
    }


def test_a_stranger_gets_hold_of_nothing(server: RunningServer, hidden: dict[str, str]) -> None:
    stranger = new_account(server)
    assert put(stranger, stranger.name, "own") == 201
    (own,) = stranger.rest.get("repositories/conda/conda/")["results"]
    (url,) = stranger.rest.get("distributions/conda/conda/")["results"]
    listed = stranger.rest.get("repository_versions/")["results"]
    assert {version["repository"] for version in listed} == {own["pulp_href"]}
    modify, patch = f"{own['pulp_href']}modify/", url["pulp_href"]
    fresh = {"name": f"{stranger.name}/new", "base_path": f"{stranger.name}/new"}
    owner = Rest(server).get(hidden["owner"])["name"]
    attempts: list[tuple[str, str, dict[str, object]]] = [
        ("POST", modify, {"base_version": hidden["version"]}),
        ("POST", modify, {"add_content_units": [hidden["unit"]]}),
        ("PATCH", patch, {"repository": hidden["repository"]}),
        ("PATCH", patch, {"repository": None, "publication": hidden["publication"]}),
        ("PATCH", patch, {"repository": None, "repository_version": hidden["version"]}),
        ("PATCH", patch, {"base_path": f"{owner}/release"}),
        ("PATCH", patch, {"base_path": owner}),
        ("POST", "distributions/conda/conda/", {**fresh, "repository": hidden["repository"]}),
        ("POST", "distributions/conda/conda/", {"name": "x", "base_path": f"{owner}/x"}),
        ("POST", "repositories/conda/conda/", {"name": f"{owner}/x"}),
        ("POST", "publications/conda/conda/", {"repository": hidden["repository"]}),
        *(("GET", hidden[noun], {}) for noun in hidden if noun != "artifact"),
        *(("DELETE", hidden[noun], {}) for noun in hidden if noun != "artifact"),
    ]
    for method, path, body in attempts:
        answer = stranger.rest.request(method, path, json=body)
        assert answer.status_code in (*_FORBIDDEN, 405), (method, path, body, answer.text)
    upload = {"repository": own["pulp_href"], "artifact": hidden["artifact"]}
    answer = stranger.rest.request("POST", "content/conda/packages/", data=upload)
    assert answer.status_code == 403, answer.text
    assert stranger.rest.get("distributions/conda/conda/")["count"] == 1
    assert stranger.rest.get("publications/conda/conda/")["count"] == 1


def test_a_reader_may_not_pass_on_what_they_read(
    server: RunningServer, hidden: dict[str, str]
) -> None:
    reader = new_account(server)
    reader.give("conda.channel_reader", hidden["repository"])
    assert put(reader, reader.name, "own") == 201
    (own,) = reader.rest.get("distributions/conda/conda/", owner__name=reader.name)["results"]
    for noun in ("repository", "publication"):
        body = {"repository": None, noun: hidden[noun]}
        answer = reader.rest.request("PATCH", own["pulp_href"], json=body)
        assert answer.status_code == 403, answer.text


@pytest.mark.parametrize("scope", ["owner", "repository"])
@pytest.mark.parametrize("role", ["reader", "publisher", "maintainer", "owner"])
def test_each_role_may_over_rest_what_the_guide_says(
    server: RunningServer, hidden: dict[str, str], role: str, scope: str
) -> None:
    account = new_account(server)
    account.give(f"conda.channel_{role}", hidden[scope])
    rest, rank = account.rest, ["reader", "publisher", "maintainer", "owner"].index(role)
    for noun in ("repository", "distribution", "version", "unit", "publication"):
        assert rest.request("GET", hidden[noun]).status_code == 200, noun
    for listing in ("repositories", "distributions", "publications"):
        assert rest.get(f"{listing}/conda/conda/")["count"] >= 1, listing
    body = PackageBuilder(version=f"{rank + 2}.0").conda()
    upload = {"repository": hidden["repository"], "overwrite": "false"}
    files = {"file": ("package", body)}
    routes: list[tuple[int, str, str, dict[str, Any]]] = [
        (1, "POST", "content/conda/packages/", {"data": upload, "files": files}),
        (2, "POST", f"{hidden['repository']}modify/", {"json": {"remove_content_units": []}}),
        (2, "POST", f"{hidden['repository']}cleanup/", {}),
        (2, "POST", "publications/conda/conda/", {"json": {"repository": hidden["repository"]}}),
        (2, "PATCH", hidden["distribution"], {"json": {"repository": hidden["repository"]}}),
        (2, "PATCH", hidden["repository"], {"json": {"description": "x"}}),
        (2, "POST", "conda/notices/", {"json": _notice(hidden)}),
    ]
    for needed, method, path, arguments in routes:
        answer = rest.request(method, path, **arguments)
        assert answer.ok is (rank >= needed), (method, path, answer.text)
        if not answer.ok:
            assert answer.status_code == 403, (method, path, answer.text)
    path = f"{Rest(server).get(hidden['owner'])['name']}/by-{role}"
    made = rest.request("POST", "repositories/conda/conda/", json={"name": path})
    assert made.status_code == (201 if (role, scope) == ("owner", "owner") else 403), made.text


def _notice(hidden: dict[str, str]) -> dict[str, str]:
    return {"distribution": hidden["distribution"], "message": "hello"}
