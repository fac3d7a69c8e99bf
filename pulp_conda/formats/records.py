"""From ``info/index.json`` to the record that stands for the package in repodata (CEP 34, 36)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

Record = dict[str, Any]

# What conda-index leaves out of every record: facts about the build machine, not the package;
# and what only a server may say of a package.
DROPPED_KEYS: Final[frozenset[str]] = frozenset(
    {
        "arch",
        "attestations_sha256",
        "binstar",
        "channel",
        "fn",
        "has_prefix",
        "indexed_timestamp",
        "legacy_bz2_md5",
        "legacy_bz2_size",
        "machine",
        "mtime",
        "operatingsystem",
        "platform",
        "requires_features",
        "run_exports",
        "target-triplet",
        "ucs",
        "url",
    }
)

# Fields whose null makes one client or another refuse the whole channel; it says no more than
# their absence.
_NULLS_DROPPED: Final = frozenset(
    {
        "extra_depends",
        "features",
        "flags",
        "license",
        "license_family",
        "purls",
        "python_site_packages_path",
        "schema_version",
        "timestamp",
        "track_features",
    }
)

_V3_KEYS: Final = ("extra_depends", "flags")
_V3_SCHEMA_VERSION: Final = 3
_WHEN: Final = re.compile(r"[\[,]\s*(?:when|extras|flags)\s*=")


def build_record(index: Mapping[str, Any], *, md5: str, sha256: str, size: int) -> Record:
    """Return the record of the package whose ``info/index.json`` is ``index``.

    ``md5`` and ``sha256`` are hex digests and ``size`` the bytes of the file. Unknown keys are
    kept, ``timestamp`` is kept as it is (clients themselves take values below 10**12 for
    seconds), the legacy boolean ``noarch`` becomes "generic", and ``depends`` is always a list.
    """
    record: Record = {
        key: value
        for key, value in index.items()
        if key not in DROPPED_KEYS and not (value is None and key in _NULLS_DROPPED)
    }
    record["depends"] = list(index.get("depends") or ())
    if "constrains" in record:
        record["constrains"] = list(record["constrains"] or ())
    if record.get("noarch") is True:
        record["noarch"] = "generic"
    elif not record.get("noarch"):
        record.pop("noarch", None)
    record.update(md5=md5, sha256=sha256, size=size)
    return record


def is_v3(record: Mapping[str, Any]) -> bool:
    """Tell whether the record may only be served under ``v3`` (CEP 43, 44, 45, 48).

    Takes an index.json as well. Older clients would misread such a record, not merely lack it.
    """
    version = record.get("schema_version")
    if isinstance(version, int) and version >= _V3_SCHEMA_VERSION:
        return True
    if any(record.get(key) for key in _V3_KEYS):
        return True
    return _has_condition(record.get("depends")) or _has_condition(record.get("constrains"))


def _has_condition(specs: object) -> bool:
    # Nobody checked the types in another server's record.
    return isinstance(specs, list) and any(
        isinstance(spec, str) and "[" in spec and _WHEN.search(spec) is not None for spec in specs
    )


def canonical_json(record: Mapping[str, Any]) -> bytes:
    """Return the one serialisation of ``record``: keys sorted, no blanks, UTF-8.

    Equal records give equal bytes whatever their order of keys. Whole floats are written as
    integers, since ``1.0`` and ``1`` do not survive every database apart.
    """
    return msgspec.json.encode(_plain(record), order="sorted")


def record_digest(record: Mapping[str, Any]) -> str:
    """Return the sha256 of ``canonical_json(record)`` in hex: the identity of the record."""
    return hashlib.sha256(canonical_json(record)).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
