"""Maps in msgpack, whose head says how many entries they have."""

from __future__ import annotations

from typing import Final

import msgspec

NIL: Final = msgspec.Raw(b"\xc0")
"""What is absent: an empty map."""

_HEAD_BYTES: Final = 5
_NIL: Final = 0xC0
_MAP_16: Final = 0xDE
_MAP_32: Final = 0xDF


class TooManyEntries(ValueError):
    """A map that would take too much memory."""


def decode_map(data: msgspec.Raw, *, most: int) -> dict[str, msgspec.Raw]:
    """Return the values of a map, not decoded, by its keys.

    An entry of six bytes takes 200 in memory. So nothing is decoded of a map that states more than
    `most` entries.

    Raises TooManyEntries, or what msgspec raises if it is not a map with texts as keys.
    """
    head = bytes(memoryview(data)[:_HEAD_BYTES])
    if head[0] == _NIL:
        return {}
    size = {_MAP_16: head[1:3], _MAP_32: head[1:5]}.get(head[0], b"")
    if int.from_bytes(size, "big") > most:
        raise TooManyEntries(f"a map has more than {most:,} entries")
    return _DECODER.decode(data)


_DECODER: Final = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])
