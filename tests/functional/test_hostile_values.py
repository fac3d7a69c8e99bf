"""No value in a parameter, field or body of our REST endpoints leads to a 5xx.

The endpoints, their parameters and their fields are read from the OpenAPI description, so that new
ones are tested without a change here.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest

from tests.builders import PackageBuilder
from tests.functional.harness import Rest, RunningServer

_IN_QUERIES = ("\0", "*", str(2**63), "prn:core.artifact:x", "/pulp/api/v3/")
_IN_BODIES: tuple[Any, ...] = (None, "\0", "\ud800", True, 2**64, [2**64], {"\0": "\0"})
_BODIES = (b"[]", b"null", b"1", b"\xff", b"[" * 100_000, b'{"name": ' + b"9" * 5000 + b"}")

_GENERATE = """
import json
from django.http import HttpRequest
from pulpcore.openapi import PulpSchemaGenerator
from rest_framework.request import Request
request = Request(HttpRequest())
request.META.update(SERVER_NAME="localhost", SERVER_PORT="80")
request.query_params.update(component="conda", pk_path=1)
print(json.dumps(PulpSchemaGenerator().get_schema(request=request, public=True)))
"""


@pytest.fixture(scope="module")
def schema(server: RunningServer) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(server.shell(_GENERATE).splitlines()[-1])
    return described


@pytest.fixture(scope="module")
def objects(server: RunningServer) -> dict[str, str]:
    """One object of each type: the path of its list, and its own path."""
    rest = Rest(server)
    url = f"{server.channel('hostile')}/x.conda"
    assert server.put(url, PackageBuilder("hostile").conda()).ok
    rest.create("contentguards/conda/conda/", name="of hostile values")
    rest.create("conda/tokens/", name="of hostile values")
    rest.create("conda/owners/", name="hostilevalues")
    (distribution,) = rest.get("distributions/conda/conda/", base_path="hostile/main")["results"]
    notice = {"distribution": distribution["pulp_href"], "message": "hostile"}
    rest.create("conda/notices/", **notice)
    (repository,) = rest.get("repositories/conda/conda/", name="hostile/main")["results"]
    lists = (
        "conda/notices/", "conda/owners/", "conda/tokens/", "content/conda/packages/",
        "content/conda/repodata_patches/", "contentguards/conda/conda/",
        "distributions/conda/conda/", "publications/conda/conda/", "repositories/conda/conda/",
        f"{repository['pulp_href'].removeprefix(rest.root)}versions/",
    )  # fmt: skip
    found = {}
    for path in lists:
        results = rest.get(path, limit=1)["results"]
        found[rest.root + path] = results[0]["pulp_href"] if results else ""
    return found


def _concrete(path: str, objects: dict[str, str], root: str) -> str | None:
    """Return a path of the description with existing objects in place of its variables."""
    for of_list, one in sorted(objects.items(), key=lambda each: -len(each[0])):
        below = path.removeprefix(root)
        kind = of_list.removeprefix(root)
        if "versions/" in kind:
            if "versions/" not in below:
                continue
            _, _, rest = below.partition("versions/")
            return of_list if not rest else one + rest.partition("}/")[2]
        if below == kind:
            return of_list
        if below.startswith(kind + "{") and "versions/" not in below:
            return one + below.partition("}/")[2] if one else None
    return None


def _operations(
    schema: dict[str, Any], objects: dict[str, str], root: str
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        concrete = _concrete(path, objects, root)
        for method, operation in methods.items():
            if concrete and method in ("get", "post", "put", "patch"):
                yield method.upper(), concrete, operation


def _fields(schema: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        name = content["schema"].get("$ref", "").rpartition("/")[2]
        yield from schema["components"]["schemas"].get(name, {}).get("properties", ())
        return


def _refusals_missing(rest: Rest, tries: list[tuple[str, str, dict[str, Any]]]) -> list[str]:
    def attempt(one: tuple[str, str, dict[str, Any]]) -> str | None:
        method, path, arguments = one
        answer = rest.request(method, path, **arguments)
        summary = f"{method} {path} {str(arguments)[:120]}: {answer.status_code} {answer.text[:80]}"
        return summary if answer.status_code >= 500 else None

    with ThreadPoolExecutor(4) as pool:
        return [summary for summary in pool.map(attempt, tries) if summary]


@pytest.mark.parametrize(
    ("method", "path", "arguments"),
    [
        ("GET", "conda/owners/", {"params": {"limit": 2**63}}),
        ("GET", "content/conda/packages/", {"params": {"name__icontains": "\0"}}),
        ("GET", "repositories/conda/conda/", {"params": {"name__iregex": "*"}}),
        ("GET", "publications/conda/conda/", {"params": {"repository_version": "/pulp/api/v3/"}}),
        (
            "POST",
            "repositories/conda/conda/",
            {"json": {"name": "x", "retain_repo_versions": 2**64}},
        ),
        ("POST", "conda/notices/", {"json": {"message": "x", "distribution": 1}}),
        ("POST", "conda/owners/", {"json": {"name": "surrogate", "visibility": "\ud800"}}),
        ("POST", "content/conda/packages/", {"json": [1]}),
        ("POST", "content/conda/packages/", {"data": {"pulp_labels": "x", "repository": "y"}}),
    ],
)
@pytest.mark.usefixtures("objects")
def test_an_impossible_value_is_400(
    rest: Rest, method: str, path: str, arguments: dict[str, Any]
) -> None:
    answer = rest.request(method, path, **arguments)
    assert answer.status_code == 400, answer.text
    assert answer.json()


def test_no_parameter_takes_the_server_down(
    server: RunningServer, schema: dict[str, Any], objects: dict[str, str]
) -> None:
    rest = Rest(server)
    tries: list[tuple[str, str, dict[str, Any]]] = [
        (method, path, {"params": {parameter["name"]: value}})
        for method, path, operation in _operations(schema, objects, rest.root)
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query"
        for value in _IN_QUERIES
    ]
    assert len(tries) > 1000
    assert _refusals_missing(rest, tries) == []


def test_no_field_takes_the_server_down(
    server: RunningServer, schema: dict[str, Any], objects: dict[str, str]
) -> None:
    rest = Rest(server)
    tries: list[tuple[str, str, dict[str, Any]]] = []
    for method, path, operation in _operations(schema, objects, rest.root):
        if method == "GET":
            continue
        kept = {"name": "hostilevalues"} if method != "PATCH" else {}
        tries += [
            (method, path, {"json": {**kept, field: value}})
            for field in _fields(schema, operation)
            for value in _IN_BODIES
        ]
        headers = {"Content-Type": "application/json"}
        tries += [(method, path, {"data": body, "headers": headers}) for body in _BODIES]
    assert len(tries) > 500
    assert _refusals_missing(rest, tries) == []


def test_no_path_takes_the_server_down(server: RunningServer, objects: dict[str, str]) -> None:
    rest = Rest(server)
    odd = ("x", "\0", "-1", "0", str(2**63), "9" * 400, "%", "\U0001f4a9", "a b", "..", "null")
    tries: list[tuple[str, str, dict[str, Any]]] = [
        (method, f"{path}{quote(name, safe='')}/", {})
        for path in objects
        for name in odd
        for method in ("GET", "PATCH", "DELETE")
    ]
    assert _refusals_missing(rest, tries) == []


_ODD_BODIES = ("[" * 100_000, '{"name":' * 400 + "1" + "}" * 400, "[]", '"name"')


def test_a_body_that_is_no_object_or_too_deep_is_400(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    server.put(f"{server.channel(owner)}/x.conda", PackageBuilder(owner).conda())
    repository = rest.get("repositories/conda/conda/", name=f"{owner}/main")["results"][0]
    distribution = rest.get("distributions/conda/conda/", name=f"{owner}/main")["results"][0]
    organisation = rest.get("conda/owners/", name=owner)["results"][0]
    kinds = ("repositories", "distributions", "publications", "contentguards")
    routes = [("POST", f"{kind}/conda/conda/") for kind in kinds]
    routes += [("POST", f"conda/{kind}/") for kind in ("owners", "tokens", "notices")]
    routes += [("POST", f"content/conda/{kind}/") for kind in ("packages", "repodata_patches")]
    for action in ("modify", "add_role", "remove_role", "check_index", "check_files"):
        routes.append(("POST", f"{repository['pulp_href']}{action}/"))
    for thing in (repository, distribution, organisation):
        routes += [("PATCH", thing["pulp_href"]), ("PUT", thing["pulp_href"])]
    headers = {"Content-Type": "application/json"}
    for method, path in routes:
        for body in _ODD_BODIES:
            answer = rest.request(method, path, data=body, headers=headers)
            assert answer.status_code == 400, (method, path, body[:9], answer.text)


_ODD_QUESTIONS = [
    *((kind, "limit", 2**63) for kind in ("repositories", "distributions", "content")),
    ("content", "name__iregex", "*"),
    ("repositories", "name__regex", "["),
    ("content", "orphaned_for", 2**63),
]


_ODD_VALUES: list[tuple[str, str, object]] = [
    ("repositories", "retain_repo_versions", 2**64),
    ("repositories", "remote", 1),
    ("repositories", "remote", True),
    ("distributions", "content_guard", ["x"]),
    ("distributions", "repository", {"a": 1}),
    ("distributions", "publication", 2**64),
    ("publications", "repository_version", []),
    ("content", "artifact", 1.5),
    ("content", "repository", []),
    ("content", "pulp_labels", "{"),
]


def test_a_value_that_is_not_possible_is_400(server: RunningServer, rest: Rest, owner: str) -> None:
    server.put(f"{server.channel(owner)}/x.conda", PackageBuilder(owner).conda())
    (made,) = rest.get("repositories/conda/conda/", name=f"{owner}/main")["results"]
    paths = {kind: f"{kind}/conda/conda/" for kind in ("repositories", "distributions")}
    paths |= {"publications": "publications/conda/conda/", "content": "content/conda/packages/"}
    answers = {
        f"GET {kind}: {key}": rest.request("GET", paths[kind], params={key: value})
        for kind, key, value in _ODD_QUESTIONS
    }
    for kind, key, value in _ODD_VALUES:
        body = {"name": f"{owner}/x", "base_path": f"{owner}/x", key: value}
        answers[f"POST {kind}: {key}"] = rest.request("POST", paths[kind], json=body)
    role = {"role": "conda.channel_\0reader", "users": ["admin"]}
    answers["add_role"] = rest.request("POST", f"{made['pulp_href']}add_role/", json=role)
    wrong = {what: answer.text for what, answer in answers.items() if answer.status_code != 400}
    assert not wrong
    assert rest.request("GET", paths["distributions"], params={"fields": "name"}).ok
