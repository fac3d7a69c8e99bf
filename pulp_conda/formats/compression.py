"""Compression and decompression with Zstandard, by one library.

The library is that of Python's standard library, or its backport. Different versions may give
different bytes for the same text: of 1,572 shards of real records, 63 differ between zstd 1.5.6 and
1.5.7. Every version can read the bytes of all others.
"""

from __future__ import annotations

import struct
import sys
from typing import IO, Final, Protocol, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = [
    "HEADER_BYTES",
    "PACKED_COMMA",
    "PACKED_END",
    "ZSTD_VERSION",
    "FrameEncoder",
    "PartEncoder",
    "Readable",
    "decompressed",
    "frame_header",
    "text_size",
    "unpacked_part",
    "zstd",
]

ZSTD_VERSION: Final[str] = zstd.zstd_version
"""The version of the zstd library itself."""

PACKED_COMMA: Final = b"\x08\x00\x00,"
"""The part of the text `,`: a block of one byte that is not compressed."""

PACKED_END: Final = b"\x01\x00\x00"
"""The end of a frame of parts: an empty block that is the last."""

HEADER_BYTES: Final = 18
"""The largest header of a frame."""

_PARAMETER: Final = zstd.CompressionParameter
_WINDOW_LOG: Final = 20
_NO_OVERLAP: Final = 1
_RAW_BYTES: Final = 128
"""Shorter texts hardly get smaller, and handing one to the library's thread takes 0.2 ms."""
_HEADER: Final = struct.Struct("<IBBQ")
_MAGIC: Final = 0xFD2FB528
_SIZE_OF_8_BYTES: Final = 0b1100_0000
"""The frame header's descriptor: 8 bytes of size, a window, no checksum, no dictionary."""


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
    return zstd.ZstdCompressor(
        options={_PARAMETER.compression_level: level, _PARAMETER.checksum_flag: 1}
    )


class PartEncoder:
    """Compresses texts into *parts*: blocks of a frame that depend on nothing before them.

    `frame_header`, any parts one after another, and `PACKED_END` are a valid frame (RFC 8878). So a
    frame can be changed in the middle by copying its other parts.

    The library compresses with threads in jobs. Without overlap, each job but the first of a frame
    starts without history, and each flush ends a job. So the encoder compresses one endless frame,
    whose first job is thrown away. A text has the same part wherever it stands.
    """

    def __init__(self, level: int) -> None:
        self._compressor = zstd.ZstdCompressor(
            options={
                _PARAMETER.compression_level: level,
                _PARAMETER.window_log: _WINDOW_LOG,
                _PARAMETER.nb_workers: 1,
                _PARAMETER.overlap_log: _NO_OVERLAP,
            }
        )
        self._compressor.compress(b"{", zstd.ZstdCompressor.FLUSH_BLOCK)

    def encode(self, text: bytes) -> bytes:
        """Return the part of a text."""
        if len(text) <= _RAW_BYTES:
            return (len(text) << 3).to_bytes(3, "little") + text  # a raw block
        return self._compressor.compress(text, zstd.ZstdCompressor.FLUSH_BLOCK)


def frame_header(size: int) -> bytes:
    """Return the header of a frame of parts, whose text has `size` bytes.

    Decoders that decompress in one call need the size. There is no checksum.
    """
    return _HEADER.pack(_MAGIC, _SIZE_OF_8_BYTES, (_WINDOW_LOG - 10) << 3, size)


def text_size(head: bytes) -> int:
    """Return the size of the text of a frame, from its first `HEADER_BYTES`.

    Raises:
        zstd.ZstdError: it is not the head of a frame with a size.
    """
    size = zstd.get_frame_info(head).decompressed_size
    if size is None:
        raise zstd.ZstdError("the frame does not state the size of its text")
    return size


def unpacked_part(part: bytes, size: int) -> bytes:
    """Return the text of a part, or of several after each other.

    Raises:
        zstd.ZstdError: the part is damaged, or its text has not `size` bytes.
    """
    return zstd.decompress(frame_header(size) + part + PACKED_END)
