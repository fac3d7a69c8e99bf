"""The fields of a package's unit, from its record and digests without its file."""

import hashlib
import json
from typing import Any

import pytest

from pulp_conda.app.channels.intake.unit_fields import FileDigests, mirrored_fields, unit_fields
from pulp_conda.formats.identifiers import PackageFilename
from pulp_conda.formats.upstream.records import mirrored_record

DIGESTS = FileDigests("a" * 64, "b" * 32, "", 1234)
RECORD: dict[str, Any] = {
    "name": "demo", "version": "1.0", "build": "h1_2", "build_number": 2, "subdir": "noarch",
    "depends": ["python >=3"], "license": "MIT", "timestamp": 1_700_000_000_000,
    "sha256": "a" * 64, "md5": "b" * 32, "size": 1234, "something": {"b": 1, "a": None},
}  # fmt: skip


def fields(record: dict[str, Any], **more: Any) -> dict[str, Any]:
    filename = PackageFilename.parse("demo-1.0-h1_2.conda")
    return unit_fields(record, filename, "noarch", DIGESTS, **more)


def test_a_record_and_digests_are_enough() -> None:
    found = fields(RECORD)
    text = json.dumps(RECORD, sort_keys=True, separators=(",", ":"))
    assert found == {
        "sha256": "a" * 64, "md5": "b" * 32, "sha1": "", "size": 1234,
        "subdir": "noarch", "filename": "demo-1.0-h1_2.conda", "extension": "conda",
        "name": "demo", "version": "1.0", "build": "h1_2", "build_number": 2,
        "timestamp": 1_700_000_000_000, "license": "MIT",
        "record_json": text, "record_digest": hashlib.sha256(text.encode()).hexdigest(),
        "run_exports": None, "about": {}, "traits": [],
    }  # fmt: skip


def test_metadata_of_the_archive_is_stored() -> None:
    about = {"summary": "A demo", "home": "javascript:alert(1)"}
    found = fields(RECORD, run_exports={"weak": ["demo"]}, about=about, traits={"z", "a"})
    assert found["run_exports"] == {"weak": ["demo"]}
    assert found["about"] == {"summary": "A demo"}
    assert found["traits"] == ["a", "z"]
    assert found["record_digest"] == fields(RECORD)["record_digest"]


def test_two_channels_give_one_unit() -> None:
    assert fields({**RECORD, "indexed_timestamp": 5}) == fields(RECORD)
    assert fields(dict(reversed(RECORD.items()))) == fields(RECORD)


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        ({"build_number": "2"}, {"build_number": 0}),
        ({"build_number": None}, {"build_number": 0}),
        ({"build_number": True}, {"build_number": 0}),
        ({"timestamp": 2**63}, {"timestamp": None}),
        ({"timestamp": float("inf")}, {"timestamp": None}),
        ({"timestamp": "soon"}, {"timestamp": None}),
        ({"timestamp": 1.0}, {"timestamp": 1}),
        ({"license": ["MIT"]}, {"license": ""}),
        ({"license": "M\0T"}, {"license": ""}),
        ({"license": None}, {"license": ""}),
    ],
)
def test_odd_fields_stay_in_the_record_and_nowhere_else(
    odd: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = fields({**RECORD, **odd})
    assert {key: found[key] for key in expected} == expected
    assert found["record_digest"] != fields(RECORD)["record_digest"]


def test_an_ordinary_record_gives_the_same_unit_when_it_is_mirrored() -> None:
    record = mirrored_record("demo-1.0-h1_2.conda", RECORD, name="demo", subdir="noarch")
    assert mirrored_fields(record) == fields(RECORD)


def test_an_unknown_size_is_no_size() -> None:
    stated = {**RECORD, "size": None}
    record = mirrored_record("demo-1.0-h1_2.conda", stated, name="demo", subdir="noarch")
    assert mirrored_fields(record)["size"] == 0


def test_a_record_may_lack_fields_outside_of_its_file_name() -> None:
    found = fields({"name": "demo"})
    assert (found["build_number"], found["timestamp"], found["license"]) == (0, None, "")
    assert found["record_json"] == '{"name":"demo"}'
