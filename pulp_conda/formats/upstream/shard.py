"""The shards of an upstream: all records of one name in one subdir (CEP 16, 48)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from pulp_conda.formats.errors import TrustedText

from .errors import UNREADABLE, UnusableDocument
from .limits import DEFAULT_LIMITS, UpstreamLimits
from .msgpack_maps import NIL, TooManyEntries, decode_map
from .raw import RawRecord, RawRecords
from .unpack import Unpacker, unpack_all

_SHARD: Final = TrustedText("the shard")
_WHEELS: Final = "v3.whl"


class _V3(msgspec.Struct):
    conda: msgspec.Raw = NIL
    tar_bz2: msgspec.Raw = msgspec.field(name="tar.bz2", default=NIL)
    whl: msgspec.Raw = NIL


class _Shard(msgspec.Struct):
    packages: msgspec.Raw = NIL
    packages_conda: msgspec.Raw = msgspec.field(name="packages.conda", default=NIL)
    v3: _V3 | None = None


_DECODER: Final = msgspec.msgpack.Decoder(_Shard)


def decode_shard(data: bytes, *, limits: UpstreamLimits = DEFAULT_LIMITS) -> RawRecords:
    """Return the records of a shard by file name. The caller has checked its digest.

    Keys of `v3` have no extension, which is added. If a file is in `v3` and in a classic map, the
    record of `v3` counts, because it says more. Wheels are one entry, `v3.whl`, which
    `mirrored_record` refuses, so that they are reported. Files that the shard lists as removed are
    not returned.

    Raises UnusableDocument.
    """
    if len(data) > limits.shard_bytes:
        reason = f"it has more than {limits.shard_bytes:,} bytes"
        raise UnusableDocument(_SHARD, TrustedText(reason))
    unpacker = Unpacker("zst", _SHARD, text_bytes=limits.shard_text_bytes, limits=limits)
    try:
        shard = _DECODER.decode(unpack_all(unpacker, [data]))
        return dict(_records(shard, limits))
    except (*UNREADABLE, TooManyEntries) as error:
        reason = f"it is not what CEP 16 defines ({error})"
        raise UnusableDocument(_SHARD, TrustedText(reason)) from error


def _records(shard: _Shard, limits: UpstreamLimits) -> Iterator[tuple[str, RawRecord]]:
    """Yield file names and records. Of two records of a file, the last counts."""
    v3 = shard.v3 or _V3()
    for ending, encoded in (
        ("", shard.packages),
        ("", shard.packages_conda),
        (".conda", v3.conda),
        (".tar.bz2", v3.tar_bz2),
    ):
        records = decode_map(encoded, most=limits.shard_records)
        yield from ((f"{key}{ending}", RawRecord(data, True)) for key, data in records.items())
    if decode_map(v3.whl, most=limits.shard_records):
        yield _WHEELS, RawRecord(v3.whl, True)
