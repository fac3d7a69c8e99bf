"""The records of a subdir that `current_repodata.json` has."""

import json
import random
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rattler import MatchSpec, PackageRecord, Version
from rattler.package import BuildString

from pulp_conda.formats.index.current_repodata import Choice, Records
from pulp_conda.formats.index.selection import choose
from tests.unit.formats.channels import Record, extension, filename, record

Fragments = dict[str, list[str]]


def fragments_of(records: Iterable[Record]) -> Fragments:
    """Return the fragments of each name, in the order of a shard."""
    found: Fragments = {}
    for each in sorted(records, key=lambda r: (extension(r) == "conda", filename(r))):
        found.setdefault(each["name"], []).append(f'"{filename(each)}":{json.dumps(each)}')
    return found


@dataclass
class Choices:
    """All choices of a subdir."""

    by_name: dict[str, Choice] = field(default_factory=dict)
    absent: Mapping[str, int] = field(default_factory=dict)

    def choice(self, name: str) -> Choice | None:
        return self.by_name.get(name)

    def chosen_names(self) -> Iterable[str]:
        return self.by_name


def reduced(
    fragments: Fragments,
    previous: Choices | None = None,
    changed: Collection[str] | None = None,
    loads: list[str] | None = None,
) -> Choices:
    """Return the choices after some names changed, or of all names."""

    def records(name: str) -> Records:
        if loads is not None:
            loads.append(name)
        encoded = [fragment.encode() for fragment in fragments[name]]
        boundary = sum('.tar.bz2":' in fragment for fragment in fragments[name])
        return Records(encoded[:boundary], encoded[boundary:])

    previous = previous or Choices()
    names = fragments if changed is None else changed
    selection = choose(previous, {name: name in fragments for name in names}, records)
    kept = {name: choice for name, choice in previous.by_name.items() if name in fragments}
    return Choices(dict(sorted((kept | selection.choices).items())), selection.absent)


def left(fragments: Fragments) -> list[str]:
    choices = reduced(fragments).by_name
    return [fragments[name][at] for name, choice in choices.items() for at in choice.kept]


def kept(*records: Record) -> set[str]:
    return {fragment.split('"')[1].rsplit(".", 1)[0] for fragment in left(fragments_of(records))}


def test_an_empty_subdir_stays_empty() -> None:
    assert reduced({}) == Choices()


def test_only_the_newest_version_stays_with_all_its_builds() -> None:
    assert kept(
        record("a", "1.9"), record("a", "1.10"), record("a", "1.10", build="1"),
        record("a", "1.10", build="2", extension="tar.bz2"), record("a", "1.10rc1"),
    ) == {"a-1.10-0", "a-1.10-1", "a-1.10-2.tar"}  # fmt: skip


def test_equal_versions_are_one_version() -> None:
    assert kept(record("a", "1.0"), record("a", "1.0.0")) == {"a-1.0-0", "a-1.0.0-0"}


def test_a_dependency_brings_the_newest_version_that_satisfies_it() -> None:
    assert kept(
        record("a", "1", "b <3"), record("b", "1"), record("b", "2"), record("b", "2", build="x"),
        record("b", "3"),
    ) == {"a-1-0", "b-2-0", "b-2-x", "b-3-0"}  # fmt: skip


def test_dependencies_are_followed_to_the_end() -> None:
    assert kept(
        record("a", "1", "b 1"),
        record("b", "1", "c 1"), record("b", "2"),
        record("c", "1", "b 0"), record("c", "2"),
        record("b", "0"),
    ) == {"a-1-0", "b-0-0", "b-1-0", "b-2-0", "c-1-0", "c-2-0"}  # fmt: skip


def test_builds_and_build_numbers_decide_too() -> None:
    assert kept(
        record("a", "1", "b * mkl*", "c[build_number=1]", "PyYAML"),
        record("b", "1", build="mkl_1"), record("b", "2", build="openblas"),
        record("c", "1", build_number=1), record("c", "2"),
        record("pyyaml", "1"),
    ) == {"a-1-0", "b-1-mkl_1", "b-2-openblas", "c-1-0", "c-2-0", "pyyaml-1-0"}  # fmt: skip


def test_a_dependency_without_package_is_ignored() -> None:
    assert kept(record("a", "1", "python >=3", "__glibc >=2", "b >2"), record("b", "1")) == {
        "a-1-0", "b-1-0",
    }  # fmt: skip


@pytest.mark.parametrize(
    "spec",
    [
        "", "b >=", "b[", "@feature", "b*", "b[build_number=99999999999999999999]",
        "b " + "(" * 100_000, "b[" * 100_000, "b " + ",".join(["<1"] * 100_000), "\0",
    ],
)  # fmt: skip
def test_a_dependency_that_is_not_a_match_spec_is_ignored(spec: str) -> None:
    assert kept(record("a", "1", spec, "b <2"), record("b", "1"), record("b", "2")) == {
        "a-1-0", "b-1-0", "b-2-0",
    }  # fmt: skip


def test_versions_and_names_that_the_parser_refuses_are_ignored() -> None:
    assert kept(record("a", "1"), record("a", "1..2"), record("b", "..")) == {"a-1-0", "b-..-0"}
    assert kept(record("é", "1", "a 1"), record("a", "1"), record("a", "2")) == {
        "é-1-0", "a-1-0", "a-2-0",
    }  # fmt: skip


@pytest.mark.parametrize("field", ["track_features", "features"])
@pytest.mark.parametrize("value", ["nomkl", ["nomkl"]])
def test_features_keep_the_newest_build_without(field: str, value: Any) -> None:
    assert kept(
        record("a", "3", "c 1", **{field: value}), record("a", "2", "c 2"), record("a", "1"),
        record("a", "2", "c 3", build="1", build_number=1),
        record("c", "1"), record("c", "2"), record("c", "3"),
    ) == {"a-3-0", "a-2-1", "c-1-0", "c-3-0"}  # fmt: skip
    assert kept(record("a", "2", **{field: ""}), record("a", "1")) == {"a-2-0"}


def test_only_new_records_are_decoded() -> None:
    records = [record(f"p{n}", str(v), f"p{n - 1} <{v}") for n in range(9) for v in range(3)]
    before = reduced(fragments_of(records))
    changed = fragments_of([*records, record("p5", "3", "p4 <2", "p7 <1")])
    loads: list[str] = []
    assert reduced(changed, before, {"p5"}, loads) == reduced(changed)
    assert set(loads) == {"p5", "p7", "p6"}, "what p4 has to offer was known before"


_NAMES = st.sampled_from(["a", "b", "c", "d"])
_VERSIONS = st.sampled_from(["0.9", "1", "1.0", "1.1", "1.10", "2rc1", "2", "1!0"])
_SPECS = st.builds(
    "{} {}{}".format,
    st.sampled_from(["a", "b", "c", "d", "absent"]),
    st.sampled_from(["<", "<=", "==", ">=", "!="]),
    _VERSIONS,
)
_RECORDS = st.lists(
    st.builds(
        lambda name, version, depends, number, features, extension: record(
            name, version, *depends, build=f"x_{number}", build_number=number,
            track_features=features, extension=extension,
        ),
        _NAMES, _VERSIONS, st.lists(_SPECS | st.just("a ["), max_size=3), st.integers(0, 2),
        st.sampled_from(["", "", "", "debug"]), st.sampled_from(["conda", "tar.bz2"]),
    ),
    max_size=25,
    unique_by=filename,
)  # fmt: skip


def matching(spec: str, records: Iterable[Record]) -> list[Record]:
    found = MatchSpec(spec)
    return [
        r for r in records
        if r["name"] == spec.split()[0] and found.matches(
            PackageRecord(
                r["name"], r["version"], BuildString(r["build"]), r["build_number"], r["subdir"]
            )
        )
    ]  # fmt: skip


@given(_RECORDS)
@settings(max_examples=150)
def test_every_selected_record_finds_its_dependencies(records: list[Record]) -> None:
    fragments = fragments_of(records)
    current = left(fragments)
    assert set(current) <= {fragment for each in fragments.values() for fragment in each}
    there = [r for r in records if f'"{filename(r)}":{json.dumps(r)}' in current]
    for name in {r["name"] for r in records}:
        versions = [Version(r["version"]) for r in records if r["name"] == name]
        newest = [
            r for r in records if r["name"] == name and Version(r["version"]) == max(versions)
        ]
        assert all(r in there for r in newest)
    specs = {spec for r in there for spec in r["depends"] if spec != "a ["}
    for spec in specs:
        assert not matching(spec, records) or matching(spec, there), spec


@given(_RECORDS, st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_the_order_does_not_matter_and_the_selection_is_stable(
    records: list[Record], chance: random.Random
) -> None:
    fragments = fragments_of(records)
    once = left(fragments)
    again = {n: [p for p in each if p in once] for n, each in fragments.items()}
    assert left(again) == once
    shuffled = {name: chance.sample(each, len(each)) for name, each in fragments.items()}
    shuffled = {name: sorted(e, key=lambda p: '.conda":' in p) for name, e in shuffled.items()}
    assert set(left(shuffled)) == set(once)


@given(_RECORDS, st.lists(_RECORDS, min_size=1, max_size=4))
@settings(max_examples=300)
def test_previous_choices_do_not_change_the_result(
    first: list[Record], later: list[list[Record]]
) -> None:
    fragments = fragments_of(first)
    choices = reduced(fragments)
    for records in later:
        now = fragments_of(records)
        names = fragments.keys() | now.keys()
        changed = {name for name in names if now.get(name) != fragments.get(name)}
        choices, fragments = reduced(now, choices, changed), now
        assert choices == reduced(now)


def test_records_that_hold_each_other_fall_together() -> None:
    circle = [record("a", "1", "b 1"), record("b", "1", "a 1"), record("a", "2"), record("b", "2")]
    asking = fragments_of([*circle, record("c", "1", "a 1")])
    before = reduced(asking)
    assert [len(before.by_name[name].kept) for name in "abc"] == [2, 2, 1]
    after = reduced(fragments_of(circle), before, {"c"})
    assert [len(after.by_name[name].kept) for name in "ab"] == [1, 1]
    assert reduced(asking, after, {"c"}) == before


def test_a_name_that_was_missed_is_found_when_it_comes() -> None:
    without = [record("a", "1", "b <3"), record("c", "1", "a 1")]
    before = reduced(fragments_of(without))
    assert before.absent == {"b": 1}
    now = fragments_of([*without, record("b", "2"), record("b", "3")])
    after = reduced(now, before, {"b"})
    assert after == reduced(now)
    assert len(after.by_name["b"].kept) == 2
    assert reduced(fragments_of(without), after, {"b"}) == before
