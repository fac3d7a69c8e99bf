"""Instructions that change records: what they may say, and what they do."""

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import msgspec
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
from pulp_conda.formats.index.channeldata import ChannelPackage
from pulp_conda.formats.index.patch_instructions import PROTECTED_FIELDS, parse_instructions
from pulp_conda.formats.index.patches import NOTHING, Instructions, changed_names
from pulp_conda.formats.limits import Limits
from pulp_conda.formats.records import is_v3

NOW = 2.0e9
OLD, NEW = "demo-1.0-0.tar.bz2", "demo-1.0-0.conda"
RECORD: dict[str, Any] = {
    "name": "demo",
    "version": "1.0",
    "build": "0",
    "build_number": 0,
    "subdir": "noarch",
    "depends": ["a", "b >=1"],
    "constrains": ["c <2"],
    "license": "MIT",
    "extra_depends": {"x": ["d"], "y": ["e"]},
    "md5": "0" * 32,
    "sha256": "1" * 64,
    "size": 5,
    "indexed_timestamp": 1700000000000,
}


def parse(
    document: object, *, limits: Limits | None = None, subdir: str = "noarch"
) -> Instructions:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return parse_instructions(
        data,
        subdir=subdir,
        member=f"{subdir}/patch_instructions.json",
        limits=limits or Limits(),
        now=NOW,
    )


def applied(document: object, filename: str = NEW) -> dict[str, Any] | None:
    return parse(document).apply(filename, copy.deepcopy(RECORD))


def test_instructions_without_content_touch_nothing() -> None:
    documents: list[dict[str, Any]] = [{}, {"packages": {NEW: {}}}, {"packages": {"other": {}}}]
    for document in documents:
        assert applied(document) == RECORD
        assert changed_names(parse(document), NOTHING) == set()


def test_an_untouched_record_is_returned_as_it_is() -> None:
    assert parse({"remove": ["other-1-0.conda"]}).apply(NEW, RECORD) is RECORD


def test_lists_are_replaced_and_null_deletes() -> None:
    entry = {"depends": ["z"], "license": None, "unheard": None, "new": 1}
    expected = {**RECORD, "depends": ["z"], "new": 1}
    del expected["license"]
    assert applied({"packages.conda": {NEW: entry}}) == expected


def test_objects_are_merged() -> None:
    entry = {"extra_depends": {"x": ["f"], "y": None, "z": ["g"]}}
    patched = applied({"packages.conda": {NEW: entry}})
    assert patched is not None
    assert patched["extra_depends"] == {"x": ["f"], "z": ["g"]}


def test_a_record_always_has_a_list_of_requirements() -> None:
    patched = applied({"packages.conda": {NEW: {"depends": None}}})
    assert patched is not None
    assert patched["depends"] == []


def test_the_older_format_shares_its_instructions_and_the_newer_one_has_the_last_word() -> None:
    document = {
        "packages": {OLD: {"license": "A", "features": "f"}},
        "packages.conda": {NEW: {"license": "B"}, OLD: {"license": "never"}},
    }
    newer, older = applied(document, NEW), applied(document, OLD)
    assert newer == {**RECORD, "license": "B", "features": "f"}
    assert older == {**RECORD, "license": "A", "features": "f"}


@pytest.mark.parametrize(
    ("named", "newer", "older"),
    [(OLD, True, True), (NEW, True, False), ("demo-1.0-1.conda", False, False)],
)
def test_what_is_removed_or_revoked(named: str, newer: bool, older: bool) -> None:
    for filename, concerned in ((NEW, newer), (OLD, older)):
        assert (applied({"remove": [named]}, filename) is None) is concerned
        revoked = {
            **RECORD,
            "revoked": True,
            "depends": [*RECORD["depends"], "package_has_been_revoked"],
        }
        expected = revoked if concerned else RECORD
        assert applied({"revoke": [named]}, filename) == expected


def test_revoking_comes_after_the_changes_and_happens_once() -> None:
    document = {"packages.conda": {NEW: {"depends": ["z"]}}, "revoke": [OLD, NEW, NEW]}
    patched = applied(document)
    assert patched is not None
    assert patched["depends"] == ["z", "package_has_been_revoked"]
    again = parse(document).apply(NEW, patched)
    assert again == patched


def test_the_record_that_is_patched_stays_as_it_was() -> None:
    record = copy.deepcopy(RECORD)
    instructions = parse({"packages": {OLD: {"extra_depends": {"x": None}}}, "revoke": [NEW]})
    instructions.apply(NEW, record)
    assert record == RECORD


def test_a_patch_may_move_a_record_to_the_next_schema_and_back() -> None:
    flagged = applied({"packages.conda": {NEW: {"flags": ["cuda"]}}})
    plain = applied({"packages.conda": {NEW: {"extra_depends": None}}})
    assert flagged is not None
    assert plain is not None
    assert is_v3(flagged)
    assert not is_v3(plain)


def test_run_exports_are_patched_apart_from_the_record() -> None:
    entry = {"run_exports": {"weak": ["n >=2"], "strong": None, "noarch": ["q"]}}
    instructions = parse({"patch_instructions_version": 2, "packages": {OLD: entry}})
    for filename in (OLD, NEW):
        exports = {"weak": ["n >=1"], "strong": ["m"], "weak_constrains": ["k"]}
        assert instructions.apply_to_run_exports(filename, exports) == {
            "weak": ["n >=2"],
            "noarch": ["q"],
            "weak_constrains": ["k"],
        }
        assert instructions.apply(filename, RECORD) == RECORD
    assert instructions.apply_to_run_exports("other-1-0.conda", {"weak": ["a"]}) == {"weak": ["a"]}


def test_a_shard_is_patched_in_all_it_holds() -> None:
    entry = {"license": "B", "run_exports": {"weak": ["n"]}}
    document = {
        "patch_instructions_version": 2,
        "packages": {OLD: entry},
        "remove": ["b-1-0.conda"],
    }
    patch = parse(document).patch
    assert patch(NEW, RECORD, {}) == ({**RECORD, "license": "B"}, {"weak": ["n"]})
    assert patch("b-1-0.conda", RECORD, {}) is None


def test_channeldata_sees_a_package_as_it_is_patched() -> None:
    package = ChannelPackage("noarch", "1.0", 0, 5, "MIT", {"summary": "x"}, {"weak": ["a"]}, ["t"])
    entry: dict[str, Any] = {
        "license": "B",
        "timestamp": None,
        "run_exports": {"weak": None},
        "depends": [],
    }
    document = {
        "patch_instructions_version": 2,
        "packages": {OLD: entry, "e-1-0.tar.bz2": {"run_exports": None}},
        "remove": ["b-1-0.conda"],
        "revoke": ["r-1-0.conda"],
    }
    describe = parse(document).describe
    assert describe(NEW, package) == ChannelPackage(
        "noarch", "1.0", 0, None, "B", {"summary": "x"}, {}, ["t"]
    )
    assert describe("b-1-0.conda", package) is None
    for unchanged in ("r-1-0.conda", "other-1-0.conda"):
        assert describe(unchanged, package) == package
    assert describe("e-1-0.conda", package) == msgspec.structs.replace(package, run_exports={})


def test_run_exports_can_be_taken_away() -> None:
    instructions = parse(
        {"patch_instructions_version": 2, "packages": {OLD: {"run_exports": None}}}
    )
    assert instructions.apply_to_run_exports(NEW, {"weak": ["a"], "strong": ["b"]}) == {}


def test_equal_instructions_have_equal_bytes_and_survive_them() -> None:
    one = parse({"remove": ["b", "a", "a"], "packages": {"x": {"b": 1.0, "a": 2}, "w": {"c": 1}}})
    other = parse(
        {
            "packages.conda": {"q": {}},
            "packages": {"w": {"c": 1}, "x": {"a": 2, "b": 1}},
            "remove": ["a", "b"],
            "patch_instructions_version": 1,
        }
    )
    assert one.canonical() == other.canonical()
    assert Instructions.load(one.canonical()).canonical() == one.canonical()


def test_names_of_what_differs() -> None:
    entries = {"a-1-0.tar.bz2": {"x": 1}, "b-b-1-0.conda": {"x": 1}, "no package": {"x": 1}}
    old = parse({"packages": entries, "revoke": ["r-1-0.conda"], "remove": ["m-1-0.tar.bz2"]})
    assert changed_names(old, NOTHING) == {"a", "b-b", "r", "m"}
    assert changed_names(old, Instructions.load(old.canonical())) == set()
    new = parse({"packages": {**entries, "b-b-1-0.conda": {"x": 2}}, "revoke": ["r-1-0.conda"]})
    assert changed_names(old, new) == {"b-b", "m"}
    assert changed_names(NOTHING, new) == {"a", "b-b", "r"}


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
def test_what_says_which_file_a_record_stands_for_stays(name: str) -> None:
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
def test_what_is_accepted_leaves_a_record_that_clients_read(
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
