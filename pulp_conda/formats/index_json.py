"""Validation of `info/index.json`, the metadata of a package (CEP 34)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pulp_conda.formats import v3
from pulp_conda.formats.errors import InvalidField, TrustedText
from pulp_conda.formats.file_names import climbs, is_absolute
from pulp_conda.formats.identifiers import check_build, check_name, check_subdir, check_version
from pulp_conda.formats.match_specs import check_specs
from pulp_conda.formats.plain_text import is_plain

_MEMBER: Final = "info/index.json"
_IDENTITY: Final = {
    "name": check_name,
    "version": check_version,
    "build": check_build,
    "subdir": check_subdir,
}
# The architectures that conda writes differently in a subdir.
_ARCHITECTURES: Final = {"x86": "32", "x86_64": "64"}
_SPECS: Final = ("depends", "constrains")
_LISTS: Final = ("flags", "purls")
_TEXTS: Final = (
    "arch",
    "features",
    "license",
    "license_family",
    "platform",
    "python_site_packages_path",
)

# The package URLs that every client can read. For any other one, rattler refuses a whole channel.
_VALUE = r"[A-Za-z0-9._/:-]+"
_PURL: Final = re.compile(
    r"pkg:[a-z][a-z0-9.-]*"
    r"(?:/(?:[A-Za-z0-9_]|%40)(?:[A-Za-z0-9._~-]|%2B)*)+"
    r"(?:@[A-Za-z0-9][A-Za-z0-9._+!-]*)?"
    rf"(?:\?[a-z][a-z0-9_]*={_VALUE}(?:&[a-z][a-z0-9_]*={_VALUE})*)?"
    r"(?:#[A-Za-z0-9_][A-Za-z0-9._/-]*)?"
)

_MAX_NUMBER: Final = 2**63 - 1
_MAX_SCHEMA_VERSION: Final = 3
_MILLISECONDS_FROM: Final = 10**12
"""Smaller timestamps are seconds: as milliseconds they would be before 2001, and conda is newer."""
_CLOCK_SKEW_S: Final = 24 * 3600


def check_index(
    index: Mapping[str, Any], now: float, claimed_subdir: str | None = None
) -> dict[str, Any]:
    """Return a valid `info/index.json`, completed.

    An absent `build_number` is 0. An absent `subdir` is `claimed_subdir`, which the URL of an
    upload may contain, or else follows from `platform` and `arch`. The timestamp must not be later
    than `now`, in seconds since the epoch.

    Raises:
        InvalidIdentifier: name, version, build or subdir do not follow their grammar.
        InvalidField: a field is missing or has a value that is not allowed.
        InvalidDependency: a requirement is not a MatchSpec, or not one that an index may have.
    """
    completed = {"build_number": 0, **index}
    if completed.get("subdir") is None:
        completed["subdir"] = claimed_subdir or _subdir_of(index)
    for field, check in _IDENTITY.items():
        if field not in completed:
            raise _refusal(field, "it is missing")
        check(_text(completed, field))
    check_fields(completed, now)
    return completed


def _subdir_of(index: Mapping[str, Any]) -> str:
    """Return the subdir of a package that does not name it. conda-build did not before 2016."""
    platform, arch = index.get("platform"), index.get("arch")
    if isinstance(platform, str) and isinstance(arch, str):
        return f"{platform}-{_ARCHITECTURES.get(arch, arch)}"
    if index.get("noarch"):
        return "noarch"
    raise _refusal("subdir", "it is missing; neither the URL nor 'platform' and 'arch' say it")


def check_fields(index: Mapping[str, Any], now: float) -> None:
    """Raise InvalidPackage for the first field with a value that no record may have.

    All fields but `subdir` may be absent. Fields that records can lack may be null.
    """
    _check_build_number(index)
    _check_schema_version(index)
    _check_noarch(index)
    _check_timestamp(index, now)
    for field in _TEXTS:
        if index.get(field) is not None:
            _text(index, field)
    _check_site_packages(index)
    _check_track_features(index)
    for field in _LISTS:
        _check_strings(index, field)
    if not all(_PURL.fullmatch(purl) for purl in index.get("purls") or ()):
        raise _refusal("purls", "it must list package URLs such as pkg:pypi/numpy@2.0")
    for field in _SPECS:
        if index.get(field) is not None:
            check_specs(index[field], field, _MEMBER)
    v3.check_fields(index, _MEMBER)


def _refusal(field: str, reason: str) -> InvalidField:
    return InvalidField(_MEMBER, field, TrustedText(reason))


def _text(index: Mapping[str, Any], field: str) -> str:
    value = index[field]
    if not isinstance(value, str):
        raise _refusal(field, "it must be a string")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_build_number(index: Mapping[str, Any]) -> None:
    number = index.get("build_number", 0)
    if not _is_number(number) or not 0 <= number <= _MAX_NUMBER:
        raise _refusal("build_number", "it must be an integer from 0 to 2^63-1")


def _check_schema_version(index: Mapping[str, Any]) -> None:
    version = index.get("schema_version")
    if version is not None and not (_is_number(version) and 0 <= version <= _MAX_SCHEMA_VERSION):
        raise _refusal("schema_version", f"known are the integers up to {_MAX_SCHEMA_VERSION}")


def _check_noarch(index: Mapping[str, Any]) -> None:
    noarch = index.get("noarch")
    if noarch in (None, False, ""):
        return
    if noarch is not True and noarch not in ("generic", "python"):
        raise _refusal("noarch", "it must be 'generic' or 'python'")
    # Packages for Python's stable ABI are `noarch: python` and still for one platform (CEP 20).
    if noarch != "python" and index["subdir"] != "noarch":
        raise _refusal("subdir", "it must be 'noarch' for a generic noarch package")


def _check_timestamp(index: Mapping[str, Any], now: float) -> None:
    timestamp = index.get("timestamp")
    if timestamp is None:
        return
    # Clients in Python accept a fraction, but rattler refuses the whole channel.
    if not _is_number(timestamp) or timestamp < 0:
        raise _refusal("timestamp", "it must be an integer of milliseconds")
    seconds = timestamp / 1000 if timestamp >= _MILLISECONDS_FROM else timestamp
    if seconds > now + _CLOCK_SKEW_S:
        raise _refusal("timestamp", "it lies in the future")


def _check_site_packages(index: Mapping[str, Any]) -> None:
    path = index.get("python_site_packages_path") or ""
    if is_absolute(path) or climbs(path) or "\\" in path or not is_plain(path):
        reason = "it must be a path inside the environment, with slashes"
        raise _refusal("python_site_packages_path", reason)


def _check_track_features(index: Mapping[str, Any]) -> None:
    value = index.get("track_features")
    if not isinstance(value, str | None):
        _check_strings(index, "track_features")


def _check_strings(index: Mapping[str, Any], field: str) -> None:
    value = index.get(field)
    if value is None:
        return
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _refusal(field, "it must be a list of strings")
