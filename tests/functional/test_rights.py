"""Who may upload where: by name, by role on a channel, an owner, a domain or everywhere."""

import pytest

from tests.builders import PackageBuilder
from tests.functional.accounts import Account, new_account
from tests.functional.harness import Rest, RunningServer

_BODY = PackageBuilder().conda()


def put(account: Account, owner: str, channel: str | None = None) -> int:
    """Upload in an account's name; 201 and 409 both say that it was allowed to."""
    url = f"{account.server.channel(owner, channel)}/x.conda"
    answer = account.server.put(url, _BODY, auth=account.auth)
    return 201 if answer.status_code == 409 else answer.status_code


def channel_repository(rest: Rest, owner: str, channel: str) -> str:
    """Make a channel and return the repository behind it."""
    url = f"{rest.server.channel(owner, channel)}/x.conda"
    assert rest.server.put(url, _BODY).status_code == 201
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
