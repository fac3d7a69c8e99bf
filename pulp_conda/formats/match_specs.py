"""MatchSpecs, the strings that state requirements (CEP 29), as uploads may hold them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import rattler

from pulp_conda.formats.errors import InvalidDependency, InvalidField, TrustedText
from pulp_conda.formats.parsers import attempt

MAX_CHARACTERS: Final = 1024
"""The longest of 18,978 real ones has 120; the parser's time is quadratic (200 kB take 6 s)."""

MAX_BRACKETS: Final = 32
"""The parser calls itself at each bracket: some thousands overflow the stack and end the process
with a signal, which nothing can catch. Real ones have two."""

_REMEMBERED: Final = 4096
"""Patches of a channel repeat few requirements some hundred thousand times: half their time."""


def check_specs(specs: Any, field: str, member: str) -> list[str]:
    """Return ``specs``, found in ``field`` of ``member``, if clients can parse all of them.

    The reading is as lenient as the clients'. Raises InvalidField when it is no list of strings
    and InvalidDependency for the first that is no MatchSpec.
    """
    if not isinstance(specs, list) or not all(isinstance(spec, str) for spec in specs):
        raise InvalidField(member, field, TrustedText("it must be a list of strings"))
    for spec in specs:
        fault = _fault(spec)
        if fault is not None:
            raise InvalidDependency(member, field, spec, TrustedText(fault))
    return specs


@lru_cache(maxsize=_REMEMBERED)
def _fault(spec: str) -> str | None:
    return _attempt(spec)[1]


def parse_spec(spec: str) -> rattler.MatchSpec | None:
    """Return the MatchSpec of a text that may never have been checked, None when it is none."""
    return _attempt(spec)[0]


def _attempt(spec: str) -> tuple[rattler.MatchSpec, None] | tuple[None, str]:
    if len(spec) > MAX_CHARACTERS:
        return None, f"it has more than {MAX_CHARACTERS:,} characters"
    if sum(map(spec.count, "([{")) > MAX_BRACKETS:
        return None, f"it has more than {MAX_BRACKETS} brackets"
    return attempt(rattler.MatchSpec, spec)
