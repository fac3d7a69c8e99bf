"""Selecting `current_repodata.json`: the newest version of each name, and their dependencies.

conda's classic solver reads it before `repodata.json`. The semantics are those of conda-index
(`conda_index/index/current_repodata.py`). It contains

* all builds of the newest version of each name,
* for each dependency, all builds of the newest version that satisfies it; mostly the above,
* and for builds with features the newest build without features.

There are three differences:

* conda-index considers the dependencies of the newest versions only. Here the dependencies of all
  selected records count, so a solver finds in the document whatever the subdir has for them.
* Versions that compare as equal are one version. conda-index also takes versions that the newest
  one is a prefix of: with `1.0` it takes `1.0.0a1`.
* Records are not changed. conda-index adds `legacy_bz2_md5` to those of `.conda` packages.

The manifest keeps the `Choice` of each name. The next selection then reads only the records of
changed names, and of names with a new dependency on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec
from rattler import MatchSpec

from pulp_conda.formats.match_specs import parse_spec

from .candidates import Candidate, Candidates

_CACHED_SPECS: Final = 50_000


class Records(NamedTuple):
    """The records of one name, as fragments `"file name":record` in the order of file names."""

    packages: list[bytes]
    packages_conda: list[bytes]


# Tuples, because the garbage collector stops tracking those that hold no containers, and a manifest
# has some for each name.
Positions = tuple[int, ...]
"""Some of the records of a name."""

Dependencies = tuple[tuple[str, str], ...]
"""Names and MatchSpecs."""


class Choice(msgspec.Struct, array_like=True, gc=False):
    """The selected records of a name.

    They are positions in the list of its records, those of `packages` before `packages.conda`.
    """

    kept: Positions
    newest: Positions
    """The positions of the newest version."""
    answers: dict[str, Positions]
    """The positions that each dependency on this name selects."""
    depends: dict[int, Dependencies]
    """The dependencies of each selected record: name and MatchSpec."""

    def of(self, records: Records) -> Records:
        """Return the selected ones of a name's records."""
        boundary = len(records.packages)
        return Records(
            [records.packages[at] for at in self.kept if at < boundary],
            [records.packages_conda[at - boundary] for at in self.kept if at >= boundary],
        )


def choose(
    names: Iterable[str], previous: Mapping[str, Choice], records: Callable[[str], Records]
) -> dict[str, Choice]:
    """Return the choice for every name of a subdir.

    `previous` are choices for names whose records did not change since. They are a cache: they
    affect the time, and never the result. The result depends on the set of records, and not on
    their order. A dependency that is not a MatchSpec, or that no record satisfies, is ignored.
    """
    return _CurrentSelection(names, previous, records).select()


class _CurrentSelection:
    """Computes the smallest set that is complete.

    It is complete if it has the newest version of each name, and the best match of each dependency
    of its own records. There is one such set, whatever the order in which records are added.
    """

    def __init__(
        self,
        names: Iterable[str],
        previous: Mapping[str, Choice],
        records: Callable[[str], Records],
    ) -> None:
        self._previous = previous
        self._records = records
        self._choices = {name: Choice((), (), {}, {}) for name in names}
        self._newest: dict[str, list[Candidate]] = {}
        """The candidates of the newest version; they satisfy most dependencies."""
        self._ranks: dict[str, Mapping[str, int]] = {}
        self._unanswered: dict[str, list[str]] = {}
        self._seen: set[str] = set()

    def select(self) -> dict[str, Choice]:
        for name, choice in self._choices.items():
            if previous := self._previous.get(name):
                choice.newest = previous.newest
            else:
                self._newest[name] = _whole_version(
                    next(iter(candidates := self._candidates(name))), candidates
                )
                choice.newest = _positions(self._newest[name])
            self._keep(name, choice.newest, self._newest.get(name))
        while self._unanswered:
            # In rounds, so that the records of a name are decoded once for many dependencies.
            unanswered, self._unanswered = self._unanswered, {}
            for name, specs in unanswered.items():
                self._answer(name, specs)
        for choice in self._choices.values():
            choice.kept = tuple(sorted(choice.depends))
            choice.answers = dict(sorted(choice.answers.items()))
            choice.depends = dict(sorted(choice.depends.items()))
        return self._choices

    def _answer(self, name: str, specs: list[str]) -> None:
        choice, previous = self._choices[name], self._previous.get(name)
        candidates: Candidates | None = None
        for spec in specs:
            answer = (
                previous.answers.get(spec) if previous else self._answer_from_newest(name, spec)
            )
            if answer is None:
                candidates = candidates or self._candidates(name)
                answer = _best(spec, candidates)
            choice.answers[spec] = answer
            self._keep(name, answer, candidates)

    def _answer_from_newest(self, name: str, spec: str) -> Positions | None:
        """Return the positions of the newest version if it satisfies a spec, else None."""
        newest = self._newest[name]
        rank = newest[0].version_rank
        if any(_satisfies(each, spec) for each in newest if each.version_rank == rank):
            return self._choices[name].newest
        return None

    def _keep(
        self, name: str, positions: Iterable[int], candidates: Iterable[Candidate] | None
    ) -> None:
        choice, previous = self._choices[name], self._previous.get(name)
        for position in positions:
            if position in choice.depends:
                continue
            depends = previous.depends.get(position) if previous else None
            if depends is None:
                candidates = candidates or self._candidates(name)
                depends = next(_depends(each) for each in candidates if each.position == position)
            choice.depends[position] = depends
            for target, spec in depends:
                if spec not in self._seen and target in self._choices:
                    self._seen.add(spec)
                    self._unanswered.setdefault(target, []).append(spec)

    def _candidates(self, name: str) -> Candidates:
        records = self._records(name)
        fragments = [*records.packages, *records.packages_conda]
        candidates = Candidates(name, fragments, self._ranks.get(name))
        self._ranks[name] = candidates.ranks
        return candidates


def _best(spec: str, candidates: Candidates) -> Positions:
    for candidate in candidates:
        if _satisfies(candidate, spec):
            return _positions(_whole_version(candidate, candidates))
    return ()


def _satisfies(candidate: Candidate, spec: str) -> bool:
    parsed = _parsed(spec)
    return parsed is not None and candidate.satisfies(parsed)


def _whole_version(best: Candidate, candidates: Candidates) -> list[Candidate]:
    """Return all builds of a candidate's version, and one without features if any has some."""
    taken = candidates.of_version(best.version_rank)
    if any(candidate.has_features for candidate in taken):
        taken += next(([each] for each in candidates if not each.has_features), [])
    return taken


def _positions(candidates: Iterable[Candidate]) -> Positions:
    return tuple(sorted({candidate.position for candidate in candidates}))


@lru_cache(_CACHED_SPECS)
def _parsed(text: str) -> MatchSpec | None:
    """Return the MatchSpec of a dependency; thousands of records have the same text."""
    return parse_spec(text)


@lru_cache(_CACHED_SPECS)
def _target(text: str) -> str | None:
    """Return the name of the package that a dependency is on."""
    spec = _parsed(text)
    return None if spec is None else spec.name.normalized


def _depends(candidate: Candidate) -> Dependencies:
    targets = ((_target(text), text) for text in candidate.depends)
    return tuple((target, text) for target, text in targets if target is not None)
