"""`info/index.json`: what a package says that it is, and whether it may (CEP 34)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

import rattler

from pulp_conda.formats.errors import InvalidDependency, InvalidField, Phrase
from pulp_conda.formats.identifiers import check_build, check_name, check_subdir, check_version
from pulp_conda.formats.records import is_v3

_MEMBER: Final = "info/index.json"
_IDENTITY: Final = {
    "name": check_name,
    "version": check_version,
    "build": check_build,
    "subdir": check_subdir,
}
_SPECS: Final = ("depends", "constrains")
_TEXTS: Final = ("arch", "platform", "license", "license_family", "python_site_packages_path")
_FEATURES: Final = ("track_features", "features")

_MAX_NUMBER: Final = 2**63 - 1
_MILLISECONDS_FROM: Final = 10**12
"""Timestamps below are seconds: as milliseconds they would lie before 2001, conda's birth."""
_CLOCK_SKEW_S: Final = 24 * 3600


def check_index(index: dict[str, Any], now: float) -> dict[str, Any]:
    """Return an `info/index.json` that may be uploaded, unchanged.

    `now`, in seconds since the epoch, bounds its timestamp.

    Raises:
        InvalidIdentifier: name, version, build or subdir break their grammar.
        InvalidField: a field is missing or has a value that it may not have.
        InvalidDependency: a requirement is no MatchSpec.
    """
    for field, check in _IDENTITY.items():
        if field not in index:
            raise _refusal(field, "it is missing")
        check(_text(index, field))
    _check_build_number(index)
    _check_noarch(index)
    _check_timestamp(index, now)
    for field in _TEXTS:
        if index.get(field) is not None:
            _text(index, field)
    _check_site_packages(index)
    for field in _FEATURES:
        _check_features(index, field)
    for field in _SPECS:
        _check_specs(index, field)
    if is_v3(index):
        raise _refusal("schema_version", "packages of the schema version 3 are not served yet")
    return index


def _refusal(field: str, reason: str) -> InvalidField:
    return InvalidField(_MEMBER, field, Phrase(reason))


def _text(index: Mapping[str, Any], field: str) -> str:
    value = index[field]
    if not isinstance(value, str):
        raise _refusal(field, "it must be a string")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_build_number(index: Mapping[str, Any]) -> None:
    if "build_number" not in index:
        raise _refusal("build_number", "it is missing")
    number = index["build_number"]
    if not _is_number(number) or not 0 <= number <= _MAX_NUMBER:
        raise _refusal("build_number", "it must be an integer from 0 to 2^63-1")


def _check_noarch(index: Mapping[str, Any]) -> None:
    noarch = index.get("noarch")
    if noarch in (None, False, ""):
        return
    if noarch is not True and noarch not in ("generic", "python"):
        raise _refusal("noarch", "it must be 'generic' or 'python'")
    if index["subdir"] != "noarch":
        raise _refusal("subdir", "it must be 'noarch' for a noarch package")


def _check_timestamp(index: Mapping[str, Any], now: float) -> None:
    timestamp = index.get("timestamp")
    if timestamp is None:
        return
    if not isinstance(timestamp, int | float) or isinstance(timestamp, bool) or timestamp < 0:
        raise _refusal("timestamp", "it must be a number of milliseconds")
    seconds = timestamp / 1000 if timestamp >= _MILLISECONDS_FROM else timestamp
    if seconds > now + _CLOCK_SKEW_S:
        raise _refusal("timestamp", "it lies in the future")


def _check_site_packages(index: Mapping[str, Any]) -> None:
    path = PurePosixPath(index.get("python_site_packages_path") or "")
    if path.is_absolute() or ".." in path.parts:
        raise _refusal("python_site_packages_path", "it must stay inside the environment")


def _check_features(index: Mapping[str, Any], field: str) -> None:
    value = index.get(field)
    names = value if isinstance(value, list) else [value or ""]
    if not all(isinstance(name, str) for name in names):
        raise _refusal(field, "it must be a string or a list of strings")


def _check_specs(index: Mapping[str, Any], field: str) -> None:
    specs = index.get(field)
    if specs is None:
        return
    if not isinstance(specs, list) or not all(isinstance(spec, str) for spec in specs):
        raise _refusal(field, "it must be a list of strings")
    for spec in specs:
        try:
            rattler.MatchSpec(spec, strict=False)
        except Exception as error:
            raise InvalidDependency(_MEMBER, field, spec, Phrase(error)) from error
