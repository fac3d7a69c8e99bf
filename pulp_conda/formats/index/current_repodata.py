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

What is found out about a name is kept as its `Choice`, so that the next choice looks only into the
names that changed and at dependencies that are new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec
from rattler import MatchSpec

from pulp_conda.formats.match_specs import parse_spec

from .candidates import Candidate, Candidates

_SPECS_REMEMBERED: Final = 50_000


class Records(NamedTuple):
    """The records of one name, as `"file name":record`, in the order of file names."""

    packages: list[bytes]
    packages_conda: list[bytes]


class Choice(msgspec.Struct, array_like=True):
    """What of a name is kept, by position among its records, `packages` before `packages.conda`."""

    kept: list[int]
    newest: list[int]
    """What is kept for its own sake."""
    answers: dict[str, list[int]]
    """What is kept for the sake of each dependency on the name."""
    depends: dict[int, list[tuple[str, str]]]
    """What each of the kept depends on: name and MatchSpec."""

    def of(self, records: Records) -> Records:
        """Return those of a name's records that are kept."""
        boundary = len(records.packages)
        return Records(
            [records.packages[at] for at in self.kept if at < boundary],
            [records.packages_conda[at - boundary] for at in self.kept if at >= boundary],
        )


def choose(
    names: Iterable[str], known: Mapping[str, Choice], records: Callable[[str], Records]
) -> dict[str, Choice]:
    """Return the choice for every name of a subdir.

    `known` are earlier choices for names whose records are the same as then; the result is that
    without them. It depends on the set of records alone, never on their order. A dependency that
    is no MatchSpec, or that nothing in the subdir satisfies, is passed over.
    """
    return _Choosing(names, known, records).made()


class _Choosing:
    """Finds the smallest set that holds what it has to.

    That is each name's newest version and the best match of each dependency of what the set
    holds. There is only one, in whatever order it is found.
    """

    def __init__(
        self,
        names: Iterable[str],
        known: Mapping[str, Choice],
        records: Callable[[str], Records],
    ) -> None:
        self._known = known
        self._records = records
        self._made = {name: Choice([], [], {}, {}) for name in names}
        self._newest: dict[str, list[Candidate]] = {}
        """What is kept for its own sake: it answers most dependencies, without another look."""
        self._ranks: dict[str, Mapping[str, int]] = {}
        self._wanted: dict[str, list[str]] = {}
        self._seen: set[str] = set()

    def made(self) -> dict[str, Choice]:
        for name, choice in self._made.items():
            if known := self._known.get(name):
                choice.newest = known.newest
            else:
                self._newest[name] = _whole(
                    next(iter(candidates := self._candidates(name))), candidates
                )
                choice.newest = _positions(self._newest[name])
            self._keep(name, choice.newest, self._newest.get(name))
        while self._wanted:
            # In rounds, so that a name's records are looked at once for many dependencies.
            wanted, self._wanted = self._wanted, {}
            for name, specs in wanted.items():
                self._answer(name, specs)
        for choice in self._made.values():
            choice.kept = sorted(choice.depends)
        return self._made

    def _answer(self, name: str, specs: list[str]) -> None:
        choice, known = self._made[name], self._known.get(name)
        candidates: Candidates | None = None
        for spec in specs:
            answer = known.answers.get(spec) if known else self._answer_at_hand(name, spec)
            if answer is None:
                candidates = candidates or self._candidates(name)
                answer = _best(spec, candidates)
            choice.answers[spec] = answer
            self._keep(name, answer, candidates)

    def _answer_at_hand(self, name: str, spec: str) -> list[int] | None:
        """Return the newest version if it satisfies a spec: nothing else can then be better."""
        newest = self._newest[name]
        rank = newest[0].version_rank
        if any(_satisfies(each, spec) for each in newest if each.version_rank == rank):
            return self._made[name].newest
        return None

    def _keep(
        self, name: str, positions: Iterable[int], candidates: Iterable[Candidate] | None
    ) -> None:
        choice, known = self._made[name], self._known.get(name)
        for position in positions:
            if position in choice.depends:
                continue
            depends = known.depends.get(position) if known else None
            if depends is None:
                candidates = candidates or self._candidates(name)
                depends = next(_depends(each) for each in candidates if each.position == position)
            choice.depends[position] = depends
            for target, spec in depends:
                if spec not in self._seen and target in self._made:
                    self._seen.add(spec)
                    self._wanted.setdefault(target, []).append(spec)

    def _candidates(self, name: str) -> Candidates:
        records = self._records(name)
        pieces = [*records.packages, *records.packages_conda]
        candidates = Candidates(name, pieces, self._ranks.get(name))
        self._ranks[name] = candidates.ranks
        return candidates


def _best(spec: str, candidates: Candidates) -> list[int]:
    for candidate in candidates:
        if _satisfies(candidate, spec):
            return _positions(_whole(candidate, candidates))
    return []


def _satisfies(candidate: Candidate, spec: str) -> bool:
    parsed = _parsed(spec)
    return parsed is not None and candidate.satisfies(parsed)


def _whole(best: Candidate, candidates: Candidates) -> list[Candidate]:
    """Return the whole version of the best candidate, and what solvers take that shun features."""
    taken = candidates.of_version(best.version_rank)
    if any(candidate.has_features for candidate in taken):
        taken += next(([each] for each in candidates if not each.has_features), [])
    return taken


def _positions(candidates: Iterable[Candidate]) -> list[int]:
    return sorted({candidate.position for candidate in candidates})


@lru_cache(_SPECS_REMEMBERED)
def _parsed(text: str) -> MatchSpec | None:
    """Return a dependency's MatchSpec; the same texts stand in thousands of records."""
    return parse_spec(text)


def _target(text: str) -> str | None:
    spec = _parsed(text)
    return None if spec is None else spec.name.normalized


def _depends(candidate: Candidate) -> list[tuple[str, str]]:
    targets = ((_target(text), text) for text in candidate.depends)
    return [(target, text) for target, text in targets if target is not None]
