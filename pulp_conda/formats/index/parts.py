"""Parts: runs of names, of which an index is made.

All sections of a subdir are cut at the same names, and so is its index manifest. Only the parts of
changed names are unpacked and packed again.

Where a part ends depends on the names and sizes in it alone, and never on history. A name ends a
part if a hash of it says so, more probably the larger it is; or if the part is too large, counted
from its own beginning. So a change moves no end beyond the next one that a hash decides on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import add
from typing import Final

import msgspec

from pulp_conda.formats.compression import FrameEncoder, zstd

from .current_repodata import Choice
from .sections import CURRENT, Section
from .shards import Revision

TARGET_BYTES: Final = 512 * 1024
"""The mean text of a part, in all documents together."""

_LARGEST: Final = 4
"""The largest part has this many times the mean, and one more name."""

_HASH_BITS: Final = 64


_NO_CHOICE: Final = msgspec.Raw(msgspec.msgpack.encode(None))
_CHOICE: Final = msgspec.msgpack.Decoder(Choice | None)


class NameEntry(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The entry of one name. It is frozen, because two manifests may share it.

    It has tuples and `gc=False`, so that the garbage collector has little to track. With lists,
    building the index of 14,000 names of which one changed took 1.05 s in place of 0.36 s.
    """

    name: str
    sizes: dict[int, int] = {}
    """By section, the bytes of its fragments and of the commas between them; never zero."""
    removed: tuple[str, ...] = ()
    """Files that an index of the channel has named and that are not in the channel now."""
    dropped: tuple[str, ...] = ()
    """Files that a patch removes."""
    newest: int = 0
    """The latest `indexed_timestamp` of its files, in milliseconds."""
    revision: Revision | None = None
    """Its records under `v3`, None without any."""
    original_revision: Revision | None = None
    """Its records under `v3` before patches."""
    packed_choice: msgspec.Raw = _NO_CHOICE
    """Its part in `current_repodata.json`, decoded only if it is needed."""

    @property
    def text_bytes(self) -> int:
        """The bytes of its fragments, but of current records: any change may change those."""
        return sum(size for section, size in self.sizes.items() if section not in CURRENT)

    @property
    def is_empty(self) -> bool:
        """Whether no document has a record of this name."""
        return not self.sizes

    @property
    def is_classic(self) -> bool:
        """Whether it has records outside of `v3`, which every client reads."""
        return Section.PACKAGES in self.sizes or Section.PACKAGES_CONDA in self.sizes

    @property
    def choice(self) -> Choice | None:
        """Its part in `current_repodata.json`; None without records outside of `v3`."""
        choice: Choice | None = _CHOICE.decode(self.packed_choice)
        return choice

    def chosen(self, choice: Choice, sizes: Mapping[Section, int]) -> NameEntry:
        """Return an entry with another choice, and other sizes in some sections."""
        packed = msgspec.Raw(msgspec.msgpack.encode(choice))
        merged = {**self.sizes, **{int(section): size for section, size in sizes.items()}}
        found = {section: size for section, size in sorted(merged.items()) if size}
        return msgspec.structs.replace(self, packed_choice=packed, sizes=found)


class PackedText(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The sizes of some text, in bytes."""

    size: int
    packed: int


class Summary(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What the documents say about all names of a part."""

    removed: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    newest: int = 0
    revision: Revision | None = None
    original_revision: Revision | None = None

    @classmethod
    def of(cls, parts: Iterable[Summary | NameEntry]) -> Summary:
        """Return the summary of some names or parts."""
        found = list(parts)
        return cls(
            tuple(file for each in found for file in each.removed),
            tuple(file for each in found for file in each.dropped),
            max((each.newest for each in found), default=0),
            _sum(each.revision for each in found),
            _sum(each.original_revision for each in found),
        )


def _sum(revisions: Iterable[Revision | None]) -> Revision | None:
    found = [revision for revision in revisions if revision]
    return reduce(add, found) if found else None


class Part(msgspec.Struct, array_like=True, frozen=True, dict=True):
    """A part of a saved index. Its entries are decoded at first use."""

    last: str
    """The last name."""
    texts: dict[int, PackedText]
    """By section, its text where it has any."""
    shards: dict[str, bytes]
    """The digest of each name's shard."""
    summary: Summary
    packed_entries: bytes

    @cached_property
    def entries(self) -> dict[str, NameEntry]:
        """The entries by name, in the order of names.

        Raises:
            ValueError: they cannot be read.
        """
        try:
            entries = _ENTRIES.decode(zstd.decompress(self.packed_entries))
        except (zstd.ZstdError, msgspec.MsgspecError) as error:
            raise ValueError(f"a part of the index manifest cannot be read: {error}") from error
        return {entry.name: entry for entry in entries}


_ENTRIES: Final = msgspec.msgpack.Decoder(list[NameEntry])


@dataclass(slots=True)
class NewPart:
    """A part of an index that is being built."""

    entries: dict[str, NameEntry]
    """By name, in the order of names; at least one."""
    shards: dict[str, bytes]
    texts: dict[int, PackedText] = field(default_factory=dict)
    """Set when a section has been written."""

    @property
    def last(self) -> str:
        """The last name."""
        return next(reversed(self.entries))

    @property
    def summary(self) -> Summary:
        """The summary of its entries."""
        return Summary.of(self.entries.values())

    def finished(self, encoder: FrameEncoder) -> Part:
        """Return the part as it is saved."""
        packed = encoder.encode(msgspec.msgpack.encode(list(self.entries.values())))
        texts = dict(sorted(self.texts.items()))
        return Part(self.last, texts, self.shards, self.summary, packed)


def cut(entries: Iterable[NameEntry]) -> tuple[list[list[NameEntry]], list[NameEntry]]:
    """Cut the entries of consecutive names, the first of which begins a part.

    Returns:
        The entries of whole parts, and those after the last end.
    """
    parts: list[list[NameEntry]] = []
    part: list[NameEntry] = []
    size = 0
    for entry in entries:
        part.append(entry)
        size += (own := entry.text_bytes)
        if size >= _LARGEST * TARGET_BYTES or _hash(entry.name) * TARGET_BYTES < own << _HASH_BITS:
            parts.append(part)
            part, size = [], 0
    return parts, part


def _hash(name: str) -> int:
    digest = hashlib.blake2b(name.encode(), digest_size=_HASH_BITS // 8).digest()
    return int.from_bytes(digest)
