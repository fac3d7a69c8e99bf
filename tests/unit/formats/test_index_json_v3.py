"""The values that info/index.json may have in schema version 3."""

import json

import pytest

from pulp_conda.formats.errors import InvalidField
from pulp_conda.formats.v3 import UnservableDependency
from tests.unit.formats.packages import VALID, read_index, with_field


@pytest.mark.parametrize(
    "text",
    [
        b'"schema_version": 3',
        b'"schema_version": 3, "extra_depends": {"a.b+c-1": ["b >=1"]}, "flags": ["cuda", "a:b"]',
        b'"extra_depends": {"a": []}',
        b'"depends": ["a >=1[when=\'python >=3.9 and (b or __unix)\']"]',
        b'"constrains": ["a[flags=[x, \'y:*\'], extras=z]"]',
    ],
)
def test_packages_of_the_next_schema_are_accepted(text: bytes) -> None:
    read_index(with_field(text))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'"schema_version": 4', "integers up to 3"),
        (b'"schema_version": -1', "integers up to 3"),
        (b'"schema_version": true', "integers up to 3"),
        (b'"flags": ["CUDA"]', "a flag has"),
        (b'"flags": ["a:b:c"]', "a flag has"),
        (b'"flags": ["a\\n"]', "a flag has"),
        (b'"flags": [""]', "a flag has"),
        (b'"flags": {"a": 1}', "list of strings"),
        (b'"extra_depends": []', "an object"),
        (b'"extra_depends": {"": []}', "a group has"),
        (b'"extra_depends": {"A": []}', "a group has"),
        (b'"extra_depends": {"a": "b"}', "list of strings"),
        (b'"extra_depends": {"a": [1]}', "list of strings"),
    ],
)
def test_fields_of_the_next_schema_have_their_grammar(text: bytes, reason: str) -> None:
    with pytest.raises(InvalidField, match=reason):
        read_index(with_field(text))


@pytest.mark.parametrize("spec", ["main::a", "a[license=MIT]", "a[when='main::b']"])
@pytest.mark.parametrize("field", ["depends", "constrains", "extra_depends"])
def test_requirements_that_its_index_cannot_hold_are_refused(field: str, spec: str) -> None:
    value = {"extra": [spec]} if field == "extra_depends" else [spec]
    index = {**json.loads(VALID), "schema_version": 3, field: value}
    with pytest.raises(UnservableDependency, match="cannot hold: it selects by"):
        read_index(json.dumps(index).encode())


def test_packages_of_the_first_schemas_may_require_what_they_always_could() -> None:
    read_index(with_field(b'"depends": ["main::a", "b[license=MIT]"]'))
