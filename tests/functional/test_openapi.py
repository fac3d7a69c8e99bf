"""The OpenAPI description that clients are generated from."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pulp_conda import pytest_plugin
from tests.functional.harness import RunningServer

_GENERATE = """
import json, sys
from django.http import HttpRequest
from drf_spectacular.drainage import GENERATOR_STATS
from pulpcore.openapi import PulpSchemaGenerator
from rest_framework.request import Request
request = Request(HttpRequest())
request.META.update(SERVER_NAME="localhost", SERVER_PORT="80")
request.query_params.update(component="conda", bindings=1, pk_path=1)
stderr = sys.stderr
sys.stderr = None
schema = PulpSchemaGenerator().get_schema(request=request, public=True)
sys.stderr = stderr
complaints = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]
print(json.dumps([schema, complaints]))
"""

_PULPCORES = (
    r'for django-filter field "(pulp_label_select|with_content|latest_with_content)"',
    r'for django-filter field "(content|content__in|repository)"',
    r'for function "(get_content_guard_prn|get_no_content_change_since|get_vuln_report)"',
    r'operationId "(list|create|read|(partial_)?update|delete|(un)?set_label)" has collisions',
    r'operationId "(list_roles|(add|remove)_role|my_permissions)" has collisions',
)
"""Warnings of drf-spectacular for every plugin, because of pulpcore's own classes."""


@pytest.fixture(scope="module")
def generated(server: RunningServer) -> tuple[dict[str, Any], list[str]]:
    """The description of this plugin's API, and the generator's warnings."""
    schema, complaints = json.loads(server.shell(_GENERATE))
    return schema, complaints


def test_the_generator_gives_no_warning(generated: tuple[dict[str, Any], list[str]]) -> None:
    _, complaints = generated
    ours = [text for text in complaints if not any(re.search(core, text) for core in _PULPCORES)]
    assert ours == []
    for core in _PULPCORES:
        assert any(re.search(core, text) for text in complaints), f"no exception needed: {core}"


def test_a_new_token_is_described_with_the_token(
    generated: tuple[dict[str, Any], list[str]],
) -> None:
    schema, _ = generated
    components = schema["components"]["schemas"]
    path = next(path for path in schema["paths"] if path.endswith("/conda/tokens/"))
    answers = schema["paths"][path]["post"]["responses"]["201"]["content"]
    name = answers["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert "token" in components[name]["properties"]
    assert "token" not in components["conda.AccessTokenResponse"]["properties"]


def test_bindings_have_the_clients_that_the_pytest_plugin_uses(
    generated: tuple[dict[str, Any], list[str]],
) -> None:
    schema, _ = generated
    operations = [operation for path in schema["paths"].values() for operation in path.values()]
    tags = {tag.replace(": ", "") for operation in operations for tag in operation.get("tags", ())}
    used = set(re.findall(r"_bindings\.(\w+)Api", Path(pytest_plugin.__file__).read_text()))
    assert len(used) == 4
    assert used <= tags
