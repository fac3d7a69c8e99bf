"""Compression and decompression with Zstandard, by one library.

The library is that of Python's standard library, or its backport. Different versions may give
different bytes for the same text: of 1,572 shards of real records, 63 differ between zstd 1.5.6 and
1.5.7. Every version can read the bytes of all others.
"""

from __future__ import annotations

import sys
from typing import IO, Final, Protocol, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["ZSTD_VERSION", "FrameEncoder", "Readable", "decompressed", "frame_compressor", "zstd"]

ZSTD_VERSION: Final[str] = zstd.zstd_version
"""The version of the zstd library itself."""


class Readable(Protocol):
    """A file that is open for reading."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, or all that are left; empty bytes at the end."""


def decompressed(file: Readable) -> zstd.ZstdFile:
    """Return a file of the decompressed text of a compressed file.

    Reading it raises `zstd.ZstdError` if the compressed file is damaged, and EOFError if it ends
    early.
    """
    return zstd.ZstdFile(cast(IO[bytes], file))


def frame_compressor(level: int, size: int) -> zstd.ZstdCompressor:
    """Return a compressor of one frame, with a checksum, and `size` in its header.

    Decoders that decompress in one call refuse a frame without its size. Compressing another number
    of bytes raises `zstd.ZstdError`.
    """
    compressor = _compressor(level)
    compressor.set_pledged_input_size(size)
    return compressor


class FrameEncoder:
    """Compresses many small texts, each into a frame with checksum and size.

    `zstd.compress` gives the same bytes and takes twice as long for 10,000 shards, because it
    creates a compressor each time.
    """

    def __init__(self, level: int) -> None:
        self._compressor = _compressor(level)

    def encode(self, data: bytes) -> bytes:
        """Return the frame of a text."""
        self._compressor.set_pledged_input_size(len(data))
        return self._compressor.compress(data, zstd.ZstdCompressor.FLUSH_FRAME)


def _compressor(level: int) -> zstd.ZstdCompressor:
    parameter = zstd.CompressionParameter
    return zstd.ZstdCompressor(
        options={parameter.compression_level: level, parameter.checksum_flag: 1}
    )
