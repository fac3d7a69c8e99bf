"""A strict reader of the outer zip of a ``.conda`` file (CEP 35).

Python's ``zipfile`` and conda-package-streaming, which uses it, are not strict enough. Both search
for the directory from the end, and accept any data before, between or after the members. Neither
compares the directory with the local headers, which clients use that unpack while they download.
Here every byte must belong to a part: the members from the first byte on, one after the other, then
the directory, then its end record.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from pulp_conda.formats.errors import (
    BadZipMember,
    CorruptArchive,
    TrailingData,
    TruncatedArchive,
    TrustedText,
)

ZIP: Final = TrustedText("the zip")
# The directory of three members with names of at most 211 characters has about a kilobyte.
MAX_DIRECTORY_BYTES: Final = 64 * 1024

_LOCAL: Final = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL: Final = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_END: Final = struct.Struct("<4sHHHHLLH")
_LOCATOR64: Final = struct.Struct("<4sLQL")
_END64: Final = struct.Struct("<4sQHHLLQQQQ")
_DESCRIPTORS: Final = (struct.Struct("<LLL"), struct.Struct("<LQQ"))
_DESCRIPTOR_MAGIC: Final = b"PK\x07\x08"

_MAX16: Final = 0xFFFF
_MAX32: Final = 0xFFFFFFFF
_ZIP64_FIELD: Final = 0x0001
_UNICODE_PATH_FIELD: Final = 0x7075
_ENCRYPTED: Final = 1 << 0 | 1 << 6 | 1 << 13
_DESCRIPTOR: Final = 1 << 3
# Bits 1 and 2 tune deflate, and bit 11 says that the name is UTF-8. Other bits change the meaning.
_KNOWN_FLAGS: Final = 1 << 1 | 1 << 2 | _DESCRIPTOR | 1 << 11
# 6.3, the last version of the format that Python's zipfile, and so conda, can read.
_MAX_VERSION_NEEDED: Final = 63


@dataclass(frozen=True, slots=True)
class ZipMember:
    """One member of the directory: its name, and the position of its data in the file."""

    name: str
    data_offset: int
    size_bytes: int
    crc: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of the central directory."""

    name: bytes
    needed: int
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int

    @property
    def shown(self) -> str:
        return self.name.decode("ascii", "backslashreplace")

    def refuse(self, reason: str) -> BadZipMember:
        return BadZipMember(self.shown, TrustedText(reason))


def read_directory(file: BinaryIO, size_bytes: int) -> list[ZipMember]:
    """Return the members of a zip that fills ``file`` of ``size_bytes`` entirely.

    Raises CorruptArchive, TruncatedArchive, TrailingData or BadZipMember. zip64 fields are accepted
    if they agree with the others, because common writers add them before they know a size.
    """
    start, count, end = _read_end(file, size_bytes)
    if end - start > MAX_DIRECTORY_BYTES:
        raise CorruptArchive(ZIP, TrustedText("its directory is larger than three members need"))
    directory = _at(file, start, end - start)
    entries = sorted(_entries(directory, count), key=lambda entry: entry.offset)
    members = []
    position = 0
    for entry in entries:
        if entry.offset != position:
            where = "before its members" if position == 0 else "between its members"
            raise TrailingData(ZIP, TrustedText(where))
        member = _check_local(file, entry, start)
        position = _end_of(file, entry, member, start)
        members.append(member)
    if position != start:
        raise TrailingData(ZIP, TrustedText("between its members and its directory"))
    _check_unique(members)
    return members


class ZipMemberReader:
    """Reads the data of one member. The last read raises CorruptArchive if the CRC is wrong."""

    def __init__(self, file: BinaryIO, member: ZipMember) -> None:
        self._file = file
        self._member = member
        self._left = member.size_bytes
        self._crc = 0
        file.seek(member.data_offset)

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, none at the end."""
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        self._crc = zlib.crc32(data, self._crc)
        if not data and (self._left or self._crc != self._member.crc):
            raise CorruptArchive(ZIP, TrustedText(f"the checksum of {self._member.name} is wrong"))
        return data


def _read_end(file: BinaryIO, size_bytes: int) -> tuple[int, int, int]:
    """Return the directory's offset, its number of entries and its end."""
    position = size_bytes - _END.size
    fields = _unpack(file, _END, position)
    magic, disk, first_disk, here, count, length, offset, comment = fields
    if magic != b"PK\x05\x06":
        # A comment, bytes after the end and a missing end look alike at this position.
        tail = _at(file, max(0, size_bytes - 2 * _MAX16), min(size_bytes, 2 * _MAX16))
        if b"PK\x05\x06" in tail:
            raise TrailingData(ZIP, TrustedText("or a comment after its end"))
        raise TruncatedArchive(ZIP)
    if comment:
        raise TruncatedArchive(ZIP)
    wide = _read_end64(file, position)
    end = position
    if wide is not None:
        classic = (disk, first_disk, here, count, length, offset)
        marks = (_MAX16, _MAX16, _MAX16, _MAX16, _MAX32, _MAX32)
        exact, end = wide
        for value, mark, true in zip(classic, marks, exact, strict=True):
            if value not in (mark, true):
                raise CorruptArchive(ZIP, TrustedText("its two end records disagree"))
        disk, first_disk, here, count, length, offset = exact
    if (disk, first_disk) != (0, 0) or here != count:
        raise CorruptArchive(ZIP, TrustedText("it spans several disks"))
    if offset + length != end:
        raise TrailingData(ZIP, TrustedText("before its members or after its directory"))
    return offset, count, end


def _read_end64(file: BinaryIO, end: int) -> tuple[tuple[int, ...], int] | None:
    """Return the fields and the offset of the zip64 end record, None if there is none."""
    position = end - _LOCATOR64.size
    if position < _END64.size:
        return None
    magic, disk, offset, disks = _unpack(file, _LOCATOR64, position)
    if magic != b"PK\x06\x07":
        return None
    if offset + _END64.size != position or disk != 0 or disks > 1:
        raise CorruptArchive(ZIP, TrustedText("its zip64 end record is misplaced"))
    magic, length, _, _, *fields = _unpack(file, _END64, offset)
    if magic != b"PK\x06\x06" or length != _END64.size - 12:
        raise CorruptArchive(ZIP, TrustedText("its zip64 end record is malformed"))
    return tuple(fields), offset


def _entries(directory: bytes, count: int) -> Iterator[_Entry]:
    position = 0
    for _ in range(count):
        if position + _CENTRAL.size > len(directory):
            raise CorruptArchive(ZIP, TrustedText("its directory is cut short"))
        fields = _CENTRAL.unpack_from(directory, position)
        if fields[0] != b"PK\x01\x02":
            raise CorruptArchive(ZIP, TrustedText("its directory is malformed"))
        needed, flags, method, _, _, crc, packed, size, name, extra, comment, disk = fields[2:14]
        start = position + _CENTRAL.size
        position = start + name + extra + comment
        if position > len(directory):
            raise CorruptArchive(ZIP, TrustedText("its directory is cut short"))
        if comment or disk:
            raise CorruptArchive(ZIP, TrustedText("a member has a comment or another disk"))
        wide = _zip64_values(directory[start + name : start + name + extra])
        size, packed, offset = _widened((size, packed, fields[16]), wide)
        named = directory[start : start + name]
        entry = _Entry(named, needed, flags, method, crc, packed, size, offset)
        _check_storage(entry)
        yield entry
    if position != len(directory):
        raise TrailingData(ZIP, TrustedText("in its directory"))


def _check_storage(entry: _Entry) -> None:
    if entry.flags & _ENCRYPTED:
        raise entry.refuse("it is encrypted")
    if entry.flags & ~_KNOWN_FLAGS or entry.needed & 0xFF > _MAX_VERSION_NEEDED:
        raise entry.refuse("it uses a feature of zip that conda packages do not")
    if entry.method != 0:
        raise entry.refuse("it is compressed, but members must be stored")
    if entry.packed != entry.size:
        raise entry.refuse("its two sizes differ although it is stored")


def _check_local(file: BinaryIO, entry: _Entry, end: int) -> ZipMember:
    """Compare the local header of a member with its ``entry`` in the directory."""
    if entry.offset + _LOCAL.size > end:
        raise CorruptArchive(ZIP, TrustedText("a member lies beyond its end"))
    fields = _unpack(file, _LOCAL, entry.offset)
    magic, _, flags, method, _, _, crc, packed, size, name_length, extra_length = fields
    if magic != b"PK\x03\x04":
        raise CorruptArchive(ZIP, TrustedText("a member has no header where its directory says"))
    names = _at(file, entry.offset + _LOCAL.size, name_length + extra_length)
    name, extra = names[:name_length], names[name_length:]
    if (name, flags, method) != (entry.name, entry.flags, entry.method):
        raise entry.refuse("its header and the zip's directory disagree")
    size, packed, _ = _widened((size, packed, 0), _zip64_values(extra))
    known = (crc, packed, size) == (entry.crc, entry.packed, entry.size)
    if not (known or (flags & _DESCRIPTOR and (crc, packed, size) == (0, 0, 0))):
        raise entry.refuse("its header and the zip's directory disagree")
    offset = entry.offset + _LOCAL.size + name_length + extra_length
    if offset + entry.size > end:
        raise CorruptArchive(ZIP, TrustedText("a member reaches beyond its end"))
    return ZipMember(entry.shown, offset, entry.size, entry.crc)


def _end_of(file: BinaryIO, entry: _Entry, member: ZipMember, limit: int) -> int:
    """Return the end of the member's data and, if it has one, of its data descriptor."""
    end = member.data_offset + member.size_bytes
    if not entry.flags & _DESCRIPTOR:
        return end
    found = _at(file, end, min(limit - end, 24))
    for layout in _DESCRIPTORS:
        for magic in (_DESCRIPTOR_MAGIC, b""):
            try:
                expected = magic + layout.pack(entry.crc, entry.packed, entry.size)
            except struct.error:
                continue
            following = found[len(expected) : len(expected) + 2]
            if found.startswith(expected) and following in (b"PK", b""):
                return end + len(expected)
    raise entry.refuse("its data descriptor and the zip's directory disagree")


def _zip64_values(extra: bytes) -> list[int]:
    """Return the numbers in the zip64 extra field, if there is one."""
    values: list[int] = []
    position = 0
    while position < len(extra):
        if position + 4 > len(extra):
            raise CorruptArchive(ZIP, TrustedText("an extra field is malformed"))
        kind, length = struct.unpack_from("<HH", extra, position)
        data = extra[position + 4 : position + 4 + length]
        position += 4 + length
        if position > len(extra) or kind == _UNICODE_PATH_FIELD:
            raise CorruptArchive(
                ZIP, TrustedText("an extra field is malformed or renames its member")
            )
        if kind == _ZIP64_FIELD:
            if values or length % 8:
                raise CorruptArchive(ZIP, TrustedText("a zip64 field is malformed"))
            values = [value for (value,) in struct.iter_unpack("<Q", data)]
    return values


def _widened(narrow: tuple[int, int, int], wide: list[int]) -> tuple[int, int, int]:
    """Replace the 32-bit values that mean "see zip64" by the 64-bit values, in order."""
    left = iter(wide)
    exact = [next(left, _MAX32) if value == _MAX32 else value for value in narrow]
    return exact[0], exact[1], exact[2]


def _check_unique(members: list[ZipMember]) -> None:
    seen: set[str] = set()
    for member in members:
        if member.name in seen:
            raise BadZipMember(member.name, TrustedText("it occurs twice"))
        seen.add(member.name)


def _unpack(file: BinaryIO, layout: struct.Struct, offset: int) -> tuple[Any, ...]:
    return layout.unpack(_at(file, offset, layout.size))


def _at(file: BinaryIO, offset: int, size: int) -> bytes:
    if offset < 0:
        raise TruncatedArchive(ZIP)
    file.seek(offset)
    data = file.read(size)
    if len(data) != size:
        raise TruncatedArchive(ZIP)
    return data
