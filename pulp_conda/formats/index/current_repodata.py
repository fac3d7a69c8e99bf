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

The manifest keeps the `Choice` of each name, which also says who asks for its records. So the next
selection reads the choices of few names: see `selection`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

import msgspec

from pulp_conda.formats.match_specs import plain_spec

from .candidates import Candidates, Positions, Requirement

_CACHED_SPECS: Final = 50_000


class Records(NamedTuple):
    """The records of one name, as fragments `"file name":record` in the order of file names."""

    packages: list[bytes]
    packages_conda: list[bytes]


# Tuples, because the garbage collector stops tracking those that hold no containers, and a manifest
# has some for each name.
Dependencies = tuple[tuple[str, str], ...]
"""Names and MatchSpecs."""


class Answer(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The records of a name that satisfy a dependency best, and who has the dependency."""

    positions: Positions
    askers: tuple[tuple[int, int], ...]
    """Numbers of selected records, by their distance; at least one."""


class Choice(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The selected records of a name.

    They are positions in the list of its records, those of `packages` before `packages.conda`. The
    *distance* of a selected record is the number of dependencies on the shortest way to it from
    some newest record, which itself has the distance 0.
    """

    kept: Positions
    newest: Positions
    """The positions of the newest version."""
    answers: dict[str, Answer]
    """The answer to each dependency on this name, by its MatchSpec."""
    depends: dict[int, Dependencies]
    """The dependencies of each selected record: name and MatchSpec."""

    def of(self, records: Records) -> Records:
        """Return the selected ones of a name's records."""
        boundary = len(records.packages)
        return Records(
            [records.packages[at] for at in self.kept if at < boundary],
            [records.packages_conda[at - boundary] for at in self.kept if at >= boundary],
        )


class PreviousChoices(Protocol):
    """The choices of the previous index of a subdir."""

    @property
    def absent(self) -> Mapping[str, int]:
        """The number of dependencies of selected records on each name without records."""

    def choice(self, name: str) -> Choice | None:
        """Return the choice of a name, None if it had no records."""

    def chosen_names(self) -> Iterable[str]:
        """Return all names that have a choice."""


def best(spec: str, candidates: Candidates) -> Positions:
    """Return the positions of what a spec selects, none if it is not a MatchSpec."""
    requirement = _parsed(spec)
    return candidates.best(requirement) if requirement else ()


@lru_cache(_CACHED_SPECS)
def _parsed(text: str) -> Requirement | None:
    """Return a dependency; thousands of records have the same text."""
    return Requirement.parse(text)


@lru_cache(_CACHED_SPECS)
def _dependency(text: str) -> tuple[str, str] | None:
    """Return the name and the MatchSpec of a dependency, shared by the records that have it."""
    found = plain_spec(text) or _parsed(text)
    return (found.name, text) if found else None


def depends_of(candidates: Candidates, position: int) -> Dependencies:
    """Return the dependencies of a record that are MatchSpecs."""
    found = map(_dependency, candidates.depends(position))
    return tuple(dependency for dependency in found if dependency)
