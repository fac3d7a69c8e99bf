"""What `current_repodata.json` keeps of a subdir."""

import json
import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rattler import MatchSpec, PackageRecord, Version
from rattler.package import BuildString

from pulp_conda.formats.current_repodata import current_shards
from pulp_conda.formats.shard_store import ShardStore
from pulp_conda.formats.shards import Member, Shard, build_shards

Record = dict[str, Any]


def record(name: str, version: str, *depends: str, build: str = "0", **fields: Any) -> Record:
    return {
        "name": name, "version": version, "build": build, "build_number": 0,
        "subdir": "linux-64", "depends": list(depends), **fields,
    }  # fmt: skip


def filename(of: Record) -> str:
    return f"{of['name']}-{of['version']}-{of['build']}.{of.get('extension', 'conda')}"


def shards_of(records: Iterable[Record]) -> list[Shard]:
    ordered = sorted(records, key=lambda r: (r["name"], filename(r)))
    return list(
        build_shards(
            Member(r["name"], filename(r), r.get("extension", "conda"), json.dumps(r))
            for r in ordered
        )
    )


def reduced(shards: Iterable[Shard]) -> list[Shard]:
    with ShardStore() as store:
        for _ in store.recorded(shards):
            pass
        return list(current_shards(store))


def pieces(shards: Iterable[Shard]) -> list[str]:
    return [piece for shard in shards for piece in (*shard.packages, *shard.packages_conda)]


def kept(*records: Record) -> set[str]:
    return {piece.split('"')[1].rsplit(".", 1)[0] for piece in pieces(reduced(shards_of(records)))}


def test_an_empty_subdir_stays_empty() -> None:
    assert reduced([]) == []


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


def test_what_the_subdir_does_not_have_is_passed_over() -> None:
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
def test_a_dependency_that_is_no_match_spec_does_no_harm(spec: str) -> None:
    assert kept(record("a", "1", spec, "b <2"), record("b", "1"), record("b", "2")) == {
        "a-1-0", "b-1-0", "b-2-0",
    }  # fmt: skip


def test_versions_and_names_that_are_none_to_the_parser_do_no_harm() -> None:
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


def test_a_store_of_any_size_gives_back_what_was_recorded() -> None:
    shards = [
        Shard(f"p{number:04}", [f'"é{number}":{{}}'] * (number % 3), ["x" * 9000] * (number % 4))
        for number in range(1500)
    ]
    with ShardStore() as store:
        assert list(store.recorded(shards)) == shards
        assert list(store) == shards
        assert store["p0007"] == shards[7]
        assert "p0007" in store
        assert "absent" not in store


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
@settings(max_examples=150, deadline=None)
def test_everything_kept_finds_what_the_subdir_has(records: list[Record]) -> None:
    full = pieces(shards_of(records))
    current = pieces(reduced(shards_of(records)))
    assert set(current) <= set(full)
    left = [r for r in records if f'"{filename(r)}":{json.dumps(r)}' in current]
    assert len(left) == len(current), "records are the same text"
    for name in {r["name"] for r in records}:
        versions = [Version(r["version"]) for r in records if r["name"] == name]
        newest = [
            r for r in records if r["name"] == name and Version(r["version"]) == max(versions)
        ]
        assert all(r in left for r in newest)
    specs = {spec for r in left for spec in r["depends"] if spec != "a ["}
    for spec in specs:
        assert not matching(spec, records) or matching(spec, left), spec


@given(_RECORDS, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_no_order_matters_and_once_is_enough(records: list[Record], chance: random.Random) -> None:
    shards = shards_of(records)
    once = reduced(shards)
    assert [shard.name for shard in once] == [shard.name for shard in shards]
    assert reduced(once) == once
    shuffled = [
        Shard(
            shard.name, *(chance.sample(p, len(p)) for p in (shard.packages, shard.packages_conda))
        )
        for shard in chance.sample(shards, len(shards))
    ]
    assert set(pieces(reduced(shuffled))) == set(pieces(once))
