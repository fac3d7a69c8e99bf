"""Damaged bytes: each reader refuses them by its own error, or reads something."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pulp_conda.formats.upstream.document import decode_document
from pulp_conda.formats.upstream.errors import UnusableDocument, UnusableRecord
from pulp_conda.formats.upstream.raw import RawRecords
from pulp_conda.formats.upstream.records import mirrored_record
from pulp_conda.formats.upstream.shard import decode_shard
from pulp_conda.formats.upstream.shard_index import decode_shard_index
from tests.unit.formats.upstream.packed import (
    FILENAME,
    NAME,
    SUBDIR,
    record,
    shard,
    shard_index,
    zst,
)

_SHARD = zstandard.ZstdDecompressor().decompress(
    shard(conda={FILENAME: record(run_exports={"weak": ["a"]})}, v3={"conda": {"a-1-0": record()}})
)
_INDEX = zstandard.ZstdDecompressor().decompress(shard_index({NAME: b"x" * 32, "other": [1] * 32}))
_DOCUMENT = json.dumps(
    {"packages.conda": {FILENAME: record(a=[1.5, {"b": None}])}, "v3": {"conda": {"b": record()}}}
).encode()


def check_records(records: RawRecords) -> None:
    for filename, raw in records.items():
        with contextlib.suppress(UnusableRecord):
            found = mirrored_record(filename, raw, name=NAME, subdir=SUBDIR)
            assert msgspec.json.decode(found.record_json) == found.record
            assert found.sha256 or found.md5


def read_shard(text: bytes) -> None:
    check_records(decode_shard(zst(text)))


def read_index(text: bytes) -> None:
    digests = decode_shard_index(zst(text)).digests
    assert all(len(digest) == 32 for digest in digests.values())


def read_document(text: bytes) -> None:
    document = decode_document(text)
    for name in document.digests:
        check_records(document.records(name))


_READERS = [(read_shard, _SHARD), (read_index, _INDEX), (read_document, _DOCUMENT)]


@pytest.mark.parametrize(("read", "text"), _READERS)
@given(data=st.data())
@settings(max_examples=400)
def test_damage_is_refused_or_read(read: Callable[[bytes], None], text: bytes, data: Any) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    damaged = text[:start] + data.draw(st.binary(max_size=6)) + text[end:]
    with contextlib.suppress(UnusableDocument):
        read(damaged)


@pytest.mark.parametrize(("read", "text"), _READERS)
def test_a_cut_text_is_refused(read: Callable[[bytes], None], text: bytes) -> None:
    read(text)
    for size in range(len(text)):
        with pytest.raises(UnusableDocument):
            read(text[:size])


@given(st.binary(max_size=100))
def test_any_bytes_are_refused(data: bytes) -> None:
    for decode in (decode_shard, decode_shard_index, decode_document):
        with pytest.raises(UnusableDocument):
            decode(data)
