"""New fragments of documents, kept on disk until everything that they depend on is known."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Final

import msgspec

from .sections import Section

_SPOOL_BYTES: Final = 4 * 1024**2
_COPY_BYTES: Final = 1024**2


class Span(msgspec.Struct, frozen=True, gc=False):
    """A range of bytes."""

    start: int
    size: int

    @property
    def end(self) -> int:
        """The position after its last byte."""
        return self.start + self.size


class FragmentStore:
    """Keeps fragments by section and name until it is closed.

    The fragments of a section lie in the order in which they were added, with commas between them,
    ready to be copied. The first 4 MiB of a section stay in memory, and more go to a temporary
    file in `folder`. The positions of fragments stay in memory.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = str(folder) if folder else None
        self._sections: dict[Section, _SectionStore] = {}

    def close(self) -> None:
        """Close the temporary files."""
        for store in self._sections.values():
            store.file.close()

    def add(self, section: Section, name: str, fragments: Iterable[str | bytes]) -> None:
        """Add all fragments of a name in a section; call this once for each name and section."""
        if section not in self._sections:
            self._sections[section] = _SectionStore(self._folder)
        self._sections[section].add(name, [_bytes(fragment) for fragment in fragments])

    def spans(self, section: Section) -> dict[str, Span]:
        """Return the span of each name that has fragments in a section."""
        store = self._sections.get(section)
        return store.spans if store else {}

    def fragments(self, section: Section, name: str) -> list[bytes]:
        """Return the fragments of a name in a section."""
        store = self._sections.get(section)
        return store.fragments(name) if store else []

    def read(self, section: Section, span: Span) -> Iterator[bytes]:
        """Yield the text of a span, which may hold the fragments of several names."""
        store = self._sections[section]
        store.file.seek(span.start)
        left = span.size
        while left:
            data = store.file.read(min(left, _COPY_BYTES))
            left -= len(data)
            yield data


def _bytes(fragment: str | bytes) -> bytes:
    return fragment.encode() if isinstance(fragment, str) else fragment


class _SectionStore:
    def __init__(self, folder: str | None) -> None:
        # FragmentStore.close closes it.
        self.file = tempfile.SpooledTemporaryFile(_SPOOL_BYTES, dir=folder)  # noqa: SIM115
        self.spans: dict[str, Span] = {}
        self._sizes: dict[str, tuple[int, ...]] = {}
        self._end = 0

    def add(self, name: str, fragments: list[bytes]) -> None:
        if not fragments:
            return
        text = b",".join(fragments)
        start = self._end
        if start:
            text = b"," + text
            start += 1
        self.file.seek(self._end)
        self.file.write(text)
        self._end += len(text)
        self.spans[name] = Span(start, self._end - start)
        self._sizes[name] = tuple(map(len, fragments))

    def fragments(self, name: str) -> list[bytes]:
        if name not in self.spans:
            return []
        self.file.seek(self.spans[name].start)
        text = self.file.read(self.spans[name].size)
        sizes = self._sizes[name]
        starts = accumulate((size + 1 for size in sizes), initial=0)
        return [text[start : start + size] for start, size in zip(starts, sizes, strict=False)]
