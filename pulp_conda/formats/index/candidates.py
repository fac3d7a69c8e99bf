"""The packages of one name, newest first, to be chosen from as clients would choose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import rattler
from rattler.package import BuildString

from pulp_conda.formats.parsers import attempt
from pulp_conda.formats.version_order import version_ranks


class Facts(msgspec.Struct):
    """What a choice looks at in a record."""

    version: str
    subdir: str = ""
    build: str = ""
    build_number: int = 0
    depends: msgspec.Raw = msgspec.Raw(b"null")
    """Decoded only of what is chosen."""
    track_features: str | list[str] | None = None
    features: str | list[str] | None = None
    license: str | None = None
    md5: str | None = None
    sha256: str | None = None


_DECODER = msgspec.json.Decoder(dict[str, Facts])


@dataclass(frozen=True)
class Candidate:
    """A record that may be chosen."""

    name: str
    facts: Facts
    position: int
    """Its place among the pieces."""
    version_rank: int
    """The higher the newer; equal for equal versions, lowest for those that are none."""

    @property
    def depends(self) -> list[str]:
        """The requirements that the record states."""
        found = msgspec.json.decode(self.facts.depends)
        # A record that was never an upload may hold anything.
        texts = found if isinstance(found, list) else []
        return [text for text in texts if isinstance(text, str)]

    @property
    def has_features(self) -> bool:
        """Tell whether it takes part in features, which solvers shun."""
        return bool(self.facts.track_features or self.facts.features)

    def satisfies(self, spec: rattler.MatchSpec) -> bool:
        """Tell whether the spec asks for such a package, in whichever channel."""
        return self._package is not None and spec.matches(self._package)

    @cached_property
    def _package(self) -> rattler.PackageRecord | None:
        # Made only for names that something depends on: it costs more than the rest.
        return attempt(_package_record, self)[0]


def _package_record(candidate: Candidate) -> rattler.PackageRecord:
    facts = candidate.facts
    return rattler.PackageRecord(
        candidate.name,
        facts.version,
        BuildString.new_unchecked(facts.build),
        facts.build_number,
        facts.subdir,
        license=facts.license,
        md5=bytes.fromhex(facts.md5) if facts.md5 else None,
        sha256=bytes.fromhex(facts.sha256) if facts.sha256 else None,
    )


class Candidates:
    """The records of a name, newest first: by version, build number and file name.

    They are looked at one after the other, mostly only the first few, and made when they are.
    """

    def __init__(
        self, name: str, pieces: Sequence[bytes], ranks: Mapping[str, int] | None = None
    ) -> None:
        """Take pieces `"file name":record`; `ranks` are those of an earlier look, if any."""
        records = _facts(b"{" + b",".join(pieces) + b"}")
        self._name = name
        self._facts = list(records.values())
        self._made: dict[int, Candidate] = {}
        self.ranks = ranks or version_ranks({facts.version for facts in self._facts})
        """Of each version: the higher the newer."""
        self._order = [
            (self.ranks[facts.version], facts.build_number, filename, position)
            for position, (filename, facts) in enumerate(records.items())
        ]
        self._order.sort(reverse=True)

    def __iter__(self) -> Iterator[Candidate]:
        for rank, _, _, position in self._order:
            yield self._candidate(position, rank)

    def of_version(self, rank: int) -> list[Candidate]:
        """Return the candidates whose version has a rank."""
        return [self._candidate(at, found) for found, _, _, at in self._order if found == rank]

    def _candidate(self, position: int, rank: int) -> Candidate:
        if position not in self._made:
            facts = self._facts[position]
            facts.depends = facts.depends.copy()  # lest it keep the text of all records
            self._made[position] = Candidate(self._name, facts, position, rank)
        return self._made[position]


def _facts(records: bytes) -> dict[str, Facts]:
    try:
        return _DECODER.decode(records)
    except msgspec.ValidationError:
        # Nobody checked the types in another server's records, and one of them must not keep all
        # others from being published.
        found: dict[str, dict[str, object]] = msgspec.json.decode(records)
        return {filename: _understood(record) for filename, record in found.items()}


def _understood(record: dict[str, object]) -> Facts:
    """Return the facts of a record whose types are right; without a version it is the oldest."""
    depends = msgspec.Raw(msgspec.json.encode(record.pop("depends", None)))
    facts: dict[str, Any] = {"version": "", "depends": depends}
    for field in msgspec.structs.fields(Facts):
        if field.name in record:
            with suppress(msgspec.ValidationError):
                facts[field.name] = msgspec.convert(record[field.name], field.type)
    return Facts(**facts)
