"""Records as an upstream sends them, before they are checked.

A record is decoded when it is looked at, one at a time. A shard or a document may have a million of
them, and an object of a byte takes 64 bytes of memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from pulp_conda.formats.errors import TrustedText
from pulp_conda.formats.identifiers import EXTENSIONS

from .errors import UnusableRecord
from .limits import DEFAULT_LIMITS, UpstreamLimits
from .values import OddValue, make_plain

Fields = dict[str, object]
Encoded = Mapping[str, msgspec.Raw]

_JSON: Final = msgspec.json.Decoder(dict[str, object])
_MSGPACK: Final = msgspec.msgpack.Decoder(dict[str, object])
_JSON_MAP: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_MSGPACK_MAP: Final = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])


class RawRecord(NamedTuple):
    """A record that was not decoded yet: a view of the bytes of its document."""

    data: msgspec.Raw
    binary: bool
    """Whether it is msgpack, and not JSON."""
    run_exports: msgspec.Raw | None = None
    """Its entry in `run_exports.json`."""


RawRecords = dict[str, RawRecord]
"""Records by file name, in one form whichever way they came."""


def raw_records(
    classic: Iterable[Encoded | None], v3: Mapping[str, msgspec.Raw] | None, *, binary: bool
) -> RawRecords:
    """Return the records in the maps of a shard.

    Keys of `v3` have no extension, which is added. If a file is in `v3` and in a classic map, the
    record of `v3` counts, because it says more. A kind of `v3` that is unknown has one entry,
    `v3.KIND`, which `mirrored_record` refuses, so that it is reported.
    """
    found: RawRecords = {}
    for records in classic:
        found.update(
            (filename, RawRecord(data, binary)) for filename, data in (records or {}).items()
        )
    for kind, data in (v3 or {}).items():
        if kind in EXTENSIONS:
            found.update(_v3_records(kind, data, binary=binary))
        elif memoryview(data).nbytes > len("{}"):
            found[f"v3.{kind}"] = RawRecord(data, binary)
    return found


def _v3_records(kind: str, data: msgspec.Raw, *, binary: bool) -> RawRecords:
    decoder = _MSGPACK_MAP if binary else _JSON_MAP
    return {f"{key}.{kind}": RawRecord(each, binary) for key, each in decoder.decode(data).items()}


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
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnusableRecord(
            filename, TrustedText(f"it is not a valid object ({error})")
        ) from error
    return record


def stated_beside(raw: RawRecord, limits: UpstreamLimits = DEFAULT_LIMITS) -> object:
    """Return the value of `run_exports` in the entry of a record in `run_exports.json`.

    None if there is no such entry, or if it cannot be read.
    """
    if raw.run_exports is None or memoryview(raw.run_exports).nbytes > limits.record_bytes:
        return None
    try:
        return _JSON.decode(raw.run_exports).get("run_exports")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
