"""Packages of schema version 3: validation, and their records under `v3` (CEP 43, 44, 45, 48).

Clients that know `v3` read requirements there in one form only, `name` or `name[field="..."]`.
Packages state requirements in any form, so they are converted when the index is built.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pulp_conda.formats.errors import InvalidDependency, InvalidField, TrustedText
from pulp_conda.formats.match_specs import check_specs, parse_spec
from pulp_conda.formats.parsers import attempt
from pulp_conda.formats.records import Record, is_v3

_SPECS: Final = ("depends", "constrains")
_GROUP: Final = re.compile(r"[a-z0-9_.+-]{1,64}")
_FLAG: Final = re.compile(r"[a-z0-9_]+(?::[a-z0-9_]+)?")

# The parts of py-rattler's canonical form. Values that contain quotes do not match.
_FORM: Final = re.compile(r"(?P<name>[a-z0-9._-]+)(?:\[(?P<fields>.+)\])?")
_FIELD: Final = re.compile(
    r"(?P<key>[a-z_0-9]+)="
    r"(?P<value>\"(?:[^\"'\\]|\\\")*\"|\[[^\[\]\"']*\])"
    r"(?:,|$)"
)
_FIELDS: Final = frozenset({"version", "build", "build_number", "extras", "flags", "when"})
_INNER_KEY: Final = re.compile(r"[\[,]\s*([a-z_0-9]+)=")
_EXACT_NUMBER: Final = re.compile(r'"==([0-9]+)"')


@dataclass(eq=False)
class UnservableDependency(InvalidDependency):
    """A dependency that no record under `v3` may have (CEP 48)."""

    code = "unservable-dependency"
    sentence = "in {member} the field {field} holds {spec}, which `v3` cannot hold: {reason}"


def check_fields(index: Mapping[str, Any], member: str) -> None:
    """Raise InvalidPackage if a field of schema version 3 in `index`, from `member`, is invalid.

    If `index` may only be served under `v3`, every requirement must have a form that is allowed
    there. Other requirements are not checked.
    """
    groups = index.get("extra_depends")
    if not isinstance(groups, dict | None):
        raise InvalidField(member, "extra_depends", TrustedText("it must be an object"))
    for group, specs in (groups or {}).items():
        if not _GROUP.fullmatch(group):
            rule = "a group has 1 to 64 lower-case letters, digits, '_', '.', '+' and '-'"
            raise InvalidField(member, "extra_depends", TrustedText(rule))
        check_specs(specs, "extra_depends", member)
    if not all(_FLAG.fullmatch(flag) for flag in index.get("flags") or ()):
        rule = "a flag has lower-case letters, digits, '_' and at most one ':' between them"
        raise InvalidField(member, "flags", TrustedText(rule))
    if is_v3(index):
        _check_requirements(index, member)


def v3_record(record: Record) -> Record:
    """Return the record as it is under `v3`: with every requirement in the one form.

    A record that has that form already does not change. A requirement without such a form does not
    change either. It was never checked: it is from another server's record, or from a record that a
    patch moved to `v3`.
    """
    return _with_specs(record, lambda spec, _field: served_spec(spec)[0] or spec)


def served_spec(spec: str) -> tuple[str, None] | tuple[None, str]:
    """Return the form of a requirement under `v3`, or the reason why it has none (CEP 48)."""
    parsed = parse_spec(spec)
    if parsed is None:
        return None, "it is not a MatchSpec with an exact name"
    canonical, fault = attempt(lambda _: parsed.to_canonical_string(), spec)
    if canonical is None:
        return None, str(fault)
    form = _FORM.fullmatch(canonical)
    if form is None:
        return None, "it cannot be written in brackets"
    if not form["fields"]:
        return form["name"], None
    return _served_fields(form["name"], form["fields"])


def _served_fields(name: str, fields: str) -> tuple[str, None] | tuple[None, str]:
    served: list[str] = []
    position = 0
    while position < len(fields):
        field = _FIELD.match(fields, position)
        if field is None:
            return None, "it has a value with quotes or backslashes in it"
        key, value = field["key"], field["value"]
        inner = _INNER_KEY.findall(value) if key == "when" else ()
        if wrong := next((key for key in (key, *inner) if key not in _FIELDS), None):
            return None, f"it selects by {wrong}, which is not allowed there"
        served.append(f"{key}={_served_value(key, value)}")
        position = field.end()
    return f"{name}[{','.join(served)}]", None


def _served_value(key: str, value: str) -> str:
    if key == "build_number":
        return _EXACT_NUMBER.sub(r"\1", value)
    # Not every client knows escapes. In a condition only these values have quotes.
    return value.replace('\\"', "'") if key == "when" else value


def _check_requirements(index: Mapping[str, Any], member: str) -> None:
    def check(spec: str, field: str) -> str:
        _, fault = served_spec(spec)
        if fault is not None:
            raise UnservableDependency(member, field, spec, TrustedText(fault))
        return spec

    _with_specs(index, check)


def _with_specs(record: Mapping[str, Any], change: Callable[[str, str], str]) -> Record:
    """Return a copy of `record` with `change(requirement, field)` for each requirement.

    Values that do not have the type of requirements do not change.
    """

    def changed_specs(specs: Any, field: str) -> Any:
        if not isinstance(specs, list):
            return specs
        return [change(spec, field) if isinstance(spec, str) else spec for spec in specs]

    changed = dict(record)
    for field in _SPECS:
        if changed.get(field):
            changed[field] = changed_specs(changed[field], field)
    groups = changed.get("extra_depends")
    if isinstance(groups, dict):
        changed["extra_depends"] = {
            group: changed_specs(specs, "extra_depends") for group, specs in groups.items()
        }
    return changed
