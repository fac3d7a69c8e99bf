"""Records made from index.json, and their canonical serialisation."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import rattler
from hypothesis import given
from hypothesis import strategies as st

from pulp_conda.formats.errors import InvalidPackage
from pulp_conda.formats.index_json import check_index
from pulp_conda.formats.records import (
    DROPPED_KEYS,
    Record,
    build_record,
    canonical_json,
    is_v3,
    record_digest,
    record_text,
)

INDEX = {"name": "demo", "version": "1.0", "build": "0", "build_number": 0, "subdir": "noarch"}
MD5, SHA256 = "0" * 32, "1" * 64


def record(**fields: Any) -> Record:
    return build_record({**INDEX, **fields}, md5=MD5, sha256=SHA256, size=5)


def test_a_record_is_the_index_with_hashes_and_size() -> None:
    assert record(unknown={"a": [1, None]}) == {
        **INDEX,
        "unknown": {"a": [1, None]},
        "depends": [],
        "md5": MD5,
        "sha256": SHA256,
        "size": 5,
    }


def test_a_package_cannot_state_its_own_hashes_place_or_time() -> None:
    claims = dict.fromkeys(DROPPED_KEYS, "x")
    assert record(**claims, md5="x", sha256="x", size=0) == record()
    assert {"indexed_timestamp", "url", "channel", "run_exports"} <= DROPPED_KEYS


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [(True, "generic"), (False, None), (None, None), ("", None), ("python", "python")],
)
def test_noarch_is_text_or_absent(given_value: object, expected: str | None) -> None:
    assert record(noarch=given_value).get("noarch") == expected


def test_requirements_are_lists() -> None:
    assert record(depends=None)["depends"] == []
    assert record(constrains=None)["constrains"] == []
    assert "constrains" not in record()


def test_seconds_stay_seconds() -> None:
    assert record(timestamp=1300000000)["timestamp"] == 1300000000


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, False),
        ({"schema_version": 2}, False),
        ({"schema_version": 3}, True),
        ({"flags": ["cuda"]}, True),
        ({"flags": []}, False),
        ({"extra_depends": {"a": ["b"]}}, True),
        ({"depends": ['a[when="python"]']}, True),
        ({"constrains": ["a[version='1', when=b]"]}, True),
        ({"depends": ["a[version='1']", "when=1"]}, False),
    ],
)
def test_records_of_the_next_schema_are_recognised(fields: dict[str, Any], expected: bool) -> None:
    assert is_v3({**INDEX, **fields}) is expected


def test_the_serialisation_is_exact() -> None:
    assert canonical_json({"b": [1.0, "é/\u2028"], "a": {"d": None, "c": True}, "e": 0.1}) == (
        '{"a":{"c":true,"d":null},"b":[1,"é/\u2028"],"e":0.1}'.encode()
    )
    assert record_digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda below: st.lists(below) | st.dictionaries(st.text(), below),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON))
def test_the_serialisation_ignores_the_order_of_keys_and_loses_nothing(value: Record) -> None:
    backwards = dict(reversed(value.items()))
    assert canonical_json(backwards) == canonical_json(value)
    assert json.loads(canonical_json(value)) == value


MANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(-1e9, 1e9) | st.text()
    | st.integers(-9, 9).map(float),
    lambda below: st.lists(below) | st.lists(below).map(tuple) | st.dictionaries(st.text(), below)
    | st.dictionaries(st.text(), below).map(MappingProxyType),
    max_leaves=10,
)  # fmt: skip


def _whole_floats_as_integers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list | tuple):
        return [_whole_floats_as_integers(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _whole_floats_as_integers(item) for key, item in value.items()}
    return value


@given(st.dictionaries(st.text(), MANY))
def test_the_serialisation_is_the_same_with_and_without_floats(value: Record) -> None:
    plain = _whole_floats_as_integers(value)
    assert canonical_json(value) == canonical_json(plain) == record_text(plain)


def test_the_text_of_a_record_keeps_whole_floats() -> None:
    assert record_text({"b": 8.0, "a": [1e22, -0.0]}) == b'{"a":[1e22,-0.0],"b":8.0}'


ODD = [
    None,
    True,
    ["pkg:pypi/x@1"],
    5,
    -1,
    1.5,
    2**62,
    2**63,
    "x",
    "",
    [],
    ["x"],
    [5],
    {},
    {"a": ["b"]},
    {"a": 1},
]
FIELDS = """
    arch app build_number constrains date depends extra_depends features flags indexed_timestamp
    legacy_bz2_md5 legacy_bz2_size license license_family namespace noarch platform preferred_env
    purls python_site_packages_path revoked run_exports schema_version size timestamp
    track_features unknown url
""".split()


@pytest.mark.parametrize("field", FIELDS)
def test_clients_can_read_accepted_records(field: str) -> None:
    """One record that rattler cannot read makes it refuse its whole channel."""
    for value in ODD:
        try:
            index = check_index({**INDEX, field: value}, now=10.0**10)
        except InvalidPackage:
            continue
        built = build_record(index, md5=MD5, sha256=SHA256, size=5)
        document = {"info": {"subdir": "noarch"}, "packages.conda": {"demo-1.0-0.conda": built}}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "repodata.json")
            path.write_bytes(json.dumps({"packages": {}, **document}).encode())
            rattler.RepoData.from_path(path)


@pytest.mark.parametrize("purl", ["pkg:pypi/numpy", "pkg:npm/%40a/b@1.0", "pkg:conda/a@1?build=0"])
def test_package_urls_are_kept(purl: str) -> None:
    index = check_index({**INDEX, "purls": [purl]}, now=0)
    assert build_record(index, md5=MD5, sha256=SHA256, size=5)["purls"] == [purl]
