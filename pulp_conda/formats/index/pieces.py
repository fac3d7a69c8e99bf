"""New pieces of documents, set aside on disk until all that they depend on is known."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Final, NamedTuple

from .sections import Section

_SPOOL_BYTES: Final = 4 * 1024**2
_COPY_BYTES: Final = 1024**2


class Span(NamedTuple):
    """Where text lies, in bytes."""

    start: int
    size: int

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.start + self.size


class PieceStore:
    """Keeps pieces by section and name until it is closed.

    The pieces of a section lie in the order they came in, with commas between, ready to be
    copied. Few stay in memory, more lie in temporary files in `folder`; what always stays in
    memory is where they lie.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = str(folder) if folder else None
        self._sections: dict[Section, _SectionStore] = {}

    def close(self) -> None:
        """Let go of the files."""
        for store in self._sections.values():
            store.file.close()

    def add(self, section: Section, name: str, pieces: Iterable[str | bytes]) -> None:
        """Keep all pieces that a name has in a section; to be called once for the two."""
        if section not in self._sections:
            self._sections[section] = _SectionStore(self._folder)
        self._sections[section].add(name, [_bytes(piece) for piece in pieces])

    def spans(self, section: Section) -> dict[str, Span]:
        """Return where the pieces of each name that has any in a section lie."""
        store = self._sections.get(section)
        return store.spans if store else {}

    def pieces(self, section: Section, name: str) -> list[bytes]:
        """Return the pieces that a name has in a section."""
        store = self._sections.get(section)
        return store.pieces(name) if store else []

    def read(self, section: Section, span: Span) -> Iterator[bytes]:
        """Yield the text of a section at a span, which may reach over several names."""
        store = self._sections[section]
        store.file.seek(span.start)
        left = span.size
        while left:
            data = store.file.read(min(left, _COPY_BYTES))
            left -= len(data)
            yield data


def _bytes(piece: str | bytes) -> bytes:
    return piece.encode() if isinstance(piece, str) else piece


class _SectionStore:
    def __init__(self, folder: str | None) -> None:
        # Closed with the store it belongs to.
        self.file = tempfile.SpooledTemporaryFile(_SPOOL_BYTES, dir=folder)  # noqa: SIM115
        self.spans: dict[str, Span] = {}
        self._sizes: dict[str, array[int]] = {}
        self._end = 0

    def add(self, name: str, pieces: list[bytes]) -> None:
        if not pieces:
            return
        text = b",".join(pieces)
        start = self._end
        if start:
            text = b"," + text
            start += 1
        self.file.seek(self._end)
        self.file.write(text)
        self._end += len(text)
        self.spans[name] = Span(start, self._end - start)
        self._sizes[name] = array("L", map(len, pieces))

    def pieces(self, name: str) -> list[bytes]:
        if name not in self.spans:
            return []
        self.file.seek(self.spans[name].start)
        text = self.file.read(self.spans[name].size)
        sizes = self._sizes[name]
        starts = accumulate((size + 1 for size in sizes), initial=0)
        return [text[start : start + size] for start, size in zip(starts, sizes, strict=False)]
