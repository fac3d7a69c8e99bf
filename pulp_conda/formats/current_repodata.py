"""`current_repodata.json`: the newest version of each name and what those depend on.

conda's classic solver asks for it before `repodata.json`. The semantics are those of conda-index
(`conda_index/index/current_repodata.py`): all builds of a name's newest version; for each
dependency all builds of the newest version that satisfies it, which mostly is there already; and
beside builds with features the newest build without. They differ in three points:

* conda-index looks at the dependencies of the newest versions only. Here those of every version
  that is taken count, so that everything the document names finds in it what the subdir has.
* Equal versions are one version. conda-index also takes those that the newest one is a prefix of:
  its `1.0` brings `1.0.0a1` along.
* Records stay as they are: conda-index adds `legacy_bz2_md5` to those of `.conda` packages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import rattler

from .candidates import Candidate, candidates_of
from .match_specs import parse_spec
from .shard_store import ShardStore
from .shards import Shard


def current_shards(store: ShardStore) -> Iterator[Shard]:
    """Return the shards of a subdir without the records that a current document leaves out.

    What is kept depends on the set of records alone, never on their order, and they stay in that
    order. A dependency that is no MatchSpec, or that nothing in the subdir satisfies, is passed
    over.
    """
    kept = _Choice(store).made()
    for shard in store:
        positions = kept[shard.name]
        boundary = len(shard.packages)
        yield Shard(
            shard.name,
            [piece for at, piece in enumerate(shard.packages) if at in positions],
            [piece for at, piece in enumerate(shard.packages_conda, boundary) if at in positions],
        )


class _Choice:
    """The records that stay, by name and by their position in the name's shard.

    It is the smallest set that holds each name's newest version and the best match of each
    dependency of what it holds: there is only one, in whatever order it is found.
    """

    def __init__(self, store: ShardStore) -> None:
        self._store = store
        self._kept: dict[str, set[int]] = {}
        self._wanted: dict[str, list[rattler.MatchSpec]] = {}
        self._seen: set[str] = set()

    def made(self) -> dict[str, set[int]]:
        """Return the positions of what stays, by name."""
        for shard in self._store:
            candidates = candidates_of(shard)
            self._kept[shard.name] = set()
            self._keep(shard.name, candidates[:1], candidates)
        while self._wanted:
            name, specs = self._wanted.popitem()
            candidates = candidates_of(self._store[name])
            best = (next((c for c in candidates if c.satisfies(spec)), None) for spec in specs)
            self._keep(name, [candidate for candidate in best if candidate], candidates)
        return self._kept

    def _keep(self, name: str, best: list[Candidate], candidates: list[Candidate]) -> None:
        """Keep the whole versions of the best candidates, which come newest first."""
        versions = {candidate.version_rank for candidate in best}
        taken = [candidate for candidate in candidates if candidate.version_rank in versions]
        if any(candidate.has_features for candidate in taken):
            taken += [candidate for candidate in candidates if not candidate.has_features][:1]
        for candidate in taken:
            if candidate.position not in self._kept[name]:
                self._kept[name].add(candidate.position)
                self._want(candidate.facts.depends or ())

    def _want(self, dependencies: Iterable[str]) -> None:
        for text in dependencies:
            if text in self._seen:
                continue
            self._seen.add(text)
            spec = parse_spec(text)
            if spec is not None and spec.name.normalized in self._store:
                self._wanted.setdefault(spec.name.normalized, []).append(spec)
