"""Validation of MatchSpecs, the strings that state requirements (CEP 29)."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

import rattler

from pulp_conda.formats.errors import InvalidDependency, InvalidField, TrustedText
from pulp_conda.formats.parsers import attempt

MAX_CHARACTERS: Final = 1024
"""The longest of 18,978 real ones has 120. The parser's time is quadratic: 200 kB take 6 s."""

MAX_BRACKETS: Final = 32
"""The parser is recursive: some thousand brackets overflow the stack, and end the process with a
signal that cannot be caught. Real ones have two."""

_CACHED: Final = 4096
"""The patches of a channel repeat a few requirements some hundred thousand times, and parsing these
was half of the time."""

_NUMBERS: Final = r"[0-9]{1,9}(?:\.[0-9]{1,9})*"
_BOUND: Final = rf"(?:[<>]=?|[!=]=){_NUMBERS}(?:a0)?"
_PLAIN: Final = re.compile(
    rf"([a-z0-9_][a-z0-9_-]*)(?: ({_NUMBERS}(?:\.\*)?|{_BOUND}(?:,{_BOUND})*))?"
)
"""The commonest forms of specs: `name`, `name 1.2`, `name 1.2.*` and `name >=1.2,<2.0a0`."""


def check_specs(specs: Any, field: str, member: str) -> list[str]:
    """Return ``specs``, found in ``field`` of ``member``, if clients can parse all of them.

    Parsing is as lenient as that of clients. Raises InvalidField if it is not a list of strings,
    and InvalidDependency for the first string that is not a MatchSpec.
    """
    if not isinstance(specs, list) or not all(isinstance(spec, str) for spec in specs):
        raise InvalidField(member, field, TrustedText("it must be a list of strings"))
    for spec in specs:
        fault = _fault(spec)
        if fault is not None:
            raise InvalidDependency(member, field, spec, TrustedText(fault))
    return specs


@lru_cache(maxsize=_CACHED)
def _fault(spec: str) -> str | None:
    return _attempt(spec)[1]


def parse_spec(spec: str) -> rattler.MatchSpec | None:
    """Return the MatchSpec of a text that may not have been checked, None if it is not one."""
    return _attempt(spec)[0]


def parse_filter(spec: str) -> tuple[rattler.MatchSpec, None] | tuple[None, str]:
    """Return the MatchSpec of a text, or the reason why it is not one.

    Its name may be a glob such as `*cuda*`, or a regular expression between `^` and `$`.
    """
    return _attempt(spec, exact_names_only=False)


def version_spec(text: str, spec: rattler.MatchSpec) -> rattler.VersionSpec | None:
    """Return the versions that a spec allows, None if it asks for more than a name and a version.

    Matching a version takes half a microsecond, and making a package for a spec 40.
    """
    asks_more = (spec.build, spec.build_number, spec.subdir)
    if "[" in text or any(each is not None for each in asks_more):
        return None
    return attempt(rattler.VersionSpec, spec.version or "*")[0]


class PlainSpec(NamedTuple):
    """A MatchSpec that asks for nothing else than a name and versions."""

    name: str
    versions: str


def plain_spec(text: str) -> PlainSpec | None:
    """Return a spec that has one of the commonest forms, None if it has another or is invalid.

    Four fifths of 244,979 real dependencies have such a form. Parsing them takes four times as
    long as this.
    """
    found = _PLAIN.fullmatch(text) if len(text) <= MAX_CHARACTERS else None
    return PlainSpec(found[1], found[2] or "*") if found else None


def _attempt(
    spec: str, *, exact_names_only: bool = True
) -> tuple[rattler.MatchSpec, None] | tuple[None, str]:
    if len(spec) > MAX_CHARACTERS:
        return None, f"it has more than {MAX_CHARACTERS:,} characters"
    if sum(map(spec.count, "([{")) > MAX_BRACKETS:
        return None, f"it has more than {MAX_BRACKETS} brackets"
    return attempt(partial(rattler.MatchSpec, exact_names_only=exact_names_only), spec)
