"""The records of one name: the candidates of a solver."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from typing import Any, Final, NamedTuple

import msgspec
import rattler
from rattler.package import BuildString

from pulp_conda.formats.match_specs import parse_spec, plain_spec, version_spec
from pulp_conda.formats.parsers import attempt
from pulp_conda.formats.version_order import parsed_version, version_ranks

Positions = tuple[int, ...]
"""Some of the records of a name: their indices among its fragments, in order."""


class Facts(msgspec.Struct):
    """The fields of a record that decide which dependencies it satisfies."""

    version: str
    subdir: str = ""
    build: str = ""
    build_number: int = 0
    track_features: str | list[str] | None = None
    features: str | list[str] | None = None
    license: str | None = None
    md5: str | None = None
    sha256: str | None = None


class Requirement(NamedTuple):
    """A dependency."""

    name: str
    allowed: rattler.VersionSpec | rattler.MatchSpec
    """The versions that it allows, or a spec if it asks for more."""

    @classmethod
    def parse(cls, text: str) -> Requirement | None:
        """Return the dependency that a text states, None if it is not a MatchSpec."""
        if plain := plain_spec(text):
            return cls(plain.name, rattler.VersionSpec(plain.versions))
        if spec := parse_spec(text):
            return cls(spec.name.normalized, version_spec(text, spec) or spec)
        return None


class Version(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The records of a name that have a version."""

    texts: tuple[str, ...]
    """Different texts can be equal versions."""
    positions: Positions
    answer: Positions
    """What a dependency selects that it satisfies best: all builds, and one without features if any
    has some."""


class _Dependent(msgspec.Struct):
    depends: list[str] = []


_FACTS: Final = msgspec.json.Decoder(dict[str, Facts])
_DEPENDENT: Final = msgspec.json.Decoder(dict[str, _Dependent])
_VERSIONS: Final = msgspec.msgpack.Decoder(tuple[Version, ...])


class Candidates:
    """The records of a name, decoded as far as they are needed."""

    def __init__(
        self,
        name: str,
        load: Callable[[str], Sequence[bytes]],
        packed_versions: dict[str, bytes],
    ) -> None:
        """Take the versions of the name from `packed_versions`, or add them.

        Packed they need less memory, and less time, than the records. `load` returns the fragments
        `"file name":record` of a name.
        """
        self._name = name
        self._load = load
        self._packed = packed_versions
        self._packages: dict[int, rattler.PackageRecord | None] = {}
        """Those that some dependency asks for, because making one takes longer than the rest."""

    @cached_property
    def versions(self) -> tuple[Version, ...]:
        """The versions, newest first. Texts that are not versions come last, as one."""
        if packed := self._packed.get(self._name):
            return _VERSIONS.decode(packed)
        versions = _versions(self._records)
        self._packed[self._name] = msgspec.msgpack.encode(versions)
        return versions

    def best(self, requirement: Requirement) -> Positions:
        """Return the positions that a dependency selects, none if no record satisfies it.

        The channel of its spec does not matter.
        """
        allowed = requirement.allowed
        if isinstance(allowed, rattler.VersionSpec):
            return self._best_version(allowed)
        for version in self.versions:
            if any(self._matches(position, allowed) for position in version.positions):
                return version.answer
        return ()

    def _best_version(self, allowed: rattler.VersionSpec) -> Positions:
        for version in self.versions:
            for text in version.texts:
                parsed = parsed_version(text)
                if parsed is not None and allowed.matches(parsed):
                    return version.answer
        return ()

    def depends(self, position: int) -> list[str]:
        """Return the dependencies of a record."""
        record = b"{" + self._fragments[position] + b"}"
        try:
            (dependent,) = _DEPENDENT.decode(record).values()
        except msgspec.ValidationError:
            # A record that came from another server was not validated.
            (odd,) = msgspec.json.decode(record).values()
            texts = odd["depends"] if isinstance(odd["depends"], list) else []
            return [text for text in texts if isinstance(text, str)]
        return dependent.depends

    def _matches(self, position: int, spec: rattler.MatchSpec) -> bool:
        if position not in self._packages:
            facts = self._facts[position]
            self._packages[position], _ = attempt(partial(_package_record, self._name), facts)
        package = self._packages[position]
        return package is not None and spec.matches(package)

    @cached_property
    def _facts(self) -> list[Facts]:
        return list(self._records.values())

    @cached_property
    def _records(self) -> dict[str, Facts]:
        return _decoded(b"{" + b",".join(self._fragments) + b"}")

    @cached_property
    def _fragments(self) -> Sequence[bytes]:
        return self._load(self._name)


def _package_record(name: str, facts: Facts) -> rattler.PackageRecord:
    return rattler.PackageRecord(
        name,
        facts.version,
        BuildString.new_unchecked(facts.build),
        facts.build_number,
        facts.subdir,
        license=facts.license,
        md5=bytes.fromhex(facts.md5) if facts.md5 else None,
        sha256=bytes.fromhex(facts.sha256) if facts.sha256 else None,
    )


def _versions(records: Mapping[str, Facts]) -> tuple[Version, ...]:
    """Return the versions of records by file name, newest first."""
    ranks = version_ranks({facts.version for facts in records.values()})
    texts: dict[int, list[str]] = {}
    for text, rank in ranks.items():
        texts.setdefault(rank, []).append(text)
    positions: dict[int, list[int]] = {}
    featured: set[int] = set()
    for position, facts in enumerate(records.values()):
        positions.setdefault(ranks[facts.version], []).append(position)
        if facts.track_features or facts.features:
            featured.add(position)
    without = _newest_without_features(records, ranks) if featured else ()
    return tuple(
        Version(
            tuple(texts[rank]),
            found := tuple(positions[rank]),
            found if featured.isdisjoint(found) else tuple(sorted({*found, *without})),
        )
        for rank in sorted(texts, reverse=True)
    )


def _newest_without_features(records: Mapping[str, Facts], ranks: Mapping[str, int]) -> Positions:
    """Return the position of the newest record without features, by version, build and name."""
    keys = (
        (ranks[facts.version], facts.build_number, filename, position)
        for position, (filename, facts) in enumerate(records.items())
        if not (facts.track_features or facts.features)
    )
    newest = max(keys, default=None)
    return () if newest is None else (newest[-1],)


def _decoded(records: bytes) -> dict[str, Facts]:
    try:
        return _FACTS.decode(records)
    except msgspec.ValidationError:
        # A record of another server may have fields of any type. The other records of the name
        # must still be published.
        found: dict[str, dict[str, object]] = msgspec.json.decode(records)
        return {filename: _lenient_facts(record) for filename, record in found.items()}


def _lenient_facts(record: dict[str, object]) -> Facts:
    """Return the facts of a record that have the right type. Without a version it ranks lowest."""
    facts: dict[str, Any] = {"version": ""}
    for field in msgspec.structs.fields(Facts):
        if field.name in record:
            with suppress(msgspec.ValidationError):
                facts[field.name] = msgspec.convert(record[field.name], field.type)
    return Facts(**facts)
