"""Merge a compressed document from the parts of the previous one and from new fragments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from pulp_conda.formats.compression import (
    PACKED_COMMA,
    PACKED_END,
    PartEncoder,
    Readable,
    frame_header,
    unpacked_part,
)

from .files import ZSTD_LEVEL, DocumentWriter
from .fragments import FragmentStore
from .parts import PackedText, Part
from .repodata import Element
from .sections import Section
from .update import ManifestUpdate, Region


class PreviousDocument:
    """A previous compressed document, read once from its beginning to its end."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._at = 0

    def read(self, start: int, size: int) -> bytes:
        """Return the bytes of a part, which may not begin before the end of the last one.

        Raises:
            ValueError: the document ends before the part does.
        """
        if start < self._at:
            raise ValueError("a document is read from its beginning to its end")
        self._read(start - self._at)
        return self._read(size)

    def _read(self, size: int) -> bytes:
        chunks = []
        while size:
            data = self._stream.read(size)
            if not data:
                raise ValueError("the previous document is too short")
            chunks.append(data)
            size -= len(data)
            self._at += len(data)
        return b"".join(chunks)


class DocumentMerger:
    """Merges compressed documents from previous parts and new fragments.

    A document is a frame of parts: literal text, the parts of a section, commas between these.
    """

    def __init__(self, update: ManifestUpdate, store: FragmentStore) -> None:
        """Take new fragments from `store`, and write positions and sizes into `update`."""
        self._update = update
        self._store = store
        self._encoder = PartEncoder(ZSTD_LEVEL)

    def size(self, elements: Iterable[Element], changed: Collection[str]) -> int:
        """Return the size of the text of a document, in bytes."""
        return sum(
            len(each) if isinstance(each, bytes) else self._size_of_section(each, changed)
            for each in elements
        )

    def write(
        self,
        elements: Iterable[Element],
        size: int,
        changed: Collection[str],
        writer: DocumentWriter,
        previous: PreviousDocument | None,
    ) -> None:
        """Write a document of a given size; the fragments of changed names are in the store."""
        writer.write(frame_header(size))
        for element in elements:
            if isinstance(element, bytes):
                writer.write(self._encoder.encode(element))
            else:
                self._write_section(element, changed, writer, previous)
        writer.write(PACKED_END)

    def _size_of_section(self, section: Section, changed: Collection[str]) -> int:
        sizes: list[int] = []
        for region in self._update.regions:
            if _is_copied(region, section, changed):
                texts = (part.texts.get(section) for part in region.previous)
                sizes += (text.size for text in texts if text)
            else:
                entries = (entry for part in region.parts for entry in part.entries.values())
                sizes += (entry.sizes[section] for entry in entries if section in entry.sizes)
        return sum(sizes) + max(0, len(sizes) - 1)  # and the commas

    def _write_section(
        self,
        section: Section,
        changed: Collection[str],
        writer: DocumentWriter,
        previous: PreviousDocument | None,
    ) -> None:
        self._update.starts[section] = writer.size
        separator = b""
        start = self._update.previous.starts.get(section, 0)
        for region in self._update.regions:
            packed = []
            for part in region.previous:
                if text := part.texts.get(section):
                    if previous is None:
                        raise ValueError("unchanged names need a previous document")
                    packed.append((part, previous.read(start, text.packed)))
                    start += text.packed + len(PACKED_COMMA)
            for data in self._packed_parts(region, section, changed, packed):
                writer.write(separator + data)
                separator = PACKED_COMMA

    def _packed_parts(
        self,
        region: Region,
        section: Section,
        changed: Collection[str],
        previous: list[tuple[Part, bytes]],
    ) -> Iterator[bytes]:
        """Yield the new parts of a region; `previous` are those that it had."""
        if _is_copied(region, section, changed):
            for part, data in previous:
                region.parts[0].texts[section] = part.texts[section]
                yield data
            return
        kept = {name: text for part, data in previous for name, text in _texts(part, section, data)}
        for new in region.parts:
            found = (
                self._store.text(section, name) if name in changed else kept.get(name)
                for name in new.entries
            )
            if text := b",".join(filter(None, found)):
                data = self._encoder.encode(text)
                new.texts[section] = PackedText(len(text), len(data))
                yield data


def _is_copied(region: Region, section: Section, changed: Collection[str]) -> bool:
    """Return whether the text of a section in a region is that of the previous index."""
    if len(region.previous) != 1 or len(region.parts) != 1:
        return False
    before, after = region.previous[0], region.parts[0]
    return after is before or not any(
        name in changed and section in entry.sizes
        for part in (before, after)
        for name, entry in part.entries.items()
    )


def _texts(part: Part, section: Section, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the text of each name that a previous part has in a section."""
    text = memoryview(unpacked_part(data, part.texts[section].size))
    start = 0
    for name, entry in part.entries.items():
        if size := entry.sizes.get(section):
            yield name, bytes(text[start : start + size])
            start += size + 1
