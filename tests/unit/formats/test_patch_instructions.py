"""The values that patch instructions may have."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import rattler
from hypothesis import given
from hypothesis import strategies as st

from pulp_conda.formats import match_specs
from pulp_conda.formats.errors import (
    DocumentTooLarge,
    InvalidDependency,
    InvalidField,
    InvalidJson,
    InvalidPackage,
)
from pulp_conda.formats.index.patch_instructions import PROTECTED_FIELDS
from pulp_conda.formats.limits import Limits
from tests.unit.formats.instructions import NEW, NOW, OLD, RECORD, applied, parse


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "truncated"),
        (b"[]", "Expected `object`"),
        (b"{", "truncated"),
        (b'{"packages": []}', "packages"),
        (b'{"packages": null}', "packages"),
        (b'{"patches": {}}', "unknown field `patches`"),
        (b'{"revoke": {}}', "revoke"),
        (b'{"remove": [1]}', "remove"),
        (b'{"patch_instructions_version": "1"}', "version"),
        (b'{"packages": {"a-1-0.conda": []}}', "an object"),
        (b'{"packages": {"a-1-0.conda": {"x": NaN}}}', "invalid character|malformed"),
        (b'{"packages": {"a-1-0.conda": {"x": 1, "x": 2}}}', "key twice"),
        (b'{"packages": {"a-1-0.conda": {"x": "\\u0000"}}}', "NUL"),
        (b'{"packages": {"a-1-0.conda": {"x": ' + b"[" * 70 + b"]" * 70 + b"}}}", "deeply"),
        (b'{"packages": {"a-1-0.conda": {"x": ' + b"[" * 99_999 + b"]" * 99_999 + b"}}}", "deeply"),
        (b'{"packages": {"\xff": {}}}', "utf-8|UTF-8"),
        (b'{"packages": {"\\ud800": {}}}', "surrogate"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_other_shapes_are_refused(document: bytes, reason: str) -> None:
    with pytest.raises(InvalidJson, match=reason) as refusal:
        parse(document)
    assert "noarch/patch_instructions.json" in str(refusal.value)
    pickle.loads(pickle.dumps(refusal.value))


@pytest.mark.parametrize("version", [-1, 3, 2**70])
def test_other_versions_are_refused(version: int) -> None:
    with pytest.raises((InvalidField, InvalidJson), match="patch_instructions_version"):
        parse({"patch_instructions_version": version})


@pytest.mark.parametrize("name", sorted(PROTECTED_FIELDS))
def test_fields_that_identify_the_file_cannot_be_patched(name: str) -> None:
    with pytest.raises(InvalidField, match=f"{NEW} of noarch.*'{name}' is refused"):
        parse({"packages.conda": {NEW: {name: None}}})


@pytest.mark.parametrize(
    "entry",
    [
        {"depends": "a"},
        {"depends": [1]},
        {"depends": ["=>[["]},
        {"constrains": {"a": 1}},
        {"build_number": None},
        {"build_number": "1"},
        {"build_number": -1},
        {"timestamp": 1.5},
        {"timestamp": int(NOW * 1000) + 10**9},
        {"license": 5},
        {"purls": ["x"]},
        {"flags": ["A"]},
        {"extra_depends": {"a": "b"}},
        {"extra_depends": {"A": ["b"]}},
        {"extra_depends": {"a": ["main::b"]}},
        {"depends": ["a[when='main::b']"]},
        {"schema_version": 4},
        {"noarch": "other"},
        {"python_site_packages_path": "../x"},
        {"run_exports": {"weak": ["a"]}},
    ],
    ids=str,
)
def test_values_that_no_record_may_have_are_refused(entry: dict[str, Any]) -> None:
    for key in ("packages", "packages.conda"):
        with pytest.raises((InvalidField, InvalidDependency), match=f"{OLD} of noarch/patch"):
            parse({key: {OLD: entry}})


@pytest.mark.parametrize("value", [["a"], {"other": []}, {"weak": "a"}, {"weak": ["=>[["]}])
def test_run_exports_have_their_shape(value: object) -> None:
    with pytest.raises((InvalidField, InvalidDependency), match=OLD):
        parse({"patch_instructions_version": 2, "packages": {OLD: {"run_exports": value}}})


def test_a_generic_noarch_package_lies_in_noarch() -> None:
    document = {"packages": {OLD: {"noarch": True}}}
    patched = applied(document)
    assert patched is not None
    assert patched["noarch"] == "generic"
    with pytest.raises(InvalidField, match="subdir"):
        parse(document, subdir="linux-64")


def test_size_is_bounded() -> None:
    with pytest.raises(DocumentTooLarge):
        parse({"packages": {}}, limits=Limits(patch_document_bytes=5))
    with pytest.raises(InvalidJson, match="more than 2 files"):
        parse({"remove": ["a", "b", "c"]}, limits=Limits(patch_entries=2))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**63) | st.floats() | st.text(max_size=5),
    lambda below: st.lists(below) | st.dictionaries(st.text(max_size=5), below),
    max_leaves=6,
)


FIELDS = """
    arch build_number constrains depends extra_depends features flags license license_family
    noarch platform purls python_site_packages_path revoked schema_version timestamp
    track_features unknown
""".split()


@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4), st.booleans())
def test_accepted_instructions_give_records_that_clients_can_read(
    tmp_path_factory: pytest.TempPathFactory, entry: dict[str, Any], revoke: bool
) -> None:
    document = {"packages": {OLD: entry}, "revoke": [OLD] if revoke else []}
    try:
        patched = parse(document).apply(NEW, RECORD)
    except InvalidPackage:
        return
    assert patched is not None
    assert all(patched.get(key) == RECORD.get(key) for key in PROTECTED_FIELDS)
    path = Path(tmp_path_factory.mktemp("index"), "repodata.json")
    index = {"info": {"subdir": "noarch"}, "packages": {}, "packages.conda": {NEW: patched}}
    path.write_text(json.dumps(index))
    rattler.RepoData.from_path(path)


def test_each_requirement_of_a_large_channel_is_parsed_once() -> None:
    specs = [f"package{number} >={number}.0,<{number + 1}.0a0" for number in range(100)]
    entries = {
        f"package{number}-1.0-h{number}_0.tar.bz2": {"depends": [*specs[number % 90 :][:10]]}
        for number in range(20_000)
    }
    used = {spec for entry in entries.values() for spec in entry["depends"]}
    match_specs._fault.cache_clear()
    instructions = parse({"packages": entries})
    assert match_specs._fault.cache_info().misses == len(used)
    patched = instructions.apply("package1-1.0-h1_0.tar.bz2", RECORD)
    assert patched is not None
    assert patched["depends"] == specs[1:11]
