"""`info/run_exports.json`: what a package adds to the requirements of its dependants (CEP 12)."""

from __future__ import annotations

from typing import Any, Final

from pulp_conda.formats.errors import InvalidField, Phrase
from pulp_conda.formats.json_documents import parse_json
from pulp_conda.formats.limits import Limits

RunExports = dict[str, list[str]]

_MEMBER: Final = "info/run_exports.json"
_KINDS: Final = frozenset({"weak", "strong", "weak_constrains", "strong_constrains", "noarch"})


def parse_run_exports(data: bytes | None, limits: Limits) -> RunExports:
    """Return the run exports of a package, empty without the document.

    A bare list means weak ones. Raises InvalidJson or InvalidField.
    """
    if data is None:
        return {}
    found = parse_json(data, member=_MEMBER, max_depth=limits.json_depth)
    if isinstance(found, list):
        found = {"weak": found}
    if not isinstance(found, dict):
        raise InvalidField(_MEMBER, "run_exports", Phrase("it must be an object or a list"))
    return {kind: _specs(kind, specs) for kind, specs in found.items()}


def _specs(kind: str, specs: Any) -> list[str]:
    if kind not in _KINDS:
        raise InvalidField(_MEMBER, kind, Phrase(f"known are {', '.join(sorted(_KINDS))}"))
    if not isinstance(specs, list) or not all(isinstance(spec, str) for spec in specs):
        raise InvalidField(_MEMBER, kind, Phrase("it must be a list of strings"))
    return specs
