"""Merge a document from the text of the previous one and from new fragments."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, NamedTuple

from pulp_conda.formats.compression import Readable

from .files import DocumentWriter
from .fragments import FragmentStore, Span
from .manifest import IndexManifest
from .repodata import Part
from .sections import Section

_COPY_BYTES: Final = 1024**2


class MergeSpan(NamedTuple):
    """Text that is copied without a change."""

    is_new: bool
    """True if it lies among the new fragments, False if in the previous section."""
    span: Span


def merge_spans(
    previous: Mapping[str, int], changed: Iterable[str], new: Mapping[str, Span]
) -> Iterator[MergeSpan]:
    """Yield the spans that a section is merged from, in the order of names, without commas.

    `previous` is the number of bytes of each name in the previous section, in the order of names;
    `new` are the spans of changed names among the new fragments. The number of spans that are
    yielded grows with the number of changed names only.
    """
    names = list(previous)
    # Each name with fragments is followed by a comma; a name without fragments takes no bytes.
    starts = [0, *accumulate(size + 1 if size else 0 for size in previous.values())]
    position = 0
    pending: Span | None = None
    for name in sorted({*changed}):
        at = bisect_left(names, name, position)
        span = new.get(name)
        unchanged = Span(starts[position], starts[at] - starts[position] - 1)
        position = at + 1 if at < len(names) and names[at] == name else at
        if unchanged.size > 0:
            if pending:
                yield MergeSpan(True, pending)
                pending = None
            yield MergeSpan(False, unchanged)
        if span is None:
            continue
        if pending and pending.end + 1 == span.start:
            pending = Span(pending.start, span.end - pending.start)
        else:
            if pending:
                yield MergeSpan(True, pending)
            pending = span
    if pending:
        yield MergeSpan(True, pending)
    rest = Span(starts[position], starts[-1] - starts[position] - 1)
    if rest.size > 0:
        yield MergeSpan(False, rest)


class PreviousDocument:
    """The text of a previous document, read once from its beginning to its end."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._at = 0

    def copy(self, span: Span) -> Iterator[bytes]:
        """Yield the text of a span, which may not begin before the end of the last one.

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
                raise ValueError("the previous document is too short")
            size -= len(data)
            self._at += len(data)
            yield data


class MergedSection(NamedTuple):
    """A section of a document that is to be written, and the spans that it is merged from."""

    section: Section
    spans: list[MergeSpan]

    @property
    def size(self) -> int:
        """Its size in bytes, with the commas between spans."""
        return sum(span.size + 1 for _, span in self.spans) - bool(self.spans)


@dataclass(frozen=True, slots=True)
class DocumentPlan:
    """The literal text and the sections of a document that is to be written."""

    parts: list[bytes | MergedSection]
    changed: Collection[str]
    """The names whose fragments are new."""

    @property
    def size(self) -> int:
        """The size of the document in bytes, known before the first byte is written."""
        return sum(len(part) if isinstance(part, bytes) else part.size for part in self.parts)


class SectionMerger:
    """Merges documents from the previous ones and from new fragments.

    Writes the positions and sizes of merged sections into the new manifest.
    """

    def __init__(
        self, previous: IndexManifest, manifest: IndexManifest, store: FragmentStore
    ) -> None:
        self._previous = previous
        self._manifest = manifest
        self._store = store

    def plan(self, parts: Iterable[Part], changed: Collection[str]) -> DocumentPlan:
        """Plan a document of these parts; the fragments of changed names are in the store."""
        planned = [
            part if isinstance(part, bytes) else self._planned(part, changed) for part in parts
        ]
        return DocumentPlan(planned, changed)

    def write(
        self, plan: DocumentPlan, writer: DocumentWriter, previous: PreviousDocument | None
    ) -> None:
        """Write a planned document; the text of unchanged names comes from the previous one."""
        for part in plan.parts:
            if isinstance(part, bytes):
                writer.write(part)
                continue
            self._manifest.starts[part.section] = writer.size
            for text in self._texts(part, previous):
                writer.write(text)
            spans = self._store.spans(part.section)
            sizes = {name: spans[name].size if name in spans else 0 for name in plan.changed}
            self._manifest.resize(part.section, sizes)

    def _planned(self, section: Section, changed: Collection[str]) -> MergedSection:
        sizes = self._previous.sizes(section)
        spans = merge_spans(sizes, changed, self._store.spans(section))
        return MergedSection(section, list(spans))

    def _texts(self, merged: MergedSection, previous: PreviousDocument | None) -> Iterator[bytes]:
        start = self._previous.starts.get(merged.section, 0)
        for number, (is_new, span) in enumerate(merged.spans):
            if number:
                yield b","
            if is_new:
                yield from self._store.read(merged.section, span)
            elif previous is None:
                raise ValueError("unchanged names need a previous document")
            else:
                yield from previous.copy(Span(start + span.start, span.size))
