"""Shards of an upstream."""

from typing import Any

import msgspec
import pytest

from pulp_conda.formats.index.shards import IndexedPackage, ShardEncoder, build_shards
from pulp_conda.formats.records import canonical_json
from pulp_conda.formats.upstream.errors import UnusableDocument, UnusableRecord
from pulp_conda.formats.upstream.limits import UpstreamLimits
from pulp_conda.formats.upstream.records import MirroredRecord, mirrored_record
from pulp_conda.formats.upstream.shard import decode_shard
from tests.unit.formats.upstream.packed import FILENAME, NAME, SUBDIR, packed, record, shard, zst


def mirrored(data: bytes) -> dict[str, MirroredRecord]:
    return {
        filename: mirrored_record(filename, raw, name=NAME, subdir=SUBDIR)
        for filename, raw in decode_shard(data).items()
    }


def test_our_own_shard_is_read() -> None:
    stated = record(unknown=None)
    text = canonical_json(stated).decode()
    exports = {"weak": ["demo >=1"]}
    package = IndexedPackage(NAME, FILENAME, "conda", text, exports, 1_700_000_000_000)
    (made,) = build_shards([package])
    (found,) = mirrored(ShardEncoder().encode(made, ["demo-0.9-0.conda"]).data).values()
    assert found.record == stated
    assert found.record_json == text
    assert found.run_exports == exports
    assert found.indexed == 1_700_000_000_000
    assert (found.sha256, found.md5, found.size) == ("a" * 64, "b" * 32, 5)


@pytest.mark.parametrize("form", [bytes.fromhex, str, lambda text: list(bytes.fromhex(text))])
def test_hashes_have_three_forms(form: Any) -> None:
    stated = record(sha256=form("ab" * 32), md5=form("cd" * 16), legacy_bz2_md5=form("ef" * 16))
    found = mirrored(shard(conda={FILENAME: stated}))[FILENAME]
    assert found.record == record(sha256="ab" * 32, md5="cd" * 16, legacy_bz2_md5="ef" * 16)


def test_records_under_v3_get_their_file_names() -> None:
    v3 = {"conda": {"demo-2-0": record(version="2")}, "tar.bz2": {"demo-3-0": record(version="3")}}
    found = mirrored(
        shard(conda={FILENAME: record()}, tar_bz2={"demo-1-0.tar.bz2": record()}, v3=v3)
    )
    assert {filename: each.version for filename, each in found.items()} == {
        FILENAME: "1.0", "demo-1-0.tar.bz2": "1.0", "demo-2-0.conda": "2", "demo-3-0.tar.bz2": "3",
    }  # fmt: skip


def test_a_record_under_v3_counts_before_a_classic_one() -> None:
    v3 = {"conda": {"demo-1.0-0": record(schema_version=3)}}
    found = mirrored(shard(conda={FILENAME: record()}, v3=v3))
    assert found[FILENAME].record["schema_version"] == 3


def test_a_kind_of_package_that_is_unknown_is_told_once() -> None:
    records = decode_shard(shard(v3={"whl": {"a": record(), "b": record()}, "oci": {}}))
    assert list(records) == ["v3.whl"]
    assert decode_shard(shard(v3={"whl": {}})) == {}
    with pytest.raises(UnusableRecord, match=r"'v3\.whl' cannot be used: files must end in"):
        mirrored_record("v3.whl", records["v3.whl"], name=NAME, subdir=SUBDIR)


@pytest.mark.parametrize(
    "maps", [{}, {"packages": None, "v3": None}, {"packages.conda": {}, "removed": ["x"]}]
)
def test_a_shard_may_be_empty(maps: dict[str, Any]) -> None:
    assert decode_shard(packed(maps)) == {}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        zst(b"{}"),
        packed([]),
        packed({"packages": []}),
        packed({"packages": {1: {}}}),
        packed({"v3": {"conda": []}}),
        packed({"v3": {"conda": 5}}),
        packed({"v3": {"whl": 5}}),
        packed({"packages": b""}),
        zst(b"\x81\xa8packages\xdf\x00"),
        packed({"v3": {"conda": {1: {}}}}),
        packed({})[:-1],
        packed({}) + b"x",
        zst(b"\x81\xa8packages\x81\xa1a" + b"\x91" * 100_000),
    ],
)
def test_what_is_no_shard_is_refused(data: bytes) -> None:
    with pytest.raises(UnusableDocument, match=r"^the shard cannot be used: "):
        decode_shard(data)


@pytest.mark.parametrize("count", [20, 70_000])
def test_the_number_of_its_records_is_limited(count: int) -> None:
    files: dict[str, object] = {f"{n}.conda": {} for n in range(count)}
    for maps in ({"packages": files}, {"v3": {"conda": files}}, {"v3": {"whl": files}}):
        with pytest.raises(UnusableDocument, match="a map has more than 10 entries"):
            decode_shard(packed(maps), limits=UpstreamLimits(shard_records=10))
    found = decode_shard(packed({"packages": files}), limits=UpstreamLimits(shard_records=count))
    assert len(found) == count


def test_its_sizes_are_limited() -> None:
    data = shard(conda={f"{n}{FILENAME}": record() for n in range(100)})
    with pytest.raises(UnusableDocument, match="more than 100 bytes"):
        decode_shard(data, limits=UpstreamLimits(shard_bytes=100))
    with pytest.raises(UnusableDocument, match="text has more than 2,000 bytes"):
        decode_shard(data, limits=UpstreamLimits(shard_text_bytes=2000))


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (b"\xa1\xff", "not a valid object"),
        (b"\x05", "not a valid object"),
        (b"\x81\xa1a\xd6\xff\x00\x00\x00\x01", "a value that JSON does not have"),
        (b"\x81\xa1a\xd6\x05\x00\x00\x00\x01", "a value that JSON does not have"),
        (b"\x81\xa1a\x81\x01\x01", "a key that is not a text"),
        (b"\x81\x01\x01", "not a valid object"),
        (b"\x81\xa1a\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", "a number that is not finite"),
        (b"\x81\xa1a" + b"\x91" * 70 + b"\x90", "nested too deeply"),
    ],
)
def test_a_record_that_json_cannot_say_is_refused_alone(odd: bytes, reason: str) -> None:
    other = msgspec.msgpack.encode({FILENAME: record()})[1:]
    text = b"\x81\xaepackages.conda\x82\xadodd-1-0.conda" + odd + other
    records = decode_shard(zst(text))
    assert mirrored_record(FILENAME, records[FILENAME], name=NAME, subdir=SUBDIR)
    with pytest.raises(UnusableRecord, match=reason):
        mirrored_record("odd-1-0.conda", records["odd-1-0.conda"], name=NAME, subdir=SUBDIR)


def test_a_bomb_in_a_record_is_not_decoded() -> None:
    # A record of a megabyte of empty objects takes 64 MB; none is made before it is looked at.
    bomb = b"\x81\xaepackages.conda\x81\xadodd-1-0.conda\xdd" + (2**20).to_bytes(4, "big")
    records = decode_shard(zst(bomb + b"\x80" * 2**20))
    with pytest.raises(UnusableRecord, match="more than 1,048,576 bytes"):
        mirrored_record("odd-1-0.conda", records["odd-1-0.conda"], name=NAME, subdir=SUBDIR)
