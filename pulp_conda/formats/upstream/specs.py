"""MatchSpecs that select records of an upstream (CEP 29)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Final, NamedTuple

import rattler
from rattler import BuildString

from pulp_conda.formats.errors import TrustedText
from pulp_conda.formats.match_specs import parse_filter
from pulp_conda.formats.parsers import attempt

from .errors import UnusableFilter
from .records import MirroredRecord

_KEY: Final = re.compile(r"[\[,]([a-z0-9_]+)=")
_KNOWN_KEYS: Final = frozenset(
    {
        "build",
        "build_number",
        "flags",
        "license",
        "license_family",
        "md5",
        "sha256",
        "subdir",
        "version",
    }
)
"""Other keys (`channel`, `url`, `when`, ...) do not belong to a record. py-rattler ignores most of
them, and the spec would match everything."""


def filter_fault(text: str) -> str | None:
    """Return the reason for which a text cannot be a filter, None if it can."""
    try:
        _parsed(text)
    except UnusableFilter as error:
        return error.reason
    return None


class Candidate:
    """A record that specs are compared with."""

    def __init__(self, record: MirroredRecord) -> None:
        self._record = record

    @cached_property
    def package(self) -> rattler.PackageRecord | None:
        """The record for py-rattler, None if its version is not one. Making it takes 10 µs."""
        return attempt(_package, self._record)[0]


class Spec(NamedTuple):
    """A MatchSpec, and the part of it that only asks for a name."""

    whole: rattler.MatchSpec
    names: rattler.MatchSpec
    exact: str | None
    """The name in lower case, None for a pattern of names."""
    matches_all: bool
    """Whether it asks for a name only."""


class NamedSpecs(tuple[Spec, ...]):
    """The specs that can mean one name."""

    __slots__ = ()

    @property
    def all_match(self) -> bool:
        """Whether every record of the name matches one of them."""
        return any(spec.matches_all for spec in self)

    def match(self, candidate: Candidate) -> bool:
        """Return whether a record of the name matches one of them.

        A record whose version is not one only matches specs that ask for nothing but a name.
        """
        if not self or self.all_match:
            return bool(self)
        package = candidate.package
        return package is not None and any(
            spec.whole.matches(package)
            # py-rattler does not compare the subdir.
            and spec.whole.subdir in (None, package.subdir)
            for spec in self
        )


class SpecSet:
    """Specs by the names that they can mean."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Parse the specs. Raises UnusableFilter for the first text that cannot be a filter."""
        self._exact: dict[str, list[Spec]] = {}
        self._patterns: list[Spec] = []
        for text in texts:
            spec = _parsed(text)
            if spec.exact is None:
                self._patterns.append(spec)
            else:
                self._exact.setdefault(spec.exact, []).append(spec)

    def __bool__(self) -> bool:
        return bool(self._exact or self._patterns)

    def of(self, name: str) -> NamedSpecs:
        """Return the specs that can mean a name. With patterns this takes 10 µs."""
        found = self._exact.get(name.lower(), [])
        if self._patterns:
            package = attempt(_named, name)[0]
            if package is not None:
                found = [*found, *(s for s in self._patterns if s.names.matches(package))]
        return NamedSpecs(found)


def _parsed(text: str) -> Spec:
    whole, fault = parse_filter(text)
    if whole is None:
        raise UnusableFilter(text, TrustedText(fault))
    name = whole.name
    canonical, fault = attempt(lambda _: whole.to_canonical_string(), text)
    if name is None or canonical is None:
        raise UnusableFilter(text, TrustedText(fault or "it has no name"))
    if foreign := set(_KEY.findall(canonical)) - _KNOWN_KEYS:
        reason = f"it asks for {min(foreign)}, which is not part of a record"
        raise UnusableFilter(text, TrustedText(reason))
    names, fault = parse_filter(name.normalized)
    if names is None:
        raise UnusableFilter(text, TrustedText(fault))
    exact = name.as_package_name()
    return Spec(whole, names, exact.normalized if exact else None, canonical == name.normalized)


def _named(name: str) -> rattler.PackageRecord:
    return rattler.PackageRecord(name, "0", BuildString.new_unchecked("0"), 0, "noarch")


def _package(record: MirroredRecord) -> rattler.PackageRecord:
    family, flags = record.record.get("license_family"), record.record.get("flags")
    return rattler.PackageRecord(
        record.name,
        record.version,
        BuildString.new_unchecked(record.build),
        record.build_number,
        record.subdir,
        license=record.license or None,
        license_family=family if isinstance(family, str) else None,
        flags=[each for each in flags if isinstance(each, str)]
        if isinstance(flags, list)
        else None,
        md5=bytes.fromhex(record.md5) if record.md5 else None,
        sha256=bytes.fromhex(record.sha256) if record.sha256 else None,
    )
