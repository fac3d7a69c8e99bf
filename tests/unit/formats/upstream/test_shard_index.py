"""Shard indexes as servers have written them, and as none should."""

import hashlib
import string
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulp_conda.formats.index.shards import encode_shard_index
from pulp_conda.formats.upstream.errors import UnusableDocument
from pulp_conda.formats.upstream.limits import UpstreamLimits
from pulp_conda.formats.upstream.shard_index import decode_shard_index
from tests.unit.formats.upstream.packed import packed, shard_index, zst

DIGEST = hashlib.sha256(b"x").digest()


def test_our_own_index_is_read() -> None:
    data = encode_shard_index("noarch", {"a": DIGEST}, 1_700_000_000_000, {})
    index = decode_shard_index(data)
    assert index.subdir == "noarch"
    assert (index.base_url, index.shards_base_url) == ("", "./shards/")
    assert index.created == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert index.digests == {"a": DIGEST}
    assert index.faults == []


@pytest.mark.parametrize("form", [DIGEST, list(DIGEST), DIGEST.hex(), DIGEST.hex().upper()])
def test_digests_have_three_forms(form: object) -> None:
    assert decode_shard_index(shard_index({"a": form})).digests == {"a": DIGEST}


@pytest.mark.parametrize(
    "wrong",
    [
        DIGEST[:31],
        b"",
        "00",
        "z" * 64,
        [1] * 31,
        [256] * 32,
        [2**63] * 32,
        [-1] * 32,
        [None] * 32,
        None,
        5,
        {},
        2**63,
    ],
)
def test_a_wrong_digest_spoils_the_index(wrong: object) -> None:
    with pytest.raises(UnusableDocument, match="digest of a is not a SHA-256"):
        decode_shard_index(shard_index({"b": DIGEST, "a": wrong}))


@pytest.mark.parametrize(
    "name", ["", "../x", "a/b", "a b", "__glibc", "a" * 65, "-a", ".a", "ü", 'a"', "a\0", "a\n"]
)
def test_a_name_that_no_package_may_have_is_left_out_and_told(name: str) -> None:
    index = decode_shard_index(shard_index({name: DIGEST, "good": DIGEST}))
    assert list(index.digests) == ["good"]
    (fault,) = index.faults
    assert "was left out" in fault
    assert fault.isprintable()


def test_names_that_uploads_may_not_have_are_kept() -> None:
    names = {"_libgcc_mutex", "R", "a__b", "a-", "_-_"}
    assert decode_shard_index(shard_index(dict.fromkeys(names, DIGEST))).digests.keys() == names


def test_many_faults_are_counted() -> None:
    names = {f"{n} ": DIGEST for n in range(250)}
    faults = decode_shard_index(shard_index(names)).faults
    assert len(faults) == 101
    assert faults[-1] == "150 more were left out"


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("2023-11-14T22:13:20Z", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("2023-11-14T22:13:20.123456789Z", datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)),
        ("2023-11-14 22:13:20", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("yesterday", None),
        (datetime(2023, 11, 14, tzinfo=UTC), datetime(2023, 11, 14, tzinfo=UTC)),
        ("2" * 300, None),
        ("9999-99-99", None),
        ([], None),
        (5, None),
        (None, None),
    ],
)
def test_the_time_is_optional(stated: object, expected: datetime | None) -> None:
    index = decode_shard_index(shard_index({}, info={"created_at": stated}))
    assert index.created == expected
    assert index.subdir is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        zst(b""),
        zst(b"{}"),
        packed([]),
        packed({}),
        packed({"shards": []}),
        packed({"shards": {1: DIGEST}}),
        packed({"shards": {b"a": DIGEST}}),
        packed({"shards": {}, "info": []}),
        packed({"shards": {}, "info": {"base_url": 5}}),
        packed({"shards": {}, "version": 2}),
        zst(msgspec.msgpack.encode({"shards": {}}) + b"\0"),
        shard_index({})[:-1],
        shard_index({}) + b"\0",
        zst(b"\x91" * 100_000),
        zst(b"\xdf\xff\xff\xff\xff"),
    ],
)
def test_what_is_no_index_is_refused(data: bytes) -> None:
    with pytest.raises(UnusableDocument, match=r"^the shard index cannot be used: "):
        decode_shard_index(data)


def test_a_bomb_is_not_unpacked() -> None:
    limits = UpstreamLimits(index_bytes=1000)
    with pytest.raises(UnusableDocument, match="more than 1,000 bytes"):
        decode_shard_index(shard_index({"a" * n: DIGEST for n in range(1, 64)}), limits=limits)


def test_the_number_of_its_names_is_limited() -> None:
    names = shard_index({f"a{n}": DIGEST for n in range(70_000)})
    assert (
        len(decode_shard_index(names, limits=UpstreamLimits(index_names=70_000)).digests) == 70_000
    )
    with pytest.raises(UnusableDocument, match="a map has more than 69,999 entries"):
        decode_shard_index(names, limits=UpstreamLimits(index_names=69_999))


@given(st.dictionaries(st.text(string.printable, max_size=8), st.binary(min_size=32, max_size=32)))
def test_every_name_is_kept_or_told(shards: dict[str, Any]) -> None:
    index = decode_shard_index(shard_index(shards))
    assert len(index.digests) + len(index.faults) == len(shards)
    assert index.digests.items() <= shards.items()
