"""`info/run_exports.json`: requirements for packages that are built against a package (CEP 12)."""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import Any, Final

from pulp_conda.formats.errors import InvalidField, TrustedText
from pulp_conda.formats.json_documents import parse_json
from pulp_conda.formats.limits import Limits
from pulp_conda.formats.match_specs import check_specs

RunExports = dict[str, list[str]]

_MEMBER: Final = "info/run_exports.json"
_KINDS: Final = frozenset({"weak", "strong", "weak_constrains", "strong_constrains", "noarch"})


def parse_run_exports(data: bytes | None, limits: Limits) -> RunExports:
    """Return the run exports of a package, empty without the document.

    Deviations with only one possible meaning are accepted: a list or a string instead of the object
    is weak run exports, a string is a list of one, and null means none. Everything else is refused,
    because packages break without these requirements.

    Raises InvalidJson, InvalidField or InvalidDependency.
    """
    if data is None:
        return {}
    text = data.removeprefix(BOM_UTF8)
    found = parse_json(text, member=_MEMBER, max_depth=limits.json_depth)
    if not isinstance(found, dict):
        found = {"weak": found}
    # `schema_version` is not a kind. Both versions have the same kinds (CEP 34).
    kinds = {
        kind: [specs] if isinstance(specs, str) else specs
        for kind, specs in found.items()
        if kind != "schema_version" and specs is not None
    }
    return check_run_exports(kinds, _MEMBER)


def check_run_exports(found: dict[str, Any], member: str) -> RunExports:
    """Return `found`, the run exports in `member` by their kind, if they are valid.

    Raises InvalidField for an unknown kind or a value that is not a list, and InvalidDependency.
    """
    for kind, specs in found.items():
        if kind not in _KINDS:
            raise InvalidField(member, kind, TrustedText(f"known are {', '.join(sorted(_KINDS))}"))
        check_specs(specs, kind, member)
    return found
