"""Remotes over HTTP: their rights, their secrets, and probes of a private channel."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from pulp_conda.app.networks import may_be_fetched_from
from tests.functional.accounts import new_account
from tests.functional.channels import private_channel
from tests.functional.harness import ONE_OF_EACH, PASSWORD, Rest, RunningServer, wait_for
from tests.functional.homes import Homes
from tests.functional.mirrors import ALLOWED

_REMOTES = "remotes/conda/conda/"
_URL = "https://upstream.example.org/conda-forge"
_SECRET = "s3cret-t0ken-of-a-remote"


@pytest.fixture(scope="module")
def asking(homes: Homes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that may ask an upstream on the same machine."""
    home = homes.make(tmp_path_factory.mktemp("asking") / "home", ALLOWED)
    with RunningServer(home, arguments=ONE_OF_EACH).start() as running:
        yield running


def probe(server: RunningServer, **fields: Any) -> Any:
    """Make a remote; return the result of its probe."""
    rest = Rest(server)
    href = rest.create(_REMOTES, name=f"remote {fields}", **fields)["pulp_href"]
    task = rest.wait(rest.request("POST", f"{href}probe/"))
    assert _SECRET not in str(task)
    return task["result"]


def cancel(rest: Rest, started: requests.Response) -> None:
    """Cancel a task when it runs: pulpcore reports one that is just starting as failed."""
    task = started.json()["task"]
    wait_for(lambda: rest.get(task)["state"] == "running")
    assert rest.request("PATCH", task, json={"state": "canceled"}).ok
    rest.wait(started, state="canceled")


def test_a_remote_is_made_changed_found_and_deleted(rest: Rest, owner: str) -> None:
    made = rest.create(_REMOTES, name=owner, url=f"{_URL}/", policy="on_demand", newest=3)
    assert (made["url"], made["auth"], made["newest"]) == (_URL, "none", 3)
    rest.update(made["pulp_href"], subdirs=["linux-64"], include=["numpy >=2"])
    for query in ({"name": owner}, {"name": owner, "policy": "on_demand", "auth": "none"}):
        (found,) = rest.get(_REMOTES, **query)["results"]
        assert (found["subdirs"], found["include"]) == (["linux-64"], ["numpy >=2"])
    assert rest.get(_REMOTES, name=owner, url__startswith=_URL)["count"] == 1
    assert rest.get(_REMOTES, name=owner, auth="bearer")["count"] == 0
    answer = rest.request("PATCH", made["pulp_href"], json={"url": "http://127.0.0.1/x"})
    assert answer.status_code == 400
    assert "CONDA_UPSTREAM_ALLOWED_NETWORKS" in answer.text
    rest.wait(rest.request("DELETE", made["pulp_href"]))
    assert rest.get(_REMOTES, name=owner)["count"] == 0


def test_a_channel_goes_on_if_its_remote_is_deleted(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    private_channel(server, owner)
    remote = rest.create(_REMOTES, name=owner, url=_URL)["pulp_href"]
    (repository,) = rest.get("repositories/conda/conda/", name=f"{owner}/main")["results"]
    rest.update(repository["pulp_href"], remote=remote, sync_interval="06:00:00")
    assert rest.get(repository["pulp_href"])["remote"] == remote
    rest.wait(rest.request("DELETE", remote))
    assert rest.get(repository["pulp_href"])["remote"] is None
    answer = rest.request("POST", f"{repository['pulp_href']}sync/", json={})
    assert answer.status_code == 400
    url = f"{server.channel(owner)}/noarch/repodata.json"
    assert requests.get(url, auth=("admin", PASSWORD), timeout=30).ok


def test_secrets_are_shown_nowhere(server: RunningServer, rest: Rest, owner: str) -> None:
    secrets = {"auth": "path_token", "token": _SECRET}
    made = rest.create(_REMOTES, name=owner, url=_URL, **secrets)
    assert {"name": "token", "is_set": True} in made["hidden_fields"]
    for shown in (made, rest.get(made["pulp_href"]), rest.get(_REMOTES, name=owner)):
        assert _SECRET not in str(shown)
    refused = rest.request("PATCH", made["pulp_href"], json={"url": "https://thief.example.org/x"})
    assert refused.status_code == 400
    assert "token" in refused.json()
    rest.update(made["pulp_href"], name=f"{owner}2")
    assert _SECRET not in str(rest.get("tasks/", limit=20))
    assert _SECRET not in server.log.read_text()


def test_who_makes_a_remote_owns_it_and_others_do_not_see_it(
    server: RunningServer, owner: str
) -> None:
    maker, viewer, stranger = (new_account(server) for _ in range(3))
    body = {"name": owner, "url": _URL}
    assert maker.rest.request("POST", _REMOTES, json=body).status_code == 403
    maker.give("conda.condaremote_creator")
    made = maker.rest.create(_REMOTES, **body)["pulp_href"]
    role = {"role": "conda.condaremote_viewer", "users": [viewer.name]}
    assert maker.rest.request("POST", f"{made}add_role/", json=role).ok
    assert viewer.rest.get(made)["url"] == _URL
    assert viewer.rest.request("POST", f"{made}probe/").status_code == 403
    assert viewer.rest.request("PATCH", made, json={"newest": 1}).status_code == 403
    assert stranger.rest.request("GET", made).status_code == 404
    assert stranger.rest.get(_REMOTES, name=owner)["results"] == []
    maker.rest.update(made, newest=1)
    maker.rest.wait(maker.rest.request("DELETE", made))


def test_a_sync_by_a_remote_that_is_not_visible_is_refused(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    writer = new_account(server)
    organisation = rest.create("conda/owners/", name=owner)["pulp_href"]
    writer.give("conda.channel_writer", organisation)
    repository = writer.rest.create("repositories/conda/conda/", name=f"{owner}/x")["pulp_href"]
    remote = rest.create(_REMOTES, name=owner, url="https://127.0.0.1.example.org/x")["pulp_href"]
    body = {"remote": remote, "dry_run": True}
    refused = writer.rest.request("POST", f"{repository}sync/", json=body)
    assert refused.status_code == 400
    assert "remote" in refused.json()
    writer.give("conda.condaremote_viewer", remote)
    answer = writer.rest.request("POST", f"{repository}sync/", json=body)
    assert writer.rest.wait(answer, state="failed")["error"]["error_code"].startswith("CND")


def test_a_second_sync_is_refused_with_the_task_of_the_first(
    asking: RunningServer, owner: str
) -> None:
    rest = Rest(asking)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it accepts, and never answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        remote = rest.create(_REMOTES, name=owner, url=url)["pulp_href"]
        body = {"name": f"{owner}/x", "remote": remote}
        path = f"{rest.create('repositories/conda/conda/', **body)['pulp_href']}sync/"
        first = rest.request("POST", path, json={})
        second = rest.request("POST", path, json={"mode": "mirror"})
        assert second.status_code == 409
        assert second.json()["task"] == first.json()["task"]
        cancel(rest, first)
        again = rest.request("POST", path, json={})
        assert again.status_code == 202
        cancel(rest, again)


def test_a_private_channel_is_probed_with_every_kind_of_credentials(
    server: RunningServer, asking: RunningServer, owner: str
) -> None:
    private_channel(server, owner)
    reader = new_account(server)
    reader.give(
        "conda.channel_reader",
        Rest(server).get("conda/owners/", name=owner)["results"][0]["pulp_href"],
    )
    url, token = server.channel(owner, "main"), reader.token(scopes=["read"])
    password = {"username": reader.name, "password": reader.password}
    ways = [{"auth": way, "token": token} for way in ("bearer", "path_token", "api_key")]
    for way in (*ways, {"auth": "basic", **password}):
        found = probe(asking, url=url, subdirs=["noarch"], **way)
        assert found["authentication"] == "accepted", (way["auth"], found)
        assert found["faults"] == []
        noarch = found["subdirs"]["noarch"]
        assert noarch["documents"]["repodata.json"]["bytes"] > 0
        assert (noarch["shards"]["wrong"], noarch["shards"]["indexed_timestamps"]) == (0, True)
        assert found["file"]["bytes"] > 0
        assert token not in str(found)
    wrong = probe(asking, url=url, auth="bearer", token=_SECRET)
    assert wrong["authentication"] == "refused"
    assert _SECRET not in asking.log.read_text()
    assert token not in asking.log.read_text()


def test_a_name_with_an_address_that_is_not_public_is_refused_when_it_is_asked(
    server: RunningServer,
) -> None:
    name = socket.gethostname()
    try:
        address = socket.gethostbyname(name)
    except OSError:
        pytest.skip("needs a host name that has an address")
    if may_be_fetched_from(address, []):
        pytest.skip("needs a machine without a public address")
    found = probe(server, url=f"http://{name}:1/x")
    (fault,) = found["faults"]
    assert "CONDA_UPSTREAM_ALLOWED_NETWORKS" in fault
    assert address not in fault
    assert not found["complete"]
