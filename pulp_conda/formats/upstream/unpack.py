"""Decompression of what an upstream sends, in bounded memory."""

from __future__ import annotations

import bz2
from collections.abc import Iterable, Iterator
from typing import Final, Literal, Protocol

from pulp_conda.formats.compression import zstd
from pulp_conda.formats.errors import TrustedText

from .errors import UnusableDocument
from .limits import BLOCK_BYTES, DEFAULT_LIMITS, SLICE_BYTES, UpstreamLimits

Packing = Literal["zst", "bz2"]

_WINDOW_LOG: Final = zstd.DecompressionParameter.window_log_max
_DAMAGED: Final = (zstd.ZstdError, OSError, ValueError, EOFError)


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class Unpacker:
    """Unpacks a stream that arrives in pieces of any size.

    A stream may have several frames, as tools that compress in parallel write them, and frames need
    not state their size. Memory holds one window (128 MiB at most) and one block of text.
    """

    def __init__(
        self,
        packing: Packing,
        document: str,
        *,
        text_bytes: int,
        limits: UpstreamLimits = DEFAULT_LIMITS,
    ) -> None:
        """`document` names the stream in errors; its text may have `text_bytes`."""
        self._packing = packing
        self._document = TrustedText(document)
        self._text_bytes = text_bytes
        self._limits = limits
        self._frames = 0
        self._packed = 0
        self._unpacked = 0
        self._decompressor = self._next_frame()

    def unpack(self, data: bytes) -> Iterator[bytes]:
        """Yield the text that the next piece of the stream adds, in blocks of at most 1 MiB.

        Raises UnusableDocument if the stream is damaged, or its text is too large.
        """
        for start in range(0, len(data), SLICE_BYTES):
            piece = data[start : start + SLICE_BYTES]
            self._packed += len(piece)
            yield from self._unpack_slice(piece)

    def finish(self) -> None:
        """Raise UnusableDocument if the stream has ended within a frame, or before the first."""
        if not self._decompressor.eof:
            raise self._unusable("it ends early")

    def _unpack_slice(self, data: bytes) -> Iterator[bytes]:
        # The slice is short because a frame that ends in it copies all that follows.
        while data or not (self._decompressor.eof or self._decompressor.needs_input):
            if self._decompressor.eof:
                self._decompressor = self._next_frame()
            try:
                block = self._decompressor.decompress(data, BLOCK_BYTES)
            except _DAMAGED as error:
                raise self._unusable(f"it is not valid {self._packing}") from error
            data = self._decompressor.unused_data if self._decompressor.eof else b""
            if block:
                self._count(len(block))
                yield block

    def _next_frame(self) -> _Decompressor:
        self._frames += 1
        if self._frames > self._limits.frames:
            raise self._unusable(f"it has more than {self._limits.frames:,} frames")
        if self._packing == "bz2":
            return bz2.BZ2Decompressor()
        window: dict[int, int] = {_WINDOW_LOG: self._limits.zstd_window_log}
        return zstd.ZstdDecompressor(options=window)

    def _count(self, size: int) -> None:
        self._unpacked += size
        if self._unpacked > self._text_bytes:
            raise self._unusable(f"its text has more than {self._text_bytes:,} bytes")
        fair = max(self._limits.ratio_floor_bytes, self._limits.ratio * self._packed)
        if self._unpacked > fair:
            raise self._unusable(f"its text has more than {self._limits.ratio:,} times its size")

    def _unusable(self, reason: str) -> UnusableDocument:
        return UnusableDocument(self._document, TrustedText(reason))


def unpack_all(unpacker: Unpacker, pieces: Iterable[bytes]) -> bytes:
    """Return the whole text of a stream. Raises UnusableDocument."""
    blocks = [block for piece in pieces for block in unpacker.unpack(piece)]
    unpacker.finish()
    return blocks[0] if len(blocks) == 1 else b"".join(blocks)
