"""What a mirror takes of an upstream."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulp_conda.formats.upstream.errors import UnusableFilter
from pulp_conda.formats.upstream.filters import ImportFilter
from pulp_conda.formats.upstream.records import MirroredRecord, mirrored_record
from pulp_conda.formats.upstream.specs import filter_fault
from tests.unit.formats.upstream.packed import NAME, SUBDIR, record


def made(version: str = "1.0", build: str = "0", name: str = NAME, **fields: Any) -> MirroredRecord:
    stated = record(name=name, version=version, build=build, **fields)
    filename = f"{name}-{version}-{build}.conda".replace(" ", "_")
    return mirrored_record(filename, stated, name=name, subdir=SUBDIR)


def versions(records: list[MirroredRecord]) -> list[str]:
    return [each.version for each in records]


def test_without_filters_all_is_taken() -> None:
    records = [made("1.0"), made("not a version"), made("2.0", size=...)]
    assert ImportFilter().chosen(records) == records
    assert ImportFilter().chosen([]) == []
    assert ImportFilter().may_take("anything")


@pytest.mark.parametrize(
    ("spec", "taken"),
    [
        ("demo", ["1.0", "1.5", "2.0"]),
        ("Demo", ["1.0", "1.5", "2.0"]),
        ("demo >=1.5", ["1.5", "2.0"]),
        ("demo 1.*", ["1.0", "1.5"]),
        ("demo=1.5=py*", ["1.5"]),
        ("demo[build='*cuda*']", ["2.0"]),
        ("demo[build_number=3]", ["1.5"]),
        ("demo[license=MIT]", ["1.0"]),
        ("demo[license_family=BSD]", ["2.0"]),
        ("demo[subdir=linux-64]", ["1.0", "1.5", "2.0"]),
        ("demo[subdir=noarch]", []),
        ("demo[md5='" + "b" * 32 + "']", ["1.0", "1.5", "2.0"]),
        ("demo[sha256='" + "c" * 64 + "']", []),
        ("demo[flags=[gpu]]", ["2.0"]),
        ("de*", ["1.0", "1.5", "2.0"]),
        ("*mo <2", ["1.0", "1.5"]),
        ("*", ["1.0", "1.5", "2.0"]),
        ("^d.mo$", ["1.0", "1.5", "2.0"]),
        ("other", []),
        ("x*", []),
    ],
)
def test_specs_select_records(spec: str, taken: list[str]) -> None:
    records = [
        made("1.0", license="MIT", license_family=5, flags=None),
        made("1.5", "py3_3", build_number=3, flags=[5]),
        made("2.0", "cuda_0", license_family="BSD", flags=["gpu"]),
    ]
    assert versions(ImportFilter(include=[spec]).chosen(records)) == taken
    left = [version for version in ("1.0", "1.5", "2.0") if version not in taken]
    assert versions(ImportFilter(exclude=[spec]).chosen(records)) == left


def test_any_spec_is_enough_and_exclusion_wins() -> None:
    records = [made("1.0"), made("2.0"), made("3.0")]
    chosen = ImportFilter(include=["demo <2", "demo >2"], exclude=["demo 3.*"]).chosen(records)
    assert versions(chosen) == ["1.0"]


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ([], [], True),
        (["numpy"], [], True),
        (["numpy >5"], [], True),
        (["NUMPY"], [], True),
        (["scipy"], [], False),
        (["num*"], ["numpy 1.*"], True),
        (["num*"], ["numpy"], False),
        ([], ["*py"], False),
        ([], ["*py 1.*"], True),
        (["^sci.*$"], [], False),
    ],
)
def test_names_that_cannot_match_need_not_be_asked_for(
    include: list[str], exclude: list[str], expected: bool
) -> None:
    assert ImportFilter(include=include, exclude=exclude).may_take("numpy") is expected


def test_a_version_that_is_none_matches_specs_for_a_name_only() -> None:
    records = [made("not a version"), made("1.0")]
    assert ImportFilter(include=["demo"]).chosen(records) == records
    assert versions(ImportFilter(include=["demo >0"]).chosen(records)) == ["1.0"]
    assert versions(ImportFilter(exclude=["demo >0"]).chosen(records)) == ["not a version"]
    assert ImportFilter(exclude=["d*"]).chosen(records) == []


def test_the_newest_versions_are_those_of_condas_order_with_all_builds() -> None:
    records = [
        made("1.10", "a"), made("1.9"), made("1.10", "b"), made("1.10.0", "c"), made("2.0rc1"),
        made("not a version"),
    ]  # fmt: skip
    assert versions(ImportFilter(newest=1).chosen(records)) == ["2.0rc1"]
    assert versions(ImportFilter(newest=2).chosen(records)) == ["1.10", "1.10", "1.10.0", "2.0rc1"]
    assert versions(ImportFilter(newest=2, exclude=["demo 2.0rc1"]).chosen(records)) == [
        "1.10", "1.9", "1.10", "1.10.0",
    ]  # fmt: skip
    assert ImportFilter(newest=9).chosen(records) == records
    assert ImportFilter(newest=0).chosen(records) == []


def test_large_files_are_left_out_before_the_newest_are_counted() -> None:
    records = [made("1", size=10), made("2", size=11), made("3", size=...)]
    assert versions(ImportFilter(max_bytes=10).chosen(records)) == ["1", "3"]
    assert versions(ImportFilter(max_bytes=10, newest=2).chosen(records)) == ["1", "3"]


def test_licences_are_compared_without_case_and_outer_spaces() -> None:
    records = [
        made("1", license="MIT"), made("2", license=" mit "), made("3", license="MIT OR X"),
        made("4"), made("5", license=["MIT"]),
    ]  # fmt: skip
    assert versions(ImportFilter(licenses=["Mit\n"]).chosen(records)) == ["1", "2"]
    assert versions(ImportFilter(licenses=["MIT or x", "gpl"]).chosen(records)) == ["3"]


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("", "missing package name"),
        ("numpy >=1,<", "unable to parse version spec"),
        ("a" * 2000, "more than 1,024 characters"),
        ("[" * 40, "more than 32 brackets"),
        ("n?mpy", "not a valid package name"),
        ("^(a{1000}){1000}$", "invalid regex"),
        ("numpy[build_number=99999999999999999999]", ""),
        ("conda-forge::numpy", "it asks for channel, which is not part of a record"),
        ("https://example.org/numpy-1-0.conda", "it asks for url"),
        ("numpy[when='python']", "it asks for when"),
        ("numpy[extras=[x]]", "it asks for extras"),
        ("numpy[fn=x]", "it asks for fn"),
        ("numpy[track_features=x]", "it asks for track_features"),
        ("numpy[namespace=x]", "it asks for namespace"),
    ],
)
def test_a_spec_that_cannot_select_is_refused(spec: str, reason: str) -> None:
    fault = filter_fault(spec)
    assert fault is not None
    assert reason in fault
    with pytest.raises(UnusableFilter):
        ImportFilter(include=["numpy", spec])
    with pytest.raises(UnusableFilter):
        ImportFilter(exclude=["numpy", spec])


def test_a_spec_that_can_select_has_no_fault() -> None:
    assert filter_fault("numpy* >=2") is None


@given(
    st.lists(st.sampled_from(["1.0", "1.1", "2", "2.0", "10", "x y"]), max_size=6),
    st.integers(0, 4),
)
def test_newest_keeps_no_version_older_than_one_that_it_leaves(
    texts: list[str], count: int
) -> None:
    records = [made(version, str(number)) for number, version in enumerate(texts)]
    kept = ImportFilter(newest=count).chosen(records)
    assert kept == [each for each in records if each in kept]
    more = ImportFilter(newest=count + 1).chosen(records)
    assert [each for each in more if each in kept] == kept
    order = {"x y": 0, "1.0": 1, "1.1": 2, "2": 3, "2.0": 3, "10": 4}
    ranks = {order[each.version] for each in kept}
    assert len(ranks) == min(count, len({order[text] for text in texts}))
    assert all(order[e.version] < min(ranks) for e in records if ranks and e not in kept)
