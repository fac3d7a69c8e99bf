"""`repodata.json` of an upstream, cut into names."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulp_conda.formats.limits import MIB
from pulp_conda.formats.upstream.document import Document, decode_document, read_document
from pulp_conda.formats.upstream.errors import UnusableDocument
from pulp_conda.formats.upstream.limits import UpstreamLimits
from pulp_conda.formats.upstream.records import MirroredRecord, mirrored_record
from tests.unit.formats.upstream.packed import FILENAME, NAME, SUBDIR, record


def text(conda: Any = None, tar_bz2: Any = None, **more: Any) -> bytes:
    maps = {"info": {"subdir": SUBDIR}, "packages": tar_bz2 or {}, "packages.conda": conda or {}}
    return json.dumps({**maps, **more}).encode()


def mirrored(document: Document, name: str = NAME) -> dict[str, MirroredRecord]:
    return {
        filename: mirrored_record(filename, raw, name=name, subdir=SUBDIR)
        for filename, raw in document.records(name).items()
    }


def test_a_document_is_cut_into_names() -> None:
    conda = {FILENAME: record(), "other-1.0-0.conda": record(name="other")}
    tar_bz2 = {"demo-0.9-0.tar.bz2": record(version="0.9")}
    document = decode_document(text(conda, tar_bz2, removed=["demo-0.1-0.conda"]))
    assert document.digests.keys() == {NAME, "other"}
    assert {name: len(digest) for name, digest in document.digests.items()} == {
        NAME: 32,
        "other": 32,
    }
    found = mirrored(document)
    assert {filename: each.version for filename, each in found.items()} == {
        "demo-0.9-0.tar.bz2": "0.9", FILENAME: "1.0",
    }  # fmt: skip
    assert found[FILENAME].record == record()
    assert found[FILENAME].run_exports is None
    assert document.records("unknown") == {}
    assert document.faults == []


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({"subdir": "noarch"}, ("noarch", "")),
        ({"subdir": "noarch", "base_url": "../x/"}, ("noarch", "../x/")),
        ({"platform": "linux", "arch": None}, (None, "")),
        ({}, (None, "")),
        (None, (None, "")),
    ],
)
def test_it_says_its_subdir_and_where_its_files_are(info: Any, expected: tuple[Any, str]) -> None:
    document = decode_document(text(info=info))
    assert (document.subdir, document.base_url) == expected


def test_a_digest_changes_with_the_records_of_its_name_only() -> None:
    conda = {FILENAME: record(), "other-1.0-0.conda": record(name="other")}
    before = decode_document(text(conda)).digests
    after = decode_document(text({**conda, "demo-2-0.conda": record(version="2")})).digests
    assert after["other"] == before["other"]
    assert after[NAME] != before[NAME]
    patched = decode_document(text({**conda, FILENAME: record(depends=["x"])})).digests
    assert patched["other"] == before["other"]
    assert patched[NAME] not in (before[NAME], after[NAME])


RECORDS = st.dictionaries(
    st.sampled_from([f"{name}-{version}-0" for name in ("a", "b") for version in range(4)]),
    st.integers(0, 1),
)


@given(RECORDS, RECORDS, RECORDS, st.randoms(use_true_random=False))
def test_the_order_of_the_file_does_not_matter(
    conda: dict[str, int], tar_bz2: dict[str, int], v3: dict[str, int], chance: Any
) -> None:
    def stated(of: dict[str, int], ending: str, shuffled: bool) -> dict[str, Any]:
        items = list(of.items())
        if shuffled:
            chance.shuffle(items)
        return {f"{key}{ending}": record(name=key[0], size=size + 1) for key, size in items}

    first, second = (
        decode_document(
            text(
                stated(conda, ".conda", shuffled),
                stated(tar_bz2, ".tar.bz2", shuffled),
                v3={"conda": stated(v3, "", shuffled)},
            )
        )
        for shuffled in (False, True)
    )
    assert first.digests == second.digests
    for name in first.digests:
        assert mirrored(first, name) == mirrored(second, name)
    expected = {f"{key}.conda" for key in (*conda, *v3)} | {f"{key}.tar.bz2" for key in tar_bz2}
    assert {each for name in first.digests for each in first.records(name)} == expected


def test_run_exports_lie_beside_and_change_no_digest() -> None:
    document = decode_document(text({FILENAME: record()}, {"demo-0-0.tar.bz2": record()}))
    before = dict(document.digests)
    unknown = document.run_exports_digests()
    exports = {
        "info": {"subdir": SUBDIR},
        "packages": {"demo-0-0.tar.bz2": {"run_exports": {}}},
        "packages.conda": {FILENAME: {"run_exports": {"weak": ["demo"]}}, "x.conda": {}},
    }
    document.add_run_exports(json.dumps(exports).encode())
    found = mirrored(document)
    assert found[FILENAME].run_exports == {"weak": ["demo"]}
    assert found["demo-0-0.tar.bz2"].run_exports == {}
    assert document.digests == before
    assert document.run_exports_digests().keys() == before.keys()
    assert document.run_exports_digests() != unknown


def test_run_exports_that_cannot_be_read_leave_all_as_it_was() -> None:
    document = decode_document(text({FILENAME: record()}))
    document.add_run_exports(text({FILENAME: {"run_exports": {"weak": ["demo"]}}}))
    with pytest.raises(UnusableDocument, match=r"run_exports\.json cannot be used"):
        document.add_run_exports(b"<html>")
    assert mirrored(document)[FILENAME].run_exports == {"weak": ["demo"]}


def test_records_under_v3_get_their_file_names_and_count_first() -> None:
    v3 = {
        "conda": {"demo-1.0-0": record(schema_version=3)},
        "tar.bz2": {"demo-2-0": record(version="2")},
        "whl": {"demo-3": record(version="3"), "x": {}},
        "unheard_of": {"demo-4": record(version="4")},
    }
    document = decode_document(text({FILENAME: record()}, v3=v3))
    found = mirrored(document)
    assert found.keys() == {FILENAME, "demo-2-0.tar.bz2"}
    assert found[FILENAME].record["schema_version"] == 3
    assert document.faults == ["2 records of wheels were left out"]


@pytest.mark.parametrize(
    "odd", [{}, {"name": 5}, {"name": None}, {"name": {"a": [1]}}, {"name": "x" * 1000}]
)
def test_a_record_without_a_name_is_left_out_and_told(odd: object) -> None:
    document = decode_document(text({"a\nb.conda": odd, FILENAME: record()}))
    assert list(document.digests) == [NAME]
    assert document.faults == [r"'a\nb.conda' was left out: its record has no name"]


def test_a_name_that_no_package_may_have_is_left_out_and_told_once() -> None:
    files = {f"x-{n}-0.conda": record(name="../x") for n in range(5)}
    document = decode_document(text({**files, FILENAME: record()}))
    assert list(document.digests) == [NAME]
    (fault,) = document.faults
    assert fault.startswith("'../x' was left out: the package name has other characters")


def test_a_record_that_cannot_be_decoded_spoils_no_other() -> None:
    odd = b'{"name":"demo","size":1e400}'
    data = text({FILENAME: record(), "demo-2-0.conda": {"x": 1}}).replace(b'{"x": 1}', odd)
    document = decode_document(data)
    assert document.records(NAME).keys() == {FILENAME, "demo-2-0.conda"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b'{"info":{"subdir":"noarch"}}',
        b'{"error":"not found"}',
        b"<html>",
        b"[]",
        b"null",
        b'{"packages":[]}',
        b'{"packages":{}}x',
        b'{"packages":{},"info":5}',
        b'{"packages":{},"info":{"subdir":5}}',
        b'{"packages":{},"v3":{"conda":[]}}',
        b'{"packages":{},"v3":[]}',
        b'{"packages":{"a-1-0.conda":5}}',
        b'{"packages":{"a-1-0.conda":[]}}',
        text({FILENAME: record()})[:-1],
        text({FILENAME: record()})[:100],
        b"\xef\xbb\xbf" + text(),
        b'{"packages":{"a":' + b"[" * 100_000,
    ],
)
def test_what_is_no_document_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(UnusableDocument, match=r"^repodata\.json cannot be used: ") as caught:
        decode_document(data)
    assert str(caught.value).isprintable()
    (tmp_path / "document").write_bytes(data)
    with pytest.raises(UnusableDocument):
        read_document(tmp_path / "document")


def test_an_empty_document_is_one() -> None:
    assert decode_document(b'{"packages":{}}').digests == {}
    assert decode_document(b'{"v3":{}}').digests == {}


def test_its_size_is_limited() -> None:
    with pytest.raises(UnusableDocument, match="more than 10 bytes"):
        decode_document(text(), limits=UpstreamLimits(document_bytes=10))


def test_the_number_of_its_objects_is_limited() -> None:
    data = text({FILENAME: record()})
    limits = UpstreamLimits(document_objects=data.count(b"{"))
    decode_document(data, limits=limits)
    fewer = UpstreamLimits(document_objects=data.count(b"{") - 1)
    with pytest.raises(UnusableDocument, match=r"repodata\.json .* it has more than 4 objects"):
        decode_document(data, limits=fewer)
    document = decode_document(data, limits=limits)
    exports = text({f"{n}.conda": {"run_exports": {}} for n in range(9)})
    with pytest.raises(UnusableDocument, match=r"run_exports\.json .* it has more than 5 objects"):
        document.add_run_exports(exports)


def test_many_entries_that_are_no_objects_take_no_memory() -> None:
    # Each entry takes a hundred bytes in memory, and ten in the document.
    bomb = b'{"packages":{' + b",".join(b'"%d":1' % n for n in range(200_000)) + b"}}"
    document = decode_document(text({FILENAME: record()}))
    for decode in (decode_document, document.add_run_exports):
        tracemalloc.start()
        with pytest.raises(UnusableDocument):
            decode(bomb)
        assert tracemalloc.get_traced_memory()[1] < 4 * MIB
        tracemalloc.stop()


def test_a_file_is_mapped(tmp_path: Path) -> None:
    path = tmp_path / "repodata.json"
    path.write_bytes(text({FILENAME: record()}))
    document = read_document(path)
    path.unlink()
    raw = document.records(NAME)[FILENAME]
    del document
    found = mirrored_record(FILENAME, raw, name=NAME, subdir=SUBDIR)
    assert found.record == record()
    assert msgspec.json.decode(found.record_json) == record()
