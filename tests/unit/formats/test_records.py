"""From index.json to the record of a package."""

import json

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pulp_conda.formats.identifiers import PackageFilename
from pulp_conda.formats.records import build_record, canonical_json, is_v3, record_digest
from tests.unit.formats.packages import needs_real_data, real_repodata

HASHES = {"md5": "0" * 32, "sha256": "1" * 64, "size": 5}
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20)
OBJECTS = st.dictionaries(
    st.text(max_size=10),
    st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4)),
    max_size=8,
)


def test_unknown_keys_pass_and_the_build_machines_do_not() -> None:
    index = {"name": "a", "purls": ["pkg:x/y"], "arch": "x86_64", "platform": "linux", "mtime": 1}
    record = build_record(index, **HASHES)  # type: ignore[arg-type]
    assert record == {"name": "a", "purls": ["pkg:x/y"], "depends": [], **HASHES}


def test_a_package_cannot_speak_for_the_server() -> None:
    index = {"url": "http://evil", "md5": "x", "sha256": "y", "size": -1, "indexed_timestamp": 1}
    assert build_record(index, **HASHES) == {"depends": [], **HASHES}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("noarch", "expected"), [(True, "generic"), ("python", "python"), (False, None), ("", None)]
)
def test_noarch_is_a_word_or_absent(noarch: object, expected: str | None) -> None:
    assert build_record({"noarch": noarch}, **HASHES).get("noarch") == expected  # type: ignore[arg-type]


def test_lists_that_are_null_are_empty() -> None:
    record = build_record({"depends": None, "constrains": None}, **HASHES)  # type: ignore[arg-type]
    assert (record["depends"], record["constrains"]) == ([], [])


@given(OBJECTS)
def test_canonical_json_keeps_every_value(record: dict[str, object]) -> None:
    assert json.loads(canonical_json(record)) == record


@given(OBJECTS)
def test_the_digest_does_not_depend_on_the_order_of_keys(record: dict[str, object]) -> None:
    assert record_digest(record) == record_digest(dict(reversed(record.items())))


@pytest.mark.parametrize(
    "record",
    [
        {"schema_version": 3},
        {"extra_depends": {"x": []}},
        {"flags": ["a"]},
        {"depends": ['a[when="b"]']},
    ],
)
def test_the_next_schema_is_recognised(record: dict[str, object]) -> None:
    assert is_v3(record)
    assert not is_v3({"schema_version": 2, "depends": ['a[version=">=1"]']})


@needs_real_data
@pytest.mark.parametrize("path", real_repodata(), ids=lambda path: path.parent.name)
def test_real_records_survive_canonical_json(path) -> None:  # type: ignore[no-untyped-def]
    document = msgspec.json.decode(
        zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())
    )
    count = 0
    for section in ("packages", "packages.conda"):
        for filename, record in document[section].items():
            assert json.loads(canonical_json(record)) == record
            assert str(PackageFilename.parse(filename)) == filename
            count += 1
    assert count > 10_000
