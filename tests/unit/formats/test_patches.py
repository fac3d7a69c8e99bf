"""The effect of patch instructions on records."""

import copy
from typing import Any

import msgspec
import pytest

from pulp_conda.formats.index.channeldata import ChannelPackage
from pulp_conda.formats.index.patches import NOTHING, Instructions, changed_names
from pulp_conda.formats.records import is_v3
from tests.unit.formats.instructions import NEW, OLD, RECORD, applied, parse


def test_empty_instructions_change_nothing() -> None:
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
def test_removal_and_revocation(named: str, newer: bool, older: bool) -> None:
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


def test_unknown_run_exports_become_those_of_a_patch() -> None:
    entries = {OLD: {"run_exports": {"weak": ["n"]}}, "e-1-0.tar.bz2": {"run_exports": None}}
    instructions = parse({"patch_instructions_version": 2, "packages": entries})
    assert instructions.apply_to_run_exports(NEW, None) == {"weak": ["n"]}
    assert instructions.apply_to_run_exports("e-1-0.conda", None) == {}
    assert instructions.apply_to_run_exports("other-1-0.conda", None) is None


def test_run_exports_can_be_deleted() -> None:
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


def test_the_names_that_differ() -> None:
    entries = {"a-1-0.tar.bz2": {"x": 1}, "b-b-1-0.conda": {"x": 1}, "no package": {"x": 1}}
    old = parse({"packages": entries, "revoke": ["r-1-0.conda"], "remove": ["m-1-0.tar.bz2"]})
    assert changed_names(old, NOTHING) == {"a", "b-b", "r", "m"}
    assert changed_names(old, Instructions.load(old.canonical())) == set()
    new = parse({"packages": {**entries, "b-b-1-0.conda": {"x": 2}}, "revoke": ["r-1-0.conda"]})
    assert changed_names(old, new) == {"b-b", "m"}
    assert changed_names(NOTHING, new) == {"a", "b-b", "r"}
