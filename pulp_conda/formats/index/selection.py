"""Selecting current records again after a change, in time that grows with the change.

A record is selected if it is of the newest version of its name, or if a dependency of a selected
record selects it. Records can select each other in a circle that nothing else selects any more, so
it is not enough to count who asks for a record. But every selected record has a *distance* from the
newest records, and one that is not newest is asked for by a record that is nearer. These distances
follow from the records alone. For each dependency on a name, its choice has the number of records
that ask, by their distance.

After a change, first all records fall that no nearer record asks for, nearest first. Then the
distances of new and fallen records are found from what is left, again nearest first (this is the
dynamic shortest path algorithm of Ramalingam and Reps, with all lengths 1).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from .candidates import Candidates, Positions
from .current_repodata import (
    Answer,
    Choice,
    Dependencies,
    PreviousChoices,
    Records,
    best,
    depends_of,
)


class Selection(NamedTuple):
    """The choices that may differ from the previous ones."""

    choices: dict[str, Choice]
    absent: dict[str, int]
    """As in `PreviousChoices`, sorted."""


def choose(
    previous: PreviousChoices,
    changed: Mapping[str, bool],
    records: Callable[[str], Records],
) -> Selection:
    """Return the choices after a change.

    `changed` has the names whose records changed, and whether they have any now. The previous
    choices affect the time, and never the result. The result depends on the set of records, and not
    on their order. A dependency that is not a MatchSpec, or that no record satisfies, is ignored.
    """
    return _Change(previous, changed, records).selection()


class _Name:
    """The choice of a name while it changes."""

    def __init__(self, choice: Choice | None = None) -> None:
        self.newest: Positions = choice.newest if choice else ()
        self.depends: dict[int, Dependencies] = dict(choice.depends) if choice else {}
        """Of selected records, and perhaps more."""
        self.answers: dict[str, Positions] = {}
        """To all dependencies that records have, and perhaps more."""
        self.askers: dict[str, dict[int, int]] = {}
        """By dependency: the number of selected records that have it, by distance."""
        self.distances: dict[int, int] = {}
        """Of selected records."""
        for spec, answer in choice.answers.items() if choice else ():
            self.answers[spec] = answer.positions
            self.askers[spec] = dict(answer.askers)
            for position in answer.positions:
                near = self.distances.get(position)
                distance = answer.askers[0][0] + 1
                self.distances[position] = distance if near is None else min(near, distance)
        self.distances |= dict.fromkeys(self.newest, 0)

    def choice(self) -> Choice:
        kept = sorted(self.distances)
        return Choice(
            tuple(kept),
            self.newest,
            {
                spec: Answer(self.answers[spec], tuple(sorted(askers.items())))
                for spec, askers in sorted(self.askers.items())
            },
            {position: self.depends[position] for position in kept},
        )

    def is_held(self, position: int) -> bool:
        """Return whether a record that is not newest is asked for by a nearer one."""
        distance = self.distances[position]
        return any(
            min(askers) < distance and position in self.answers[spec]
            for spec, askers in self.askers.items()
        )


_Dependency = tuple[str, str]
"""A name and a MatchSpec."""


class _Change:
    def __init__(
        self,
        previous: PreviousChoices,
        changed: Mapping[str, bool],
        records: Callable[[str], Records],
    ) -> None:
        self._previous = previous
        self._changed = changed
        self._records = records
        self._names: dict[str, _Name | None] = {}
        """The names that were looked at; None is a name without records."""
        self._absent = dict(previous.absent)
        self._doubtful: defaultdict[int, set[_Dependency]] = defaultdict(set)
        """Dependencies that lost their nearest asker, by the distance of their answer."""
        self._open: defaultdict[int, set[_Dependency]] = defaultdict(set)
        """Dependencies whose answer may come nearer, by the distance of the nearest asker."""
        self._versions: dict[str, bytes] = {}
        """The packed versions of names whose records were decoded."""

    def selection(self) -> Selection:
        new = [name for name, present in self._changed.items() if present]
        if any(name in self._absent for name in new):
            self._start_over()
        else:
            self._withdraw_changed()
            self._replace_changed()
            self._let_fall()
        for name in new:
            self._begin(name)
        self._spread()
        self._versions.clear()
        return Selection(self._take_choices(), dict(sorted(self._absent.items())))

    def _take_choices(self) -> dict[str, Choice]:
        """Return the choices. What they are made of is freed meanwhile: it is as large."""
        choices = {}
        while self._names:
            name, state = self._names.popitem()
            if state:
                choices[name] = state.choice()
        return choices

    def _name(self, name: str) -> _Name | None:
        if name not in self._names:
            choice = self._previous.choice(name)
            self._names[name] = _Name(choice) if choice else None
        return self._names[name]

    def _present(self, name: str) -> _Name:
        state = self._name(name)
        if state is None:
            raise LookupError(f"{name} has no records")
        return state

    def _start_over(self) -> None:
        """Forget all distances, because somebody may ask for a name that had no records."""
        self._absent = {}
        for name in self._previous.chosen_names():
            state = self._present(name)
            state.askers, state.distances = {}, {}
        for name, present in self._changed.items():
            self._names[name] = _Name() if present else None
        for name, unchanged in list(self._names.items()):
            if unchanged and name not in self._changed:
                candidates = self._candidates(name)
                for position in unchanged.newest:
                    self._select(unchanged, position, 0, candidates)

    def _withdraw_changed(self) -> None:
        for name in self._changed:
            if state := self._name(name):
                for position in list(state.distances):
                    self._withdraw(state, position)

    def _replace_changed(self) -> None:
        for name, present in self._changed.items():
            state = self._names[name]
            askers = state.askers if state else {}
            if present:
                self._names[name] = replacement = _Name()
                replacement.askers = askers
                continue
            self._names[name] = None
            if asking := sum(sum(each.values()) for each in askers.values()):
                self._absent[name] = asking

    def _withdraw(self, state: _Name, position: int) -> None:
        """Take back the dependencies of a record that is not selected any more."""
        distance = state.distances.pop(position)
        for name, spec in state.depends[position]:
            target = self._name(name)
            if target is None:
                self._absent[name] -= 1
                if not self._absent[name]:
                    del self._absent[name]
                continue
            askers = target.askers[spec]
            if askers[distance] > 1:
                askers[distance] -= 1
                continue
            del askers[distance]
            if not askers:
                del target.askers[spec]
            if not askers or min(askers) > distance:
                self._doubtful[distance + 1].add((name, spec))

    def _let_fall(self) -> None:
        """Unselect records that no nearer record asks for."""
        while self._doubtful:
            distance = min(self._doubtful)
            for name, spec in self._doubtful.pop(distance):
                state = self._names[name]
                if state is None or name in self._changed:
                    continue
                for position in state.answers[spec]:
                    if state.distances.get(position) == distance and not state.is_held(position):
                        self._withdraw(state, position)
                        for asked, askers in state.askers.items():
                            if position in state.answers[asked]:
                                self._open[min(askers)].add((name, asked))

    def _begin(self, name: str) -> None:
        """Select the newest records of a changed name."""
        state = self._present(name)
        candidates = self._candidates(name)
        state.newest = candidates.versions[0].answer
        for position in state.newest:
            self._select(state, position, 0, candidates)
        for spec, askers in state.askers.items():
            self._open[min(askers)].add((name, spec))

    def _spread(self) -> None:
        """Select the answers to open dependencies, nearest first."""
        while self._open:
            distance = min(self._open)
            by_name: dict[str, list[str]] = {}
            for name, spec in self._open.pop(distance):
                by_name.setdefault(name, []).append(spec)
            for name, specs in sorted(by_name.items()):
                # All at once, so that the records of a name are decoded once.
                self._answer(name, specs, distance + 1)

    def _answer(self, name: str, specs: Collection[str], distance: int) -> None:
        state = self._present(name)
        candidates = self._candidates(name)
        for spec in specs:
            if spec not in state.askers:
                continue
            nearest = min(state.askers[spec])
            if nearest >= distance:  # its nearest asker fell
                self._open[nearest].add((name, spec))
            if nearest != distance - 1:
                continue
            if spec not in state.answers:
                state.answers[spec] = best(spec, candidates)
            for position in state.answers[spec]:
                present = state.distances.get(position)
                if present is not None and present <= distance:
                    continue
                if present is not None:
                    self._withdraw(state, position)
                self._select(state, position, distance, candidates)

    def _select(self, state: _Name, position: int, distance: int, candidates: Candidates) -> None:
        """Select a record, and open its dependencies."""
        if position not in state.depends:
            state.depends[position] = depends_of(candidates, position)
        state.distances[position] = distance
        for target_name, spec in state.depends[position]:
            target = self._names.get(target_name) or self._name(target_name)
            if target is None:
                self._absent[target_name] = self._absent.get(target_name, 0) + 1
                continue
            askers = target.askers.setdefault(spec, {})
            if not askers or distance < min(askers):
                self._open[distance].add((target_name, spec))
            askers[distance] = askers.get(distance, 0) + 1

    def _candidates(self, name: str) -> Candidates:
        return Candidates(name, self._fragments, self._versions)

    def _fragments(self, name: str) -> list[bytes]:
        records = self._records(name)
        return [*records.packages, *records.packages_conda]
