"""New fragments of documents, kept on disk until everything that they depend on is known."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from typing import Final

from .sections import Section

_SPOOL_BYTES: Final = 4 * 1024**2
_BUFFER_BYTES: Final = 64 * 1024


class FragmentStore:
    """Keeps fragments by section and name until it is closed.

    The fragments of a name lie beside each other, with commas between them. The first 4 MiB of a
    section stay in memory, and more go to a temporary file in `folder`. The positions of names stay
    in memory.
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

    def size(self, section: Section, name: str) -> int:
        """Return the bytes of a name's fragments in a section, and of the commas between them."""
        store = self._sections.get(section)
        return store.size(name) if store else 0

    def text(self, section: Section, name: str) -> bytes:
        """Return the fragments of a name in a section, with commas between them."""
        store = self._sections.get(section)
        return store.text(name) if store else b""

    def fragments(self, section: Section, name: str) -> list[bytes]:
        """Return the fragments of a name in a section."""
        store = self._sections.get(section)
        return store.fragments(name) if store else []


def _bytes(fragment: str | bytes) -> bytes:
    return fragment.encode() if isinstance(fragment, str) else fragment


class _SectionStore:
    def __init__(self, folder: str | None) -> None:
        # FragmentStore.close closes it.
        self.file = tempfile.SpooledTemporaryFile(_SPOOL_BYTES, buffering=_BUFFER_BYTES, dir=folder)  # noqa: SIM115
        self._places: dict[str, tuple[int, int, bytes]] = {}
        """By name: the position and the size of its text, and the packed sizes of its fragments."""
        self._end = 0
        self._is_at_end = True

    def add(self, name: str, fragments: list[bytes]) -> None:
        if not fragments:
            return
        text = b",".join(fragments)
        if not self._is_at_end:  # a seek would write what is buffered
            self.file.seek(self._end)
            self._is_at_end = True
        self.file.write(text)
        self._places[name] = (self._end, len(text), array("I", map(len, fragments)).tobytes())
        self._end += len(text)

    def size(self, name: str) -> int:
        place = self._places.get(name)
        return place[1] if place else 0

    def text(self, name: str) -> bytes:
        if name not in self._places:
            return b""
        start, size, _ = self._places[name]
        self._is_at_end = False
        self.file.seek(start)
        return self.file.read(size)

    def fragments(self, name: str) -> list[bytes]:
        if name not in self._places:
            return []
        text, sizes = self.text(name), memoryview(self._places[name][2]).cast("I")
        starts = accumulate((size + 1 for size in sizes), initial=0)
        return [text[start : start + size] for start, size in zip(starts, sizes, strict=False)]
