"""The values of a record: whatever JSON can say and this server can store."""

from __future__ import annotations

import math
from typing import Final

_MIN_INTEGER: Final = -(2**63)
_MAX_INTEGER: Final = 2**64 - 1
_TOO_LARGE: Final = "it has a number beyond 64 bits"
_TEXT: Final = frozenset({str})

_DIGESTS: Final = ("md5", "sha256", "sha1", "legacy_bz2_md5", "attestations_sha256")
"""Fields that are bytes in shards, and were lists of integers in some."""


class OddValue(ValueError):
    """A value that a record must not have; the message says why."""


def make_plain(record: dict[str, object], *, depth: int) -> None:
    """Make a decoded record one of JSON: bytes become hex text, in place.

    Raises OddValue for numbers beyond 64 bits, NaN and infinity, for keys and values that JSON does
    not have, and for nesting of more than ``depth``.
    """
    for field in _DIGESTS:
        value = record.get(field)
        if isinstance(value, list):
            record[field] = _from_integers(value)
    for key, value in record.items():
        kind = type(value)
        # Almost all values are texts and lists of texts, and a call for each would take half of
        # the time.
        if kind is str or (kind is list and _TEXT.issuperset(map(type, value))):  # type: ignore[call-overload]
            continue
        record[key] = _plain(value, depth - 1)


def _plain(value: object, depth: int) -> object:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        if not _MIN_INTEGER <= value <= _MAX_INTEGER:
            raise OddValue(_TOO_LARGE)
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise OddValue("it has a number that is not finite")
        return value
    if isinstance(value, bytes):
        return value.hex()
    if depth <= 0:
        raise OddValue("it is nested too deeply")
    if isinstance(value, list):
        return [_plain(item, depth - 1) for item in value]
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise OddValue("it has a key that is not a text")
        return {key: _plain(item, depth - 1) for key, item in value.items()}
    raise OddValue("it has a value that JSON does not have")


def _from_integers(value: list[object]) -> object:
    try:
        return bytes(value).hex()  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return value
