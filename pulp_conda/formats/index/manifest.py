"""The manifest of an index, which the next index of the same subdir needs for merging.

It is saved beside the documents of a publication and never served. It has the entries of all names
by parts, and the positions of sections in compressed documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from pulp_conda.formats.compression import FrameEncoder, zstd

from .parts import Part
from .sections import Section

MANIFEST: Final = "index_manifest.msgpack.zst"
"""The file name of the manifest, in a publication only."""

_COMPRESSION_LEVEL: Final = 1


class _Stored(msgspec.Struct, array_like=True):
    starts: dict[int, int]
    parts: list[Part]


_DECODER: Final = msgspec.msgpack.Decoder(_Stored)


@dataclass(frozen=True, slots=True)
class IndexManifest:
    """The parts of a subdir, or of a channel's root, and the positions of sections."""

    parts: list[Part] = field(default_factory=list)
    """In the order of names."""
    starts: Mapping[Section, int] = field(default_factory=dict)
    """The position of each section in its compressed document, in bytes."""

    def encode(self) -> bytes:
        """Return the bytes to save."""
        stored = _Stored({int(s): at for s, at in self.starts.items()}, self.parts)
        return FrameEncoder(_COMPRESSION_LEVEL).encode(msgspec.msgpack.encode(stored))

    @classmethod
    def decode(cls, data: bytes) -> IndexManifest:
        """Return the manifest of saved bytes.

        Raises:
            ValueError: the bytes are not those of a manifest.
        """
        try:
            stored = _DECODER.decode(zstd.decompress(data))
        except (zstd.ZstdError, msgspec.MsgspecError) as error:
            raise ValueError(f"the index manifest cannot be read: {error}") from error
        return cls(stored.parts, {Section(section): at for section, at in stored.starts.items()})
