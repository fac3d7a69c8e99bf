"""Every parameter and field of our REST endpoints, with values that nothing can take: no 5xx.

The endpoints, their parameters and their fields are read from the OpenAPI description, so that a
new one is tried without a word here.
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
    """One of each thing that there can be: the path of its list, and its own."""
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
    """Return a described path with what exists in the place of its variables."""
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
        told = f"{method} {path} {str(arguments)[:120]}: {answer.status_code} {answer.text[:80]}"
        return told if answer.status_code >= 500 else None

    with ThreadPoolExecutor(4) as pool:
        return [told for told in pool.map(attempt, tries) if told]


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
def test_a_value_that_nothing_can_take_is_400(
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
