"""The records of one name, newest first: the candidates of a solver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import rattler
from rattler.package import BuildString

from pulp_conda.formats.match_specs import parse_spec, version_spec
from pulp_conda.formats.parsers import attempt
from pulp_conda.formats.version_order import parsed_version, version_ranks


class Facts(msgspec.Struct):
    """The fields of a record that a choice depends on."""

    version: str
    subdir: str = ""
    build: str = ""
    build_number: int = 0
    depends: msgspec.Raw = msgspec.Raw(b"null")
    """Decoded only for records that are chosen."""
    track_features: str | list[str] | None = None
    features: str | list[str] | None = None
    license: str | None = None
    md5: str | None = None
    sha256: str | None = None


class Requirement:
    """A dependency."""

    def __init__(self, text: str, spec: rattler.MatchSpec) -> None:
        self.spec = spec
        self._text = text

    @classmethod
    def parse(cls, text: str) -> Requirement | None:
        """Return the dependency that a text states, None if it is not a MatchSpec."""
        spec = parse_spec(text)
        return cls(text, spec) if spec else None

    @cached_property
    def versions(self) -> rattler.VersionSpec | None:
        """The versions that it allows, if it asks for nothing else."""
        return version_spec(self._text, self.spec)


_DECODER = msgspec.json.Decoder(dict[str, Facts])


@dataclass(frozen=True)
class Candidate:
    """A record, and its rank among the records of its name."""

    name: str
    facts: Facts
    position: int
    """Its index among the fragments of the name."""
    version_rank: int
    """Higher is newer. Equal versions have equal ranks; an invalid version has the lowest."""

    @property
    def depends(self) -> list[str]:
        """The dependencies of the record."""
        found = msgspec.json.decode(self.facts.depends)
        # A record that came from another server was not validated.
        texts = found if isinstance(found, list) else []
        return [text for text in texts if isinstance(text, str)]

    @property
    def has_features(self) -> bool:
        """Whether it has or tracks features, which solvers avoid."""
        return bool(self.facts.track_features or self.facts.features)

    def satisfies(self, requirement: Requirement) -> bool:
        """Return whether the package matches. The channel of the spec does not matter."""
        if requirement.versions:
            version = parsed_version(self.facts.version)
            return version is not None and requirement.versions.matches(version)
        return self._package is not None and requirement.spec.matches(self._package)

    @cached_property
    def _package(self) -> rattler.PackageRecord | None:
        # Created only if some dependency asks for it, because it takes longer than the rest.
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

    Mostly only the first few are used, so each candidate is created when it is reached.
    """

    def __init__(
        self, name: str, fragments: Sequence[bytes], ranks: Mapping[str, int] | None = None
    ) -> None:
        """Take fragments `"file name":record`, and their version ranks if these are known."""
        records = _facts(b"{" + b",".join(fragments) + b"}")
        self._name = name
        self._facts = list(records.values())
        self._created: dict[int, Candidate] = {}
        self.ranks = ranks or version_ranks({facts.version for facts in self._facts})
        """The rank of each version; higher is newer."""
        self._order = [
            (self.ranks[facts.version], facts.build_number, filename, position)
            for position, (filename, facts) in enumerate(records.items())
        ]
        self._order.sort(reverse=True)

    def __iter__(self) -> Iterator[Candidate]:
        for rank, _, _, position in self._order:
            yield self._candidate(position, rank)

    def of_version(self, rank: int) -> list[Candidate]:
        """Return the candidates whose version has the given rank."""
        return [self._candidate(at, found) for found, _, _, at in self._order if found == rank]

    def _candidate(self, position: int, rank: int) -> Candidate:
        if position not in self._created:
            facts = self._facts[position]
            facts.depends = (
                facts.depends.copy()
            )  # or it would keep the text of all records in memory
            self._created[position] = Candidate(self._name, facts, position, rank)
        return self._created[position]


def _facts(records: bytes) -> dict[str, Facts]:
    try:
        return _DECODER.decode(records)
    except msgspec.ValidationError:
        # A record of another server may have fields of any type. The other records of the name
        # must still be published.
        found: dict[str, dict[str, object]] = msgspec.json.decode(records)
        return {filename: _lenient_facts(record) for filename, record in found.items()}


def _lenient_facts(record: dict[str, object]) -> Facts:
    """Return the facts of a record that have the right type. Without a version it ranks lowest."""
    depends = msgspec.Raw(msgspec.json.encode(record.pop("depends", None)))
    facts: dict[str, Any] = {"version": "", "depends": depends}
    for field in msgspec.structs.fields(Facts):
        if field.name in record:
            with suppress(msgspec.ValidationError):
                facts[field.name] = msgspec.convert(record[field.name], field.type)
    return Facts(**facts)
