"""Compressed streams of an upstream: any frames, in any pieces, within limits."""

import bz2
import tracemalloc

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pulp_conda.formats.limits import MIB
from pulp_conda.formats.upstream.errors import UnusableDocument
from pulp_conda.formats.upstream.limits import BLOCK_BYTES, UpstreamLimits
from pulp_conda.formats.upstream.unpack import Packing, Unpacker, unpack_all
from tests.unit.formats.upstream.packed import zst

# A skippable frame of four bytes (RFC 8878).
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"


def unpacked(data: bytes, packing: Packing = "zst", *, step: int = 0, **limits: int) -> bytes:
    unpacker = Unpacker(
        packing, "it", text_bytes=limits.pop("text_bytes", 2**40), limits=UpstreamLimits(**limits)
    )
    step = step or max(1, len(data))
    return unpack_all(unpacker, [data[n : n + step] for n in range(0, len(data), step)])


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4), st.integers(1, 50), st.booleans())
def test_frames_are_joined_wherever_the_stream_is_cut(
    texts: list[bytes], step: int, sized: bool
) -> None:
    frames = b"".join(zst(text, content_size=sized) for text in texts)
    assert unpacked(frames, step=step) == b"".join(texts)
    assert unpacked(SKIPPABLE + frames, step=step) == b"".join(texts)
    streams = b"".join(map(bz2.compress, texts))
    assert unpacked(streams, "bz2", step=step) == b"".join(texts)


def test_a_text_larger_than_a_block_comes_in_blocks() -> None:
    text = bytes(range(256)) * 20_000
    unpacker = Unpacker("zst", "it", text_bytes=2**40)
    blocks = list(unpacker.unpack(zst(text)))
    unpacker.finish()
    assert b"".join(blocks) == text
    assert max(map(len, blocks)) <= BLOCK_BYTES


@pytest.mark.parametrize("packing", ["zst", "bz2"])
def test_what_is_cut_or_damaged_is_refused(packing: Packing) -> None:
    text = b"some text" * 100
    data = zst(text) if packing == "zst" else bz2.compress(text)
    for wrong in (b"", data[:5], data[:-1], data + data[:-1]):
        with pytest.raises(UnusableDocument, match="it cannot be used: it ends early"):
            unpacked(wrong, packing)
    for wrong in (b"<html>", text, b"\0" * 20, data + b"trailing bytes", data + b"\0" * 64):
        with pytest.raises(UnusableDocument, match=f"it is not valid {packing}"):
            unpacked(wrong, packing)


def test_a_text_may_not_be_too_large() -> None:
    assert unpacked(zst(b"x" * 100), text_bytes=100) == b"x" * 100
    with pytest.raises(UnusableDocument, match="more than 99 bytes"):
        unpacked(zst(b"x" * 100), text_bytes=99)
    with pytest.raises(UnusableDocument, match="more than 150 bytes"):
        unpacked(zst(b"x" * 100) * 2, text_bytes=150)


@pytest.mark.parametrize("packing", ["zst", "bz2"])
def test_a_bomb_stops_early(packing: Packing) -> None:
    zeros = b"\0" * (64 * MIB)
    data = zst(zeros, content_size=False) if packing == "zst" else bz2.compress(zeros)
    del zeros
    tracemalloc.start()
    unpacker = Unpacker(packing, "it", text_bytes=2**40)
    with pytest.raises(UnusableDocument, match="more than 1,000 times its size"):
        for _ in unpacker.unpack(data):
            pass
    assert tracemalloc.get_traced_memory()[1] < 32 * MIB
    tracemalloc.stop()


def test_the_number_of_frames_is_limited() -> None:
    assert unpacked(zst(b"") * 10, frames=10) == b""
    with pytest.raises(UnusableDocument, match="more than 10 frames"):
        unpacked(zst(b"") * 11, frames=10)


def test_the_window_is_limited() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=True)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    data = compressor.compress(b"x" * 1000) + compressor.flush()
    with pytest.raises(UnusableDocument, match="it is not valid zst"):
        unpacked(data)
