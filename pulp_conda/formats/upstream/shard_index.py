"""The shard index of an upstream: the digest of each name's shard (CEP 16)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from pulp_conda.formats.errors import TrustedText, quoted

from .errors import UNREADABLE, UnusableDocument
from .faults import Faults
from .limits import DEFAULT_LIMITS, UpstreamLimits
from .msgpack_maps import NIL, TooManyEntries, decode_map
from .names import name_fault
from .unpack import Unpacker, unpack_all

_DOCUMENT: Final = TrustedText("the shard index")
_KNOWN_VERSION: Final = 1
_DIGEST_BYTES: Final = 32


class ShardIndex(NamedTuple):
    """A shard index, with safe names only."""

    subdir: str | None
    """None if it does not say."""
    base_url: str
    """Where the packages are, relative to the document or absolute. Empty: beside it."""
    shards_base_url: str
    """Where the shards are, likewise."""
    created: datetime | None
    digests: dict[str, bytes]
    """By name, the SHA-256 of its shard."""
    faults: list[str]
    """Names that were left out. The list is bounded."""


class _Info(msgspec.Struct):
    subdir: str | None = None
    base_url: str | None = None
    shards_base_url: str | None = None
    created_at: msgspec.Raw = NIL


class _Document(msgspec.Struct):
    shards: msgspec.Raw
    info: _Info | None = None
    version: int | None = None


_DECODER: Final = msgspec.msgpack.Decoder(_Document)
_VALUE: Final = msgspec.msgpack.Decoder(object)
_LONGEST_VALUE: Final = 200
"""Bytes of a digest or a time in msgpack. A list of 32 integers has at most 67."""


def decode_shard_index(data: bytes, *, limits: UpstreamLimits = DEFAULT_LIMITS) -> ShardIndex:
    """Return the index in `repodata_shards.msgpack.zst`.

    Digests may be bytes, lists of integers or hex text, as servers have written them over time. A
    name that no package may have is left out and reported.

    Raises UnusableDocument if it cannot be read, or one of its digests is not one: a name without
    a shard would look like a name whose packages are gone.
    """
    unpacker = Unpacker("zst", _DOCUMENT, text_bytes=limits.index_bytes, limits=limits)
    try:
        document = _DECODER.decode(unpack_all(unpacker, [data]))
        shards = decode_map(document.shards, most=limits.index_names)
    except (*UNREADABLE, TooManyEntries) as error:
        raise _unusable(f"it is not what CEP 16 defines ({error})") from error
    if document.version not in (None, _KNOWN_VERSION):
        raise _unusable(f"its version is {document.version}, and only 1 is known")
    info = document.info or _Info()
    faults = Faults(limits.faults)
    return ShardIndex(
        info.subdir,
        info.base_url or "",
        info.shards_base_url or "",
        _time(info.created_at),
        _digests(shards, faults),
        faults.sentences(),
    )


def _digests(shards: Mapping[str, msgspec.Raw], faults: Faults) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name, data in shards.items():
        if fault := name_fault(name):
            faults.add(f"{quoted(name)} was left out: {fault}")
            continue
        digest = _digest(data)
        if digest is None or len(digest) != _DIGEST_BYTES:
            raise _unusable(f"the digest of {name} is not a SHA-256")
        found[name] = digest
    return found


def _digest(data: msgspec.Raw) -> bytes | None:
    value = _value(data)
    if isinstance(value, bytes):
        return value
    try:
        if isinstance(value, str):
            return bytes.fromhex(value)
        return bytes(value) if isinstance(value, list) else None
    except (ValueError, TypeError):
        return None


def _time(data: msgspec.Raw) -> datetime | None:
    """Return a time with a time zone, None if the value is not a time."""
    value = _value(data)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def _value(data: msgspec.Raw) -> object:
    """Return a short value, None for others."""
    if memoryview(data).nbytes > _LONGEST_VALUE:
        return None
    try:
        return _VALUE.decode(data)
    except UNREADABLE:
        return None


def _unusable(reason: str) -> UnusableDocument:
    return UnusableDocument(_DOCUMENT, TrustedText(reason))
