"""The table of rights holds, for each route, role and kind of channel.

A route of the plugin without a row in the table fails.
"""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import requests

from tests.builders import PackageBuilder
from tests.functional.accounts import Account, new_account
from tests.functional.harness import PASSWORD, PATIENCE_SECONDS, Rest, RunningServer
from tests.functional.rights_rows import KINDS, ROLES, Row
from tests.functional.rights_table import TABLE

_PREFIX = "table"

_ROUTES = """
import json
from django.urls import get_resolver
from pulp_conda.app.content.handlers import HANDLERS
def walk(resolver):
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from walk(pattern)
        elif getattr(pattern.callback, "cls", object).__module__.startswith("pulp_conda."):
            for action in pattern.callback.actions.values():
                yield pattern.callback.cls.__name__, action
handlers = [("content", handler.__name__) for handler in HANDLERS]
print(json.dumps(sorted({*walk(get_resolver()), *handlers})))
"""

_EXPENDABLE = """
from pulp_conda.app.models import CondaPublication, CondaRepository
from pulpcore.plugin.util import get_url
for name in {names!r}:
    version = CondaRepository.objects.get(name=name).latest_version()
    print(get_url(CondaPublication.objects.create(repository_version=version, complete=True)))
"""


@dataclass
class World:
    """A channel of each kind, an account of each role, and things that requests remove."""

    server: RunningServer
    rest: Rest
    accounts: Mapping[str, Account]
    things: dict[str, dict[str, str]]
    publications: list[str]

    def differences(self, kind: str) -> list[str]:
        """Send all requests of the table for a kind of channel; return the unexpected answers."""
        wrong = []
        with requests.Session() as session:
            session.trust_env = False
            for (view, action), row in TABLE.items():
                for role in row.asked_by(kind):
                    status, expected = self.ask(session, kind, role, row), row.expected(role, kind)
                    if status != expected:
                        wrong.append(f"{view}.{action} {kind} {role}: {status}, not {expected}")
        return wrong

    def ask(self, session: requests.Session, kind: str, role: str, row: Row) -> int:
        """Send a row's request for a channel as a role; return the status of the answer."""
        account = self.accounts.get(role)
        things = {**self.things[kind], "role": role}
        things |= {name.removesuffix(f" {role}"): thing for name, thing in things.items()}
        if row.expendable:
            makes = row.who(role, kind)
            things["expendable"] = (
                self.expendable(kind, role, row) if makes else things.get(row.expendable, "")
            )
        auth = account.auth if account else None
        answer = row.send(self.server, things, auth, session)
        if row.is_list and answer.ok:
            return 200 if answer.json()["results"] else 404
        return answer.status_code

    def expendable(self, kind: str, role: str, row: Row) -> str:
        """Make the thing that a request removes; return its href."""
        things = self.things[kind]
        name = f"{things['owner_name']}/{role}-{row.expendable}"
        match row.expendable:
            case "publication":
                return self.publications.pop()
            case "notice":
                body = {"distribution": things["distribution"], "message": "x"}
                path = "conda/notices/"
            case "distribution":
                body, path = {"name": name, "base_path": name}, "distributions/conda/conda/"
            case "repository":
                body, path = {"name": name}, "repositories/conda/conda/"
            case "guard":
                body, path = {"name": name}, "contentguards/conda/conda/"
            case "remote":
                body = {"name": name, "url": "https://upstream.example.org/x"}
                path = "remotes/conda/conda/"
            case "token":
                body, path = {"name": name}, "conda/tokens/"
            case _:
                return ""
        href: str = self.rest.create(path, **body)["pulp_href"]
        return href


def _account(server: RunningServer, role: str, owners: list[str]) -> Account:
    account = new_account(server, f"{_PREFIX}-{role}")
    if role != "stranger":
        for owner in owners:
            account.give(f"conda.channel_{role}", owner)
    return account


def _channel(server: RunningServer, kind: str, owner: str) -> dict[str, str]:
    """Make a channel of a kind; return the hrefs and names of everything that belongs to it."""
    rest, owner_name = Rest(server), f"{_PREFIX}-{kind}"
    things = {"owner": owner, "owner_name": owner_name, "channel_name": "dev"}
    things |= _packages(server, server.channel(owner_name, "dev"), kind)
    for noun, path in (("repository", "repositories"), ("distribution", "distributions")):
        (found,) = rest.get(f"{path}/conda/conda/", name=f"{owner_name}/dev")["results"]
        things[noun] = found["pulp_href"]
    things |= _content(rest, things["repository"])
    notice = {"distribution": things["distribution"], "message": "hello"}
    things["notice"] = rest.create("conda/notices/", **notice)["pulp_href"]
    things["guard_name"] = name = f"guard of {owner_name}"
    guard = rest.create("contentguards/conda/conda/", name=name, hidden=kind == "hidden")
    things["guard"] = guard["pulp_href"]
    things["remote_name"] = name = f"remote of {owner_name}"
    remote = {"name": name, "url": "https://upstream.example.org/x"}
    things["remote"] = rest.create("remotes/conda/conda/", **remote)["pulp_href"]
    if kind == "hidden":
        body = {"content_guard": guard["pulp_href"]}
        rest.wait(rest.request("PATCH", things["distribution"], json=body))
    for name in ("bare", "empty"):
        made = rest.create("repositories/conda/conda/", name=f"{owner_name}/{name}")
        things[name] = made["pulp_href"]
    token = rest.create("conda/tokens/", name=owner_name)["pulp_href"]
    return {**things, "admins_token": token, "token": token}


def _packages(server: RunningServer, url: str, kind: str) -> dict[str, str]:
    """Upload packages, some of them for removal by a role; return the names of these."""
    names = {role: f"gone-{role}" for role in ("writer", "maintainer", "owner", "admin")}
    packages = [PackageBuilder(build=f"{kind}_0")]
    packages += [
        PackageBuilder(name, version=version)
        for name in ("kept", *names.values())
        for version in ("1.0", "2.0")
    ]
    with ThreadPoolExecutor(len(packages)) as pool:
        put = pool.map(lambda each: server.put(f"{url}/x.conda", each.conda()), packages)
        assert {answer.status_code for answer in put} == {201}
    return {"gone": "kept", **{f"gone {role}": name for role, name in names.items()}}


def _content(rest: Rest, repository: str) -> dict[str, str]:
    """Add a patch to a channel; return the hrefs of the newest version's contents."""
    patch = {"file": ("patches", b'{"patch_instructions_version": 1}')}
    fields = {"repository": repository, "subdir": "noarch"}
    rest.wait(rest.request("POST", "content/conda/repodata_patches/", files=patch, data=fields))
    version = rest.get(repository)["latest_version_href"]
    held = {
        noun: rest.get(path, repository_version=version, **name)["results"][0]
        for noun, path, name in (
            ("unit", "content/conda/packages/", {"name": "demo"}),
            ("patch", "content/conda/repodata_patches/", {}),
            ("publication", "publications/conda/conda/", {}),
        )
    }
    hrefs = {noun: each["pulp_href"] for noun, each in held.items()}
    unit = {field: held["unit"][field] for field in ("filename", "artifact", "sha256")}
    return {"version": version, **hrefs, **unit}


def _staged(server: RunningServer, account: Account, kind: str) -> str:
    """Stage a file; return the signed stage, if that is allowed."""
    url = f"{server.origin}/api/anaconda/stage/{_PREFIX}-{kind}/dev/x/1.0/noarch/x.conda"
    answer = requests.post(url, json={}, auth=account.auth, timeout=PATIENCE_SECONDS)
    return str(answer.json().get("dist_id", "x"))


@pytest.fixture(scope="module")
def world(server: RunningServer) -> World:
    """Everything that the requests need, made once."""
    rest = Rest(server)
    owners = {
        kind: rest.create(
            "conda/owners/",
            name=f"{_PREFIX}-{kind}",
            visibility="private" if kind == "hidden" else kind,
        )["pulp_href"]
        for kind in KINDS
    }
    with ThreadPoolExecutor(len(KINDS)) as pool:
        made = pool.map(lambda kind: _channel(server, kind, owners[kind]), KINDS)
        things = dict(zip(KINDS, made, strict=True))
        accounts = pool.map(lambda role: _account(server, role, [*owners.values()]), ROLES[1:-1])
        by_role = dict(zip(ROLES[1:-1], accounts, strict=True))
    by_role["admin"] = Account(server, "admin", "", PASSWORD)
    for role, account in by_role.items():
        token = account.token(name=f"{_PREFIX}s", scopes=["read"])
        for kind in KINDS:
            staged = _staged(server, account, kind)
            things[kind] |= {f"staged_by_them {role}": staged, f"path_token {role}": token}
            things[kind]["staged"] = staged  # the administrator's in the end
    for kind in KINDS:
        things[kind]["staged_by_them anonymous"] = "x"
    names = [f"{_PREFIX}-{kind}/empty" for kind in KINDS for _ in ROLES]
    publications = server.shell(_EXPENDABLE.format(names=names)).split()
    return World(server, rest, by_role, things, publications)


def test_every_route_has_a_row(server: RunningServer) -> None:
    routes = {tuple(route) for route in json.loads(server.shell(_ROUTES))}
    assert routes == set(TABLE), "each route has a row"


def test_each_role_has_the_rights_in_the_table(world: World) -> None:
    with ThreadPoolExecutor(len(KINDS)) as pool:
        wrong = [each for found in pool.map(world.differences, KINDS) for each in found]
    assert wrong == []
