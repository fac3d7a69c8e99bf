"""The entry of a name in channeldata.json (CEP 38)."""

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulp_conda.formats.about import describe
from pulp_conda.formats.index.channeldata import (
    ChannelPackage,
    channel_entry,
    channel_fragment,
    timestamp_seconds,
)
from tests.real_data import needs_real_packages, real_packages
from tests.unit.formats.packages import read_conda, read_tar

TRAITS = (
    "activate.d",
    "binary_prefix",
    "deactivate.d",
    "post_link",
    "pre_link",
    "pre_unlink",
    "text_prefix",
)
NO_TRAITS = dict.fromkeys(TRAITS, False)


def package(version: str = "1.0", **fields: Any) -> ChannelPackage:
    return ChannelPackage(**{"subdir": "noarch", "version": version, **fields})


def test_a_bare_package_has_what_is_required_and_no_more() -> None:
    assert channel_entry("demo", [package()]) == {
        **NO_TRAITS,
        "run_exports": {},
        "subdirs": ["noarch"],
        "timestamp": 0,
        "version": "1.0",
    }


def test_the_fragment_is_canonical() -> None:
    text = channel_fragment("demo", [package(license="MIT", run_exports={"weak": ["demo >=1"]})])
    assert text == (
        '"demo":{"activate.d":false,"binary_prefix":false,"deactivate.d":false,"license":"MIT",'
        '"post_link":false,"pre_link":false,"pre_unlink":false,'
        '"run_exports":{"1.0":{"weak":["demo >=1"]}},"subdirs":["noarch"],"text_prefix":false,'
        '"timestamp":0,"version":"1.0"}'
    )


def test_fields_are_of_the_newest_version_that_has_them() -> None:
    old = package("1.9", timestamp=9_000_000, about={"summary": "old", "home": "https://old"})
    new = package("1.10", timestamp=1_000_000, about={"summary": "new"}, license="MIT")
    entry = channel_entry("demo", [old, new])
    assert (entry["version"], entry["summary"], entry["home"]) == ("1.10", "new", "https://old")
    assert entry["license"] == "MIT"


def test_of_one_version_the_newer_timestamp_decides_in_whichever_unit_it_is() -> None:
    seconds = package(timestamp=1_500_000_000, about={"summary": "old"}, build_number=1)
    milliseconds = package(timestamp=1_600_000_000_000, about={"summary": "new"})
    entry = channel_entry("demo", [seconds, milliseconds])
    assert (entry["summary"], entry["timestamp"]) == ("new", 1_600_000_000)


def test_the_timestamp_is_the_most_recent_of_all_versions() -> None:
    entry = channel_entry("demo", [package("1", timestamp=5), package("2", timestamp=4)])
    assert entry["timestamp"] == 5


@pytest.mark.parametrize("version", ["R15B01", "", "*", "1..", "a[build_number=9]"])
def test_an_invalid_version_ranks_lowest(version: str) -> None:
    newest = package(version, timestamp=9, about={"summary": "odd", "home": "https://odd"})
    entry = channel_entry("demo", [newest, package("0.0a1", about={"summary": "plain"})])
    assert (entry["version"], entry["summary"], entry["home"]) == ("0.0a1", "plain", "https://odd")


def test_traits_of_any_package_count() -> None:
    linux = package("1", subdir="linux-64", traits=["binary_prefix"])
    entry = channel_entry("demo", [linux, package("2", traits=["activate.d"])])
    assert {trait for trait in TRAITS if entry[trait]} == {"activate.d", "binary_prefix"}
    assert entry["subdirs"] == ["linux-64", "noarch"]


def test_run_exports_are_of_the_newest_package_of_a_version_that_gives_any() -> None:
    weak = {"weak": ["demo >=1"]}
    strong = {"strong": ["demo >=1"]}
    entry = channel_entry(
        "demo",
        [
            package("1", timestamp=1, run_exports=weak),
            package("1", timestamp=2, run_exports=strong),
            package("1", timestamp=3, subdir="win-64"),
            package("2", timestamp=1, run_exports=weak),
            package("2", timestamp=2),
        ],
    )
    assert entry["run_exports"] == {"1": strong}


def test_texts_are_one_line_and_only_sources_are_several() -> None:
    links = ["https://a.example", "https://b.example"]
    about = {"summary": " A\ndemo ", "description": ["B", "C"], "home": links, "source_url": links}
    entry = channel_entry("demo", [package(about=about)])
    assert (entry["summary"], entry["description"]) == ("A demo", "B C")
    assert (entry["home"], entry["source_url"]) == (links[0], links)


def test_the_licence_of_the_record_goes_before_that_of_about() -> None:
    told = package("1", license="MIT", about={"license": "other"})
    assert channel_entry("demo", [told])["license"] == "MIT"
    assert channel_entry("demo", [package(about={"license": "BSD"})])["license"] == "BSD"


@pytest.mark.parametrize(
    ("timestamp", "seconds"),
    [
        (None, 0),
        (True, 0),
        ("1", 0),
        (-1, 0),
        (10**30, 0),
        (1e300, 0),
        (253_402_300_799, 253_402_300_799),
        (253_402_300_800, 253_402_300),
        (1_600_000_000_123.9, 1_600_000_000),
    ],
)
def test_timestamps_are_in_seconds_and_odd_ones_are_none(timestamp: object, seconds: int) -> None:
    assert timestamp_seconds(timestamp) == seconds


def test_a_name_without_packages_has_no_entry() -> None:
    with pytest.raises(ValueError, match="demo has no packages"):
        channel_entry("demo", [])


PACKAGES = st.builds(
    ChannelPackage,
    subdir=st.sampled_from(["noarch", "linux-64"]),
    version=st.sampled_from(["1", "1.0", "1.0.0", "2", "R15B01", "R16B02"]),
    build_number=st.integers(0, 1),
    timestamp=st.sampled_from([None, 1, 2]),
    license=st.sampled_from([None, "", "MIT", "BSD"]),
    about=st.sampled_from([{}, {"summary": "a"}, {"summary": "b"}]),
    run_exports=st.sampled_from([None, {}, {"weak": ["a"]}, {"weak": ["b"]}]),
    traits=st.sampled_from([[], ["post_link"]]),
)


@given(st.lists(PACKAGES, min_size=1, max_size=4))
def test_the_order_of_packages_does_not_matter(packages: list[ChannelPackage]) -> None:
    assert len({channel_fragment("demo", order) for order in permutations(packages)}) == 1


@needs_real_packages
def test_real_packages() -> None:
    entries = {}
    for path in real_packages():
        name, entry = _entry_of(path)
        entries[name] = entry
    for version, exports in entries["libsqlite"]["run_exports"].items():
        assert exports == {"weak": [f"libsqlite >={version},<4.0a0"]}
    assert entries["ncurses"]["binary_prefix"]
    assert entries["setuptools"]["license"] == "MIT"
    assert entries["tzdata"]["subdirs"] == ["noarch"]
    assert all(
        isinstance(entry["summary"], str) for entry in entries.values() if "summary" in entry
    )
    timestamps = [entry["timestamp"] for entry in entries.values() if entry["timestamp"]]
    assert len(timestamps) > 10
    assert all(timestamp > 1.4e9 for timestamp in timestamps)


def _entry_of(path: Path) -> tuple[str, dict[str, Any]]:
    read = read_conda if path.name.endswith(".conda") else read_tar
    contents = read(path.read_bytes())
    about = describe(contents.about)
    packages = [
        ChannelPackage(
            contents.subdir,
            contents.index["version"],
            contents.index["build_number"],
            contents.index.get("timestamp"),
            contents.index.get("license"),
            about,
            contents.run_exports,
            sorted(contents.traits),
        )
    ]
    name = contents.filename.name
    return name, json.loads("{" + channel_fragment(name, packages) + "}")[name]
