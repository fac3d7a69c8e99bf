"""What a mirror takes of an upstream: filters by MatchSpec, version, size and licence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pulp_conda.formats.version_order import version_ranks

from .records import MirroredRecord
from .specs import Candidate, SpecSet


class ImportFilter:
    """Chooses among the records of one name in one subdir. Without arguments it takes all.

    A record has to match one of `include`, if there are any, and none of `exclude`. Specs may have
    a name (`numpy >=2`), a glob (`*cuda*`) or a regular expression between `^` and `$`. Of what is
    left, `newest` keeps the builds of so many versions.

    `max_bytes` is the size of the largest file; a file of unknown size is taken. `licenses` are
    compared without case and outer spaces; without a licence no record has one of them.
    """

    def __init__(
        self,
        *,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
        newest: int | None = None,
        max_bytes: int | None = None,
        licenses: Iterable[str] = (),
    ) -> None:
        """Parse the specs. Raises UnusableFilter for the first one that has a `filter_fault`."""
        self._include = SpecSet(include)
        self._exclude = SpecSet(exclude)
        self._newest = newest
        self._max_bytes = max_bytes
        self._licenses = frozenset(map(_normalized, licenses))

    def may_take(self, name: str) -> bool:
        """Return whether a record of a name may be taken. If not, it need not be asked for."""
        if self._include and not self._include.of(name):
            return False
        return not self._exclude.of(name).all_match

    def chosen(self, records: Sequence[MirroredRecord]) -> list[MirroredRecord]:
        """Return the records to take, all of one name, in their order."""
        if not records or not self.may_take(records[0].name):
            return []
        include = self._include.of(records[0].name)
        exclude = self._exclude.of(records[0].name)
        taken: list[MirroredRecord] = []
        for record in records:
            candidate = Candidate(record)
            if self._include and not include.match(candidate):
                continue
            if self._fits(record) and not exclude.match(candidate):
                taken.append(record)
        return _newest(taken, self._newest) if self._newest is not None else taken

    def _fits(self, record: MirroredRecord) -> bool:
        if self._max_bytes is not None and (record.size or 0) > self._max_bytes:
            return False
        return not self._licenses or _normalized(record.license) in self._licenses


def _newest(records: Sequence[MirroredRecord], count: int) -> list[MirroredRecord]:
    """Return the records of the newest versions by conda's order; equal versions are one."""
    ranks = version_ranks(record.version for record in records)
    kept = frozenset(sorted(set(ranks.values()), reverse=True)[:count])
    return [record for record in records if ranks[record.version] in kept]


def _normalized(license_: str) -> str:
    return license_.strip().casefold()
