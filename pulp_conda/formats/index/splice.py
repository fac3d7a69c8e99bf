"""Joining a document from what its predecessor had and from new pieces."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
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


class JoinedSection(NamedTuple):
    """A section of a document to be written: the runs that it is joined from."""

    section: Section
    runs: list[Run]

    @property
    def size(self) -> int:
        """How many bytes it takes, the commas between its runs included."""
        return sum(run.span.size + 1 for run in self.runs) - bool(self.runs)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a document is to be joined from."""

    parts: list[bytes | JoinedSection]
    changed: Collection[str]
    """The names whose pieces are new."""

    @property
    def size(self) -> int:
        """How many bytes the document takes."""
        return sum(len(part) if isinstance(part, bytes) else part.size for part in self.parts)


class Joining:
    """Joins documents from an earlier ledger's documents and from new pieces.

    What the new documents are made of is written into the new ledger.
    """

    def __init__(self, earlier: Ledger, ledger: Ledger, store: PieceStore) -> None:
        self._earlier = earlier
        self._ledger = ledger
        self._store = store

    def plan(self, parts: Iterable[Part], changed: Collection[str]) -> Plan:
        """Return what a document is joined from; the pieces of changed names are in the store."""
        return Plan(
            [part if isinstance(part, bytes) else self._joined(part, changed) for part in parts],
            changed,
        )

    def write(self, plan: Plan, twin: TwinWriter, source: Source | None) -> None:
        """Write a planned document; text of names that did not change is in `source`."""
        for part in plan.parts:
            if isinstance(part, bytes):
                twin.write(part)
                continue
            self._ledger.starts[part.section] = twin.size
            for text in self._texts(part, source):
                twin.write(text)
            spans = self._store.spans(part.section)
            sizes = {name: spans[name].size if name in spans else 0 for name in plan.changed}
            self._ledger.resize(part.section, sizes)

    def _joined(self, section: Section, changed: Collection[str]) -> JoinedSection:
        old = self._earlier.sizes(section)
        return JoinedSection(section, list(runs(old, changed, self._store.spans(section))))

    def _texts(self, joined: JoinedSection, source: Source | None) -> Iterator[bytes]:
        start = self._earlier.starts.get(joined.section, 0)
        for number, run in enumerate(joined.runs):
            if number:
                yield b","
            if run.new:
                yield from self._store.read(joined.section, run.span)
            elif source is None:
                raise ValueError("names that did not change have no earlier document")
            else:
                yield from source.copy(Span(start + run.span.start, run.span.size))
