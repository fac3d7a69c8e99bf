"""Joining a document from what its predecessor had and from new pieces."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import accumulate
from typing import IO, Final, NamedTuple

from .files import TwinWriter
from .ledger import Ledger
from .pieces import PieceStore, Span
from .repodata import Part
from .sections import Section

_COPY_BYTES: Final = 1024**2


class Run(NamedTuple):
    """Text to be copied in one go."""

    new: bool
    """Whether it lies among the new pieces, and not in the predecessor's section."""
    span: Span


def runs(old: Mapping[str, int], changed: Iterable[str], new: Mapping[str, Span]) -> Iterator[Run]:
    """Yield what a section is joined from, in the order of names, commas to be put between.

    `old` says how many bytes each name takes in the predecessor's section, in the order of names;
    `new` where the pieces of those that changed lie. The number of runs grows with what changed.
    """
    names = list(old)
    # A name without pieces takes no room, any other a comma behind its pieces.
    starts = [0, *accumulate(size + 1 if size else 0 for size in old.values())]
    place = 0
    pending: Span | None = None
    for name in sorted({*changed}):
        at = bisect_left(names, name, place)
        span = new.get(name)
        unchanged = Span(starts[place], starts[at] - starts[place] - 1)
        place = at + 1 if at < len(names) and names[at] == name else at
        if unchanged.size > 0:
            if pending:
                yield Run(True, pending)
                pending = None
            yield Run(False, unchanged)
        if span is None:
            continue
        if pending and pending.end + 1 == span.start:
            pending = Span(pending.start, span.end - pending.start)
        else:
            if pending:
                yield Run(True, pending)
            pending = span
    if pending:
        yield Run(True, pending)
    rest = Span(starts[place], starts[-1] - starts[place] - 1)
    if rest.size > 0:
        yield Run(False, rest)


class Source:
    """A predecessor's document, read from its beginning to its end and once only."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._at = 0

    def copy(self, span: Span) -> Iterator[bytes]:
        """Yield the text at a span, which must not begin before what was read already.

        Raises:
            ValueError: the document ends before the span does.
        """
        for _ in self._read(span.start - self._at):
            pass
        yield from self._read(span.size)

    def _read(self, size: int) -> Iterator[bytes]:
        if size < 0:
            raise ValueError("a document is read from its beginning to its end")
        while size:
            data = self._stream.read(min(size, _COPY_BYTES))
            if not data:
                raise ValueError("the predecessor's document is too short")
            size -= len(data)
            self._at += len(data)
            yield data


class Joining:
    """Joins documents from an earlier ledger's documents and from new pieces.

    What the new documents are made of is written into the new ledger.
    """

    def __init__(self, earlier: Ledger, ledger: Ledger, store: PieceStore) -> None:
        self._earlier = earlier
        self._ledger = ledger
        self._store = store

    def write(
        self,
        parts: Iterable[Part],
        twin: TwinWriter,
        *,
        changed: Collection[str],
        source: Source | None,
    ) -> None:
        """Write a document; the pieces of changed names are in the store, others in `source`."""
        for part in parts:
            if isinstance(part, bytes):
                twin.write(part)
                continue
            self._ledger.starts[part] = twin.size
            for text in self._section(part, changed, source):
                twin.write(text)
            spans = self._store.spans(part)
            for name in changed:
                if entry := self._ledger.entries.get(name):
                    entry.sizes[part] = spans[name].size if name in spans else 0

    def _section(
        self, section: Section, changed: Collection[str], source: Source | None
    ) -> Iterator[bytes]:
        start = self._earlier.starts.get(section, 0)
        old = self._earlier.sizes(section)
        for number, run in enumerate(runs(old, changed, self._store.spans(section))):
            if number:
                yield b","
            if run.new:
                yield from self._store.read(section, run.span)
            elif source is None:
                raise ValueError("names that did not change have no earlier document")
            else:
                yield from source.copy(Span(start + run.span.start, run.span.size))
