"""Records as an upstream sends them, before they are checked.

A record is decoded when it is looked at, one at a time. A shard or a document may have a million of
them, and an object of a byte takes 64 bytes of memory.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from pulp_conda.formats.errors import TrustedText

from .errors import UNREADABLE, UnusableRecord
from .limits import DEFAULT_LIMITS, UpstreamLimits
from .values import OddValue, make_plain

Fields = dict[str, object]

_JSON: Final = msgspec.json.Decoder(dict[str, object])
_MSGPACK: Final = msgspec.msgpack.Decoder(dict[str, object])
_JSON_VALUE: Final = msgspec.json.Decoder(object)


class RawRecord(NamedTuple):
    """A record that was not decoded yet: a view of the bytes of its document."""

    data: msgspec.Raw
    binary: bool
    """Whether it is msgpack, and not JSON."""
    run_exports: msgspec.Raw | None = None
    """What `run_exports.json` says of it, in JSON."""


RawRecords = dict[str, RawRecord]
"""Records by file name, in one form whichever way they came."""


def decoded_fields(
    filename: str, raw: RawRecord, limits: UpstreamLimits = DEFAULT_LIMITS
) -> Fields:
    """Return a record as JSON values. Raises UnusableRecord."""
    if memoryview(raw.data).nbytes > limits.record_bytes:
        raise UnusableRecord(
            filename, TrustedText(f"it has more than {limits.record_bytes:,} bytes")
        )
    try:
        record = (_MSGPACK if raw.binary else _JSON).decode(raw.data)
        make_plain(record, depth=limits.record_depth)
    except OddValue as error:
        raise UnusableRecord(filename, TrustedText(error)) from error
    except UNREADABLE as error:
        raise UnusableRecord(
            filename, TrustedText(f"it is not a valid object ({error})")
        ) from error
    return record


def stated_beside(raw: RawRecord, limits: UpstreamLimits = DEFAULT_LIMITS) -> object:
    """Return what the document beside says of a record's run exports, None if that is nothing."""
    if raw.run_exports is None or memoryview(raw.run_exports).nbytes > limits.record_bytes:
        return None
    try:
        return _JSON_VALUE.decode(raw.run_exports)
    except UNREADABLE:
        return None
