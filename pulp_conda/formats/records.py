"""Records: the objects that describe packages in repodata (CEP 34, 36)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

Record = dict[str, Any]

# conda-index leaves these out of every record. They describe the build machine, or are facts that
# only a server may state.
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

# If one of these fields is null, some client refuses the whole channel. Leaving the field out means
# the same.
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
_MAX_BIGINT: Final = 2**63 - 1
_ENCODER: Final = msgspec.json.Encoder(order="sorted")
_TEXT: Final = frozenset({str})
_NO_FLOATS: Final = frozenset({str, int, bool, type(None)})

_WHEN: Final = re.compile(r"[\[,]\s*(?:when|extras|flags)\s*=")


def build_record(index: Mapping[str, Any], *, md5: str, sha256: str, size: int) -> Record:
    """Return the record of a package with ``index`` as its ``info/index.json``.

    ``md5`` and ``sha256`` are hex digests of the file, and ``size`` is its size in bytes. Unknown
    keys are kept. ``timestamp`` is not converted, because clients treat values below 10**12 as
    seconds. The legacy boolean ``noarch`` becomes "generic". ``depends`` is always a list.
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
    """Return whether a record, or an index.json, may only be served under ``v3``.

    Older clients would misinterpret such a record (CEP 43, 44, 45, 48).
    """
    version = record.get("schema_version")
    if isinstance(version, int) and version >= _V3_SCHEMA_VERSION:
        return True
    if any(record.get(key) for key in _V3_KEYS):
        return True
    return _has_condition(record.get("depends")) or _has_condition(record.get("constrains"))


def _has_condition(specs: object) -> bool:
    # A record from another server was not checked.
    return isinstance(specs, list) and any(
        isinstance(spec, str) and "[" in spec and _WHEN.search(spec) is not None for spec in specs
    )


def canonical_json(record: Mapping[str, Any]) -> bytes:
    """Return the canonical serialisation of ``record``: sorted keys, no spaces, UTF-8.

    Equal records give equal bytes in any order of keys. Whole floats are written as integers,
    because some databases do not distinguish ``1.0`` and ``1``.
    """
    return record_text(_plain(record) if _may_hold_floats(record) else record)


def record_text(record: Mapping[str, Any]) -> bytes:
    """Return ``record`` as JSON with sorted keys, no spaces, UTF-8. Whole floats stay floats.

    For a record without whole floats, as every uploaded one is, this is its canonical form.
    """
    return _ENCODER.encode(record)


def stored_integer(value: object) -> int | None:
    """Return the value of a field as an integer of 64 bits, None if it is not such a number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return int(value) if -_MAX_BIGINT <= value <= _MAX_BIGINT else None


def stored_text(value: object) -> str:
    """Return the value of a field if it is a text that PostgreSQL can store, else an empty text."""
    return value if isinstance(value, str) and "\0" not in value else ""


def record_digest(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 of ``canonical_json(record)`` in hex. It identifies the record."""
    return hashlib.sha256(canonical_json(record)).hexdigest()


def _may_hold_floats(record: Mapping[str, Any]) -> bool:
    """Return whether a record has anything but texts, integers and lists of texts.

    Few have, and making a copy of a record takes seven times as long as its serialisation.
    """
    if type(record) is not dict:
        return True
    for value in record.values():
        kind = type(value)
        if kind is list:
            if not _TEXT.issuperset(map(type, value)):
                return True
        elif kind not in _NO_FLOATS:
            return True
    return False


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    # Most values are texts, and a call for each would take most of the time.
    if isinstance(value, list | tuple):
        return [item if isinstance(item, str) else _plain(item) for item in value]
    if isinstance(value, dict | Mapping):  # asking for a Mapping takes three times as long
        return {key: item if isinstance(item, str) else _plain(item) for key, item in value.items()}
    return value
