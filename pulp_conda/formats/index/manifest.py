"""The manifest of an index, which the next index of the same subdir needs for merging.

It is saved beside the documents of a publication and never served. It has the entries of all names
by parts, and the positions of sections in compressed documents.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from pulp_conda.formats.compression import FrameEncoder, zstd

from .current_repodata import Choice
from .parts import Part
from .sections import Section

MANIFEST: Final = "index_manifest.msgpack.zst"
"""The file name of the manifest, in a publication only."""

_COMPRESSION_LEVEL: Final = 1


class _Stored(msgspec.Struct, array_like=True):
    starts: dict[int, int]
    absent: dict[str, int]
    parts: list[Part]


_DECODER: Final = msgspec.msgpack.Decoder(_Stored)


@dataclass(frozen=True, slots=True)
class IndexManifest:
    """The parts of a subdir, or of a channel's root, and the positions of sections."""

    parts: list[Part] = field(default_factory=list)
    """In the order of names."""
    starts: Mapping[Section, int] = field(default_factory=dict)
    """The position of each section in its compressed document, in bytes."""
    absent: Mapping[str, int] = field(default_factory=dict)
    """By name without records: the number of dependencies of current records on it."""

    def encode(self) -> bytes:
        """Return the bytes to save."""
        starts = {int(section): at for section, at in self.starts.items()}
        stored = _Stored(starts, dict(self.absent), self.parts)
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
        starts = {Section(section): at for section, at in stored.starts.items()}
        return cls(stored.parts, starts, stored.absent)

    def choice(self, name: str) -> Choice | None:
        """Return what `current_repodata.json` selects of a name, None if it has no records."""
        at = bisect_left(self.parts, name, key=_last)
        entry = self.parts[at].entries.get(name) if at < len(self.parts) else None
        return entry.choice if entry else None

    def chosen_names(self) -> Iterator[str]:
        """Yield all names that have a choice."""
        for part in self.parts:
            yield from (name for name, entry in part.entries.items() if entry.choice)


def _last(part: Part) -> str:
    return part.last
