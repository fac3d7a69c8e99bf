"""Parse the 512-byte headers and the extension records of tar (POSIX.1-2001, GNU).

Python's ``tarfile`` is not strict enough. It treats a damaged header as the end of the archive,
accepts numbers that no other reader accepts (``0o7``, ``1_0``, ``-1``), keeps extension records of
any size in memory, and does not distinguish a complete archive from one that was cut off. Archives
that readers interpret differently are refused, so that every client sees the same package.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from enum import Enum
from operator import itemgetter
from typing import Final

from pulp_conda.formats.errors import (
    BadMember,
    CorruptArchive,
    SpecialFile,
    TrustedText,
    UnsafePath,
)

BLOCK_BYTES: Final = 512

# name, mode, uid, gid, size, mtime, checksum, type, link target, magic and version, user, group,
# device numbers, prefix, padding
_LAYOUT: Final = struct.Struct("100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12s")
_FIELDS: Final = itemgetter(0, 4, 6, 7, 8, 9, 14)
_POSIX_MAGIC: Final = b"ustar\x0000"
_GNU_MAGIC: Final = b"ustar  \x00"
_OLD_MAGIC: Final = bytes(8)
_OCTAL: Final = re.compile(rb" *([0-7]*)[ \0]*")
_CHECKSUM: Final = slice(148, 156)

_SPECIAL_TYPES: Final = {
    b"3": "it is a character device",
    b"4": "it is a block device",
    b"6": "it is a named pipe",
    b"7": "it is a contiguous file",
    b"S": "it is a sparse file",
    b"D": "it is a directory dump",
    b"M": "it is a continued volume",
    b"V": "it is a volume label",
}


class MemberKind(Enum):
    """The kinds of members that a package may have."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symbolic link"
    HARDLINK = "hard link"


_KINDS: Final = {
    b"0": MemberKind.FILE,
    b"\0": MemberKind.FILE,
    b"1": MemberKind.HARDLINK,
    b"2": MemberKind.SYMLINK,
    b"5": MemberKind.DIRECTORY,
}


@dataclass(frozen=True, slots=True)
class Member:
    """One file, directory or link of a tar archive, with its name as written there."""

    path: str
    kind: MemberKind
    size: int
    target: str


@dataclass(frozen=True, slots=True)
class Header:
    """The relevant fields of one header block, without extensions."""

    path: bytes
    size: int
    type: bytes
    target: bytes


def parse_header(block: bytes, part: TrustedText) -> Header:
    """Return the header in ``block``. Raises CorruptArchive or BadMember."""
    name, size, checksum, kind, target, magic, prefix = _FIELDS(_LAYOUT.unpack(block))
    expected = sum(block) - sum(block[_CHECKSUM]) + 8 * ord(" ")
    if _octal(checksum) != expected:
        raise CorruptArchive(part, TrustedText("a tar header has a wrong checksum"))
    path = _until_nul(name)
    if magic not in (_POSIX_MAGIC, _GNU_MAGIC, _OLD_MAGIC):
        raise CorruptArchive(part, TrustedText("a tar header has an unknown format"))
    if prefix[0]:
        # Only POSIX has prefixes, but Python also uses them in other formats.
        if magic != _POSIX_MAGIC:
            raise CorruptArchive(
                part, TrustedText("a tar header has a prefix that its format lacks")
            )
        path = _until_nul(prefix) + b"/" + path
    size_bytes = _number(size)
    if size_bytes is None:
        raise BadMember(_shown(path), TrustedText("its size is no number"))
    return Header(path, size_bytes, kind, _until_nul(target))


def parse_pax(data: bytes, part: TrustedText) -> dict[bytes, bytes]:
    """Return the ``keyword=value`` records of a pax header. Raises CorruptArchive."""
    records: dict[bytes, bytes] = {}
    position = 0
    while position < len(data):
        digits = data[position : position + 12].partition(b" ")[0]
        length = int(digits) if digits.isdigit() else 0
        record = data[position + len(digits) + 1 : position + length]
        keyword, separator, value = record[:-1].partition(b"=")
        complete = position + length <= len(data)
        if not (complete and record.endswith(b"\n") and separator and keyword not in records):
            raise CorruptArchive(part, TrustedText("a pax header is malformed"))
        records[keyword] = value
        position += length
    return records


class Extensions:
    """The fields of extension headers, for the member that follows them."""

    def __init__(self, part: TrustedText) -> None:
        self._part = part
        self._found: dict[str, bytes] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def add_long_name(self, field: str, data: bytes) -> None:
        """Add a GNU long name, which ends in NUL."""
        self._set(field, data.rstrip(b"\0"))

    def add_pax(self, data: bytes) -> None:
        """Add the pax records of one member. Raises CorruptArchive or SpecialFile."""
        for keyword, value in parse_pax(data, self._part).items():
            if keyword.startswith(b"GNU.sparse."):
                raise SpecialFile(_shown(self._found.get("path", b"")), TrustedText("it is sparse"))
            if keyword in (b"path", b"linkpath", b"size"):
                self._set(keyword.decode(), value)
        self._found.setdefault("", b"")

    def apply(self, header: Header) -> Member:
        """Return the member that ``header`` and these extensions describe.

        Raises UnsafePath, SpecialFile, BadMember or CorruptArchive.
        """
        path = _text(self._found.get("path", header.path), header)
        if header.type not in _KINDS:
            reason = _SPECIAL_TYPES.get(header.type, "its type is unknown")
            raise SpecialFile(path, TrustedText(reason))
        kind = _KINDS[header.type]
        if header.type == b"\0" and path.endswith("/"):
            kind = MemberKind.DIRECTORY
        size = self._size(header)
        if size and kind is not MemberKind.FILE:
            raise BadMember(path, TrustedText(f"a {kind.value} has no content of its own"))
        target = _text(self._found.get("linkpath", header.target), header)
        return Member(path, kind, size, target if kind in _LINKS else "")

    def _size(self, header: Header) -> int:
        digits = self._found.get("size")
        if digits is None:
            return header.size
        if not (digits.isdigit() and len(digits) <= 18):
            raise BadMember(_shown(header.path), TrustedText("its size is no number"))
        return int(digits)

    def _set(self, field: str, value: bytes) -> None:
        # Readers disagree about which of two values counts.
        if field in self._found:
            raise CorruptArchive(self._part, TrustedText(f"a member has its {field} twice"))
        self._found[field] = value


_LINKS: Final = (MemberKind.SYMLINK, MemberKind.HARDLINK)


def is_global_pax_harmless(data: bytes, part: TrustedText) -> bool:
    """Return whether a global pax header changes no member's name, size or type."""
    return not any(
        keyword in (b"path", b"linkpath", b"size") or keyword.startswith(b"GNU.sparse.")
        for keyword in parse_pax(data, part)
    )


def _text(value: bytes, header: Header) -> str:
    if b"\0" in value:
        raise UnsafePath(
            _shown(header.path), TrustedText("a NUL character is in its name or target")
        )
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnsafePath(_shown(value), TrustedText("its name or target is not UTF-8")) from error


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")


def _until_nul(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _octal(field: bytes) -> int | None:
    match = _OCTAL.fullmatch(field)
    return int(match[1] or b"0", 8) if match else None


def _number(field: bytes) -> int | None:
    # GNU and star write numbers that are too large for octal (from 8 GiB) in base 256.
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    return _octal(field)
