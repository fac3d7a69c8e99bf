"""The update of an index manifest: which parts are kept, and which are made of others."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pulp_conda.formats.compression import FrameEncoder

from .current_repodata import Choice
from .manifest import IndexManifest
from .parts import NameEntry, NewPart, Part, Summary, cut
from .sections import Section

_COMPRESSION_LEVEL: Final = 1


@dataclass(slots=True)
class Region:
    """Consecutive parts of the previous index, and the parts that replace them.

    Most regions are one part that is kept: `previous` and `parts` then have the same object.
    """

    previous: list[Part]
    parts: list[Part | NewPart]


class ManifestUpdate:
    """The parts of an index that is being built, beside those of the previous one.

    The previous manifest is never changed.
    """

    def __init__(
        self,
        previous: IndexManifest,
        changed: Collection[str],
        entries: Mapping[str, NameEntry],
        shards: Mapping[str, bytes],
    ) -> None:
        """Give changed names the given entries and shards, or none."""
        self.previous = previous
        names = sorted({*changed, *entries})
        self.regions = list(_regions(previous.parts, names, entries, shards))
        self.starts: dict[Section, int] = {}
        """The position of each section in its compressed document, in bytes."""
        self.absent: Mapping[str, int] = {}
        """By name without records: the number of dependencies of current records on it."""
        self._places = [
            (region, number) for region in self.regions for number in range(len(region.parts))
        ]
        self._lasts = [region.parts[number].last for region, number in self._places]

    def entry(self, name: str) -> NameEntry | None:
        """Return the entry of a name."""
        at = bisect_left(self._lasts, name)
        if at == len(self._places):
            return None
        region, number = self._places[at]
        return region.parts[number].entries.get(name)

    def choose(self, name: str, choice: Choice, sizes: Mapping[Section, int]) -> None:
        """Set what `current_repodata.json` selects of a name, and its sizes in some sections."""
        region, number = self._places[bisect_left(self._lasts, name)]
        part = region.parts[number]
        changed = part.entries[name].chosen(choice, sizes)
        if changed == part.entries[name]:
            return
        if isinstance(part, Part):
            region.parts[number] = part = NewPart(dict(part.entries), part.shards)
        part.entries[name] = changed

    def parts(self) -> Iterator[Part | NewPart]:
        """Yield all parts in the order of names."""
        for region in self.regions:
            yield from region.parts

    def summary(self) -> Summary:
        """Return the summary of all parts."""
        return Summary.of(part.summary for part in self.parts())

    def shards(self) -> dict[str, bytes]:
        """Return the digest of each name's shard, in the order of names."""
        return {name: digest for part in self.parts() for name, digest in part.shards.items()}

    def manifest(self) -> IndexManifest:
        """Return the new manifest, after all sections have been written."""
        encoder = FrameEncoder(_COMPRESSION_LEVEL)
        parts = [p if isinstance(p, Part) else p.finished(encoder) for p in self.parts()]
        return IndexManifest(parts, self.starts, self.absent)


def _regions(
    parts: Sequence[Part],
    names: list[str],
    entries: Mapping[str, NameEntry],
    shards: Mapping[str, bytes],
) -> Iterator[Region]:
    """Yield the regions of an index in which the given names changed; they are sorted."""
    region = Region([], [])
    rest = [] if parts else [entries[name] for name in names if name in entries]
    at = 0
    for part in parts:
        # Names after the last one belong to the last part.
        until = len(names) if part is parts[-1] else bisect_right(names, part.last, at)
        changed, at = names[at:until], until
        if not changed and not rest:
            yield Region([part], [part])
            continue
        region.previous.append(part)
        whole, rest = cut([*rest, *_merged(part.entries, changed, entries)])
        region.parts += _new_parts(whole, region, names, shards)
        if not rest:
            yield region
            region = Region([], [])
    whole, rest = cut(rest)
    region.parts += _new_parts([*whole, rest] if rest else whole, region, names, shards)
    if region.parts or region.previous:
        yield region


def _merged(
    previous: Mapping[str, NameEntry], changed: Iterable[str], entries: Mapping[str, NameEntry]
) -> list[NameEntry]:
    merged = {**previous, **{name: entries[name] for name in changed if name in entries}}
    for name in changed:
        if name not in entries:
            merged.pop(name, None)
    return [merged[name] for name in sorted(merged)]


def _new_parts(
    runs: Iterable[list[NameEntry]],
    region: Region,
    changed: Collection[str],
    shards: Mapping[str, bytes],
) -> Iterator[NewPart]:
    kept = {name: digest for part in region.previous for name, digest in part.shards.items()}
    for name in changed:
        kept.pop(name, None)
    for run in runs:
        entries = {entry.name: entry for entry in run}
        found = ((name, shards.get(name) or kept.get(name)) for name in entries)
        yield NewPart(entries, {name: digest for name, digest in found if digest})
