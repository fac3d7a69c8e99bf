"""A subdir's ledger: what its next index need not make anew.

Kept beside the documents of a publication and never served. It says of each name which shard it
has and where its pieces lie in the documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Final

import msgspec
import zstandard

from .current_repodata import Choice
from .sections import Section
from .shards import Revision

_COMPRESSION_LEVEL: Final = 1
_MAX_BYTES: Final = 2**31


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """What is known of one name. Two manifests may share an entry, so it never changes."""

    name: str
    digest: bytes | None = None
    """SHA-256 of its shard; None if it has none, as all its files were removed."""
    sizes: dict[int, int] = {}
    """How many bytes its pieces take in each section where it has any, commas included."""
    removed: list[str] = []
    """Files that the channel once had and has no more."""
    dropped: list[str] = []
    """Files that a patch takes out."""
    newest: int = 0
    """When the newest of its files was indexed, in milliseconds."""
    revision: Revision | None = None
    original_revision: Revision | None = None
    """What it would have under `v3` without patches."""
    choice: Choice | None = None
    """What of it is in `current_repodata.json`."""

    @property
    def is_empty(self) -> bool:
        """Whether the channel has no file of this name any more."""
        return not self.sizes

    @property
    def is_classic(self) -> bool:
        """Whether it has records that every client reads."""
        return Section.PACKAGES in self.sizes or Section.PACKAGES_CONDA in self.sizes

    def resized(self, section: Section, size: int) -> Entry:
        """Return an entry whose pieces take `size` bytes in a section."""
        if self.sizes.get(section, 0) == size:
            return self
        sizes = {**self.sizes, int(section): size}
        return msgspec.structs.replace(
            self, sizes={key: value for key, value in sorted(sizes.items()) if value}
        )


class _Stored(msgspec.Struct, array_like=True):
    starts: dict[int, int]
    entries: list[Entry]


_DECODER: Final = msgspec.msgpack.Decoder(_Stored)


@dataclass(slots=True)
class Ledger:
    """The entries of a subdir, and where each section begins in its document."""

    entries: dict[str, Entry] = field(default_factory=dict)
    """By name, in the order of names."""
    starts: dict[Section, int] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the ledger as it is kept."""
        stored = _Stored({int(s): at for s, at in self.starts.items()}, list(self.entries.values()))
        compressor = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL, write_checksum=True)
        return compressor.compress(msgspec.msgpack.encode(stored))

    @classmethod
    def decode(cls, data: bytes) -> Ledger:
        """Return the ledger that was kept.

        Raises:
            ValueError: the bytes are not those of a ledger.
        """
        try:
            plain = zstandard.ZstdDecompressor().decompress(data, max_output_size=_MAX_BYTES)
            stored = _DECODER.decode(plain)
        except (zstandard.ZstdError, msgspec.MsgspecError) as error:
            raise ValueError(f"this is no ledger: {error}") from error
        starts = {Section(section): at for section, at in stored.starts.items()}
        return cls({entry.name: entry for entry in stored.entries}, starts)

    def updated(self, changed: Iterable[str], entries: Iterable[Entry]) -> Ledger:
        """Return a ledger in which the changed names have these entries, or none."""
        kept = self.entries.copy()
        for name in changed:
            kept.pop(name, None)
        kept |= {entry.name: entry for entry in entries}
        return Ledger({name: kept[name] for name in sorted(kept)})

    def resize(self, section: Section, sizes: Mapping[str, int]) -> None:
        """Note how many bytes some names take in a section."""
        for name, size in sizes.items():
            if entry := self.entries.get(name):
                self.entries[name] = entry.resized(section, size)

    def choose(self, name: str, choice: Choice) -> None:
        """Note what of a name is in `current_repodata.json`."""
        self.entries[name] = msgspec.structs.replace(self.entries[name], choice=choice)

    def sizes(self, section: Section) -> dict[str, int]:
        """Return how many bytes each name takes in a section, in the order of names."""
        return {name: entry.sizes.get(section, 0) for name, entry in self.entries.items()}

    @property
    def shards(self) -> dict[str, bytes]:
        """The digest of each name's shard."""
        entries = self.entries.values()
        return {entry.name: entry.digest for entry in entries if entry.digest is not None}

    @property
    def removed(self) -> list[str]:
        """All files that the channel once had and has no more, in order."""
        return sorted(file for entry in self.entries.values() for file in entry.removed)

    @property
    def dropped(self) -> list[str]:
        """All files that patches take out, in order."""
        return sorted(file for entry in self.entries.values() for file in entry.dropped)

    @property
    def newest(self) -> int:
        """When the newest file was indexed, in milliseconds; 0 without files."""
        return max((entry.newest for entry in self.entries.values()), default=0)

    @property
    def revision(self) -> Revision | None:
        """What there is under `v3`."""
        return _sum(entry.revision for entry in self.entries.values())

    @property
    def original_revision(self) -> Revision | None:
        """What there would be under `v3` without patches."""
        return _sum(entry.original_revision for entry in self.entries.values())


def _sum(revisions: Iterable[Revision | None]) -> Revision | None:
    found = [revision for revision in revisions if revision]
    return reduce(add, found) if found else None
