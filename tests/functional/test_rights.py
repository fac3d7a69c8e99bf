"""The right to upload: by name, or by a role on a channel, an owner, a domain or everywhere."""

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import Account, new_account, put_as
from tests.functional.channels import channel_repository
from tests.functional.harness import PASSWORD, Rest, RunningServer

_BODY = PackageBuilder().conda()


def test_users_own_the_namespace_of_their_name(server: RunningServer) -> None:
    account, other = new_account(server), new_account(server)
    assert put_as(account, account.name, "dev") == 201
    assert put_as(other, account.name, "dev") == 403
    assert put_as(other, account.name, "fresh") == 403
    (repository,) = account.rest.get("repositories/conda/conda/")["results"]
    assert repository["name"] == f"{account.name}/dev"


def test_roles_decide_if_an_organisation_has_the_users_name(
    server: RunningServer, rest: Rest
) -> None:
    account = new_account(server)
    rest.create("conda/owners/", name=account.name)
    assert put_as(account, account.name) == 403


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
    assert put_as(account, owner, "dev") == existing
    assert put_as(account, owner, "fresh") == fresh


def test_a_writer_uploads_creates_and_deletes_and_changes_no_settings(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    """A writer has the rights of a team in Forgejo that may write packages."""
    organisation = rest.create("conda/owners/", name=owner)
    repository = channel_repository(rest, owner, "dev")
    (distribution,) = rest.get("distributions/conda/conda/", base_path=f"{owner}/dev")["results"]
    account = new_account(server)
    account.give("conda.channel_writer", organisation["pulp_href"])
    assert put_as(account, owner, "fresh") == 201
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
    assert put_as(account, owner, "dev") == 201
    assert put_as(account, owner, "prod") == 403
    assert put_as(account, owner, "fresh") == 403


def test_groups_hold_roles_too(server: RunningServer, rest: Rest, owner: str) -> None:
    organisation = rest.create("conda/owners/", name=owner)
    group = rest.create("groups/", name=f"publishers of {owner}")
    account = new_account(server)
    rest.create(f"{group['pulp_href']}users/", username=account.name)
    role = {"role": "conda.channel_publisher", "content_object": organisation["pulp_href"]}
    rest.create(f"{group['pulp_href']}roles/", **role)
    channel_repository(rest, owner, "dev")
    assert put_as(account, owner, "dev") == 201


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
    assert put_as(account, owner) == 403
    account.give("conda.channel_owner", domain=domain)
    assert put_as(account, owner) == 201
    assert put_as(account, f"{owner}b") == 403


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


def test_a_url_gives_no_right_to_another_owners_repository(
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
    assert put_as(Account(server, "admin", "", PASSWORD), account.name, "mirror") == 201
