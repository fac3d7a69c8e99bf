"""Rights over Pulp's REST API: a private owner's channel, a stranger, a reader and each role."""

from typing import Any

import pytest

from tests.builders import PackageBuilder
from tests.functional.accounts import new_account, put_as
from tests.functional.channels import channel_repository
from tests.functional.harness import Rest, RunningServer

_FORBIDDEN = (400, 403, 404)


@pytest.fixture
def hidden(server: RunningServer, rest: Rest, owner: str) -> dict[str, str]:
    """A channel of a private owner: the hrefs of all objects that belong to it."""
    organisation = rest.create("conda/owners/", name=owner, visibility="private")
    # Equal packages are one unit, so this one must be in no other channel.
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


def test_a_stranger_can_use_no_object_of_a_private_owner(
    server: RunningServer, hidden: dict[str, str]
) -> None:
    stranger = new_account(server)
    assert put_as(stranger, stranger.name, "own") == 201
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


def test_a_reader_may_not_copy_packages_elsewhere(
    server: RunningServer, hidden: dict[str, str]
) -> None:
    reader = new_account(server)
    reader.give("conda.channel_reader", hidden["repository"])
    assert put_as(reader, reader.name, "own") == 201
    (own,) = reader.rest.get("distributions/conda/conda/", owner__name=reader.name)["results"]
    for noun in ("repository", "publication"):
        body = {"repository": None, noun: hidden[noun]}
        answer = reader.rest.request("PATCH", own["pulp_href"], json=body)
        assert answer.status_code == 403, answer.text


@pytest.mark.parametrize("scope", ["owner", "repository"])
@pytest.mark.parametrize("role", ["reader", "publisher", "maintainer", "owner"])
def test_each_role_has_the_rights_over_rest_that_the_guide_says(
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
