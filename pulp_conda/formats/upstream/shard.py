"""The shards of an upstream: all records of one name in one subdir (CEP 16)."""

from __future__ import annotations

from typing import Final

import msgspec

from pulp_conda.formats.errors import TrustedText

from .errors import UnusableDocument
from .limits import DEFAULT_LIMITS, UpstreamLimits
from .raw import RawRecords, raw_records
from .unpack import Unpacker, unpack_all

_SHARD: Final = TrustedText("the shard")


class _Shard(msgspec.Struct):
    packages: dict[str, msgspec.Raw] | None = None
    packages_conda: dict[str, msgspec.Raw] | None = msgspec.field(
        name="packages.conda", default=None
    )
    v3: dict[str, msgspec.Raw] | None = None


_DECODER: Final = msgspec.msgpack.Decoder(_Shard)


def decode_shard(data: bytes, *, limits: UpstreamLimits = DEFAULT_LIMITS) -> RawRecords:
    """Return the records of a shard by file name. The caller has checked its digest.

    Files that it lists as removed are not returned. Raises UnusableDocument.
    """
    if len(data) > limits.shard_bytes:
        raise UnusableDocument(
            _SHARD, TrustedText(f"it has more than {limits.shard_bytes:,} bytes")
        )
    unpacker = Unpacker("zst", _SHARD, text_bytes=limits.shard_text_bytes, limits=limits)
    try:
        shard = _DECODER.decode(unpack_all(unpacker, [data]))
        return raw_records([shard.packages, shard.packages_conda], shard.v3, binary=True)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnusableDocument(
            _SHARD, TrustedText(f"it is not what CEP 16 defines ({error})")
        ) from error
