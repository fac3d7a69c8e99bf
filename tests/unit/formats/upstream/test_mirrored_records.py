"""Records of an upstream: kept verbatim, or refused with the rule."""

import hashlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulp_conda.formats.upstream.errors import UnusableRecord
from pulp_conda.formats.upstream.limits import UpstreamLimits
from pulp_conda.formats.upstream.raw import RawRecord
from pulp_conda.formats.upstream.records import PLACING_KEYS, MirroredRecord, mirrored_record
from tests.unit.formats.upstream.packed import FILENAME, NAME, SUBDIR, record


def mirrored(filename: str = FILENAME, **fields: Any) -> MirroredRecord:
    return mirrored_record(filename, record(**fields), name=NAME, subdir=SUBDIR)


def reason(filename: str = FILENAME, **fields: Any) -> str:
    with pytest.raises(UnusableRecord) as caught:
        mirrored(filename, **fields)
    sentence = str(caught.value)
    assert sentence.startswith("the record of '")
    assert sentence.isprintable()
    return sentence.partition("cannot be used: ")[2]


def test_a_record_is_kept_verbatim() -> None:
    odd: dict[str, Any] = {
        "unknown": {"b": [1.5, None, {"a": 8.0}], "a": True},
        "license": None, "depends": None, "constrains": "x", "arch": "x86_64", "weight": 8.0,
        "timestamp": 1500000000, "noarch": True, "time_modified": "2020-01-01", "removed": [],
    }  # fmt: skip
    found = mirrored(**odd)
    assert found.record == record(**odd)
    assert msgspec.json.decode(found.record_json) == record(**odd)
    assert '"weight":8.0' in found.record_json
    assert '"license":null' in found.record_json
    assert (found.timestamp, found.license) == (1500000000, "")


def test_what_places_or_dates_a_file_is_no_part_of_it() -> None:
    placed: dict[str, Any] = {
        "base_url": "https://example.org/", "channel": "x", "download_url": "x", "fn": FILENAME,
        "indexed_timestamp": 1_700_000_000_000, "url": "https://example.org/x", "run_exports": None,
    }  # fmt: skip
    assert placed.keys() == PLACING_KEYS
    found = mirrored(**placed)
    assert found.indexed == 1_700_000_000_000
    assert found._replace(indexed=None) == mirrored()


def test_known_run_exports_are_part_of_the_identity() -> None:
    unknown, none, some = (mirrored(run_exports=each) for each in (None, {}, {"weak": ["a"]}))
    assert [each.run_exports for each in (unknown, none, some)] == [None, {}, {"weak": ["a"]}]
    assert unknown.record == none.record == some.record
    assert len({each.record_digest for each in (unknown, none, some)}) == 3
    assert unknown.record_digest == hashlib.sha256(unknown.record_json.encode()).hexdigest()


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (["a", "b"], {"weak": ["a", "b"]}),
        ("a", {"weak": ["a"]}),
        ({"weak": [], "strong": None, "noarch": "a"}, {"noarch": ["a"]}),
        ({"schema_version": 1, "weak": ["a"]}, {"weak": ["a"]}),
        ({"unheard_of": ["a"]}, {"unheard_of": ["a"]}),
        ({"weak": {"a": 1}}, None),
        ({"weak": [1]}, None),
        ({"weak": ["a\0"]}, None),
        ({"we\0ak": ["a"]}, None),
        (True, None),
        (5, None),
    ],
)
def test_run_exports_have_one_form_or_are_unknown(stated: object, expected: object) -> None:
    assert mirrored(run_exports=stated).run_exports == expected


def test_run_exports_of_the_document_beside_are_used() -> None:
    entry = msgspec.Raw(b'{"weak":["a"]}')
    data = msgspec.Raw(msgspec.json.encode(record()))
    found = mirrored_record(FILENAME, RawRecord(data, False, entry), name=NAME, subdir=SUBDIR)
    assert found == mirrored(run_exports={"weak": ["a"]})
    own = msgspec.Raw(msgspec.json.encode(record(run_exports={"strong": ["b"]})))
    found = mirrored_record(FILENAME, RawRecord(own, False, entry), name=NAME, subdir=SUBDIR)
    assert found.run_exports == {"strong": ["b"]}


@pytest.mark.parametrize("entry", [b"null", b"5", b'{"weak":1e999}', b'{"a":1}', b'"\xff"', b"x"])
def test_an_unreadable_entry_beside_says_nothing(entry: bytes) -> None:
    raw = RawRecord(msgspec.Raw(msgspec.json.encode(record())), False, msgspec.Raw(entry))
    assert mirrored_record(FILENAME, raw, name=NAME, subdir=SUBDIR) == mirrored()


@pytest.mark.parametrize(
    "filename",
    [
        "../demo-1.0-0.conda", "a/b-1-0.conda", "a\\b-1-0.conda", ".hidden-1-0.conda", "-a.conda",
        "a b-1-0.conda", 'a"-1-0.conda', "a\n-1-0.conda", "ü-1-0.conda", "a%2f-1-0.conda",
        "a?-1-0.conda", "a#-1-0.conda", "a:b-1-0.conda", "", ".conda", "demo-1.0-0.whl",
        "demo-1.0-0.conda.exe", "a" * 206 + ".conda", "\ud800-1-0.conda", "demo-1.0-0.CONDA",
    ],
)  # fmt: skip
def test_an_unsafe_file_name_is_refused(filename: str) -> None:
    assert "file name" in (said := reason(filename)) or "files must end" in said


@pytest.mark.parametrize(
    "filename",
    ["demo.conda", "dummy-anaconda-1-0.tar.bz2", "demo-1!2+x-0.conda", "Demo-R15-0.conda"],
)
def test_a_file_name_need_not_be_made_of_name_version_and_build(filename: str) -> None:
    found = mirrored(filename)
    assert (found.filename, found.version, found.build) == (filename, "1.0", "0")
    assert found.extension == ("conda" if filename.endswith(".conda") else "tar.bz2")


@pytest.mark.parametrize(
    ("filename", "misnamed"),
    [
        (FILENAME, False), ("demo-2-1.tar.bz2", False), ("demo.conda", False),
        ("other-1.0-0.conda", True), ("demo-x-1.0-0.conda", True), ("x.conda", True),
    ],
)  # fmt: skip
def test_a_file_may_be_named_after_another_package(filename: str, misnamed: bool) -> None:
    assert mirrored(filename).is_misnamed is misnamed


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "other"}, "its name is not demo, under which it is listed"),
        ({"name": ...}, "its name is not demo"),
        ({"name": ["demo"]}, "its name is not demo"),
        ({"subdir": "win-64"}, "its subdir is not linux-64"),
        ({"subdir": 5}, "its subdir is not linux-64"),
        ({"version": ...}, "its version is not a text"),
        ({"version": 1}, "its version is not a text"),
        ({"version": ""}, "its version is not a text"),
        ({"version": "1" * 65}, "its version has more than 64 characters"),
        ({"version": "1\0"}, "its version has a character"),
        ({"build": "ü"}, "its build has a character"),
        ({"build": "0" * 65}, "its build has more than 64 characters"),
        ({"sha256": ..., "md5": ...}, "it has no hash"),
        ({"sha256": None, "md5": None}, "it has no hash"),
        ({"sha256": "", "md5": ""}, "it has no hash"),
        ({"sha256": "a" * 63}, "its sha256 is not one"),
        ({"sha256": "g" * 64}, "its sha256 is not one"),
        ({"sha256": 5}, "its sha256 is not one"),
        ({"md5": "b" * 32 + "\n"}, "its md5 is not one"),
        ({"md5": ["b"]}, "its md5 is not one"),
        ({"timestamp": 2**64}, "a number beyond 64 bits"),
        ({"unknown": {"a": [-(2**63) - 1]}}, "a number beyond 64 bits"),
    ],
)
def test_a_record_that_cannot_be_stored_or_checked_is_refused(
    fields: dict[str, Any], said: str
) -> None:
    assert said in reason(**fields)


@pytest.mark.parametrize(
    "fields", [{"sha256": ...}, {"sha256": None}, {"sha256": ""}, {"md5": ...}]
)
def test_one_hash_is_enough(fields: dict[str, Any]) -> None:
    found = mirrored(**fields)
    assert (found.sha256, found.md5) in {("", "b" * 32), ("a" * 64, "")}
    assert found.record == record(**fields)


def test_a_hash_in_capitals_stays_so_in_the_record() -> None:
    found = mirrored(sha256="A" * 64)
    assert (found.sha256, found.record["sha256"]) == ("a" * 64, "A" * 64)


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        ({"build_number": "2"}, {"build_number": 0}),
        ({"build_number": ...}, {"build_number": 0}),
        ({"build_number": True}, {"build_number": 0}),
        ({"build_number": 3.0}, {"build_number": 3}),
        ({"size": ...}, {"size": None}),
        ({"size": "5"}, {"size": None}),
        ({"size": 0}, {"size": None}),
        ({"size": -1}, {"size": None}),
        ({"timestamp": 2**63}, {"timestamp": None}),
        ({"timestamp": "soon"}, {"timestamp": None}),
        ({"indexed_timestamp": "soon"}, {"indexed": None}),
        ({"indexed_timestamp": -5}, {"indexed": None}),
        ({"license": ["MIT"]}, {"license": ""}),
        ({"license": "M\0T"}, {"license": ""}),
        ({"license": "MIT"}, {"license": "MIT"}),
    ],
)
def test_odd_fields_stay_in_the_record_and_nowhere_else(
    odd: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = mirrored(**odd)
    assert {field: getattr(found, field) for field in expected} == expected
    assert found.record == {k: v for k, v in record(**odd).items() if k not in PLACING_KEYS}


def test_its_size_is_limited() -> None:
    limits = UpstreamLimits(record_bytes=1000)
    long = record(summary="x" * 1000)
    exported = record(run_exports={"weak": ["x" * 900]})
    for each in (long, exported):
        with pytest.raises(UnusableRecord, match="more than 1,000 bytes"):
            mirrored_record(FILENAME, each, name=NAME, subdir=SUBDIR, limits=limits)


@pytest.mark.parametrize(
    "data", [b"5", b"null", b"[]", b'{"a":1e400}', b'{"a":"\\ud800"}', b'{"a":"\xff"}', b'{"a":01}']
)
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(UnusableRecord, match="not a valid object"):
        mirrored_record(FILENAME, RawRecord(msgspec.Raw(data), False), name=NAME, subdir=SUBDIR)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(-1e9, 1e9)
    | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=3), below),
    max_leaves=8,
)  # fmt: skip
FIELDS = st.sampled_from(
    ("build_number", "depends", "license", "size", "timestamp", "track_features", "noarch", "new")
)


@given(st.dictionaries(FIELDS, VALUES, max_size=4))
def test_both_forms_of_a_record_are_equal(odd: dict[str, Any]) -> None:
    stated = record(**odd)
    binary = {**stated, "sha256": bytes.fromhex("aa" * 32), "md5": bytes.fromhex("bb" * 16)}
    forms = (
        RawRecord(msgspec.Raw(msgspec.json.encode(stated)), False),
        RawRecord(msgspec.Raw(msgspec.msgpack.encode(binary)), True),
    )
    from_json, from_msgpack = (
        mirrored_record(FILENAME, form, name=NAME, subdir=SUBDIR) for form in forms
    )
    assert from_json == from_msgpack
    assert msgspec.json.decode(from_json.record_json) == stated
