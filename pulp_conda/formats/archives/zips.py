"""The outer zip of a `.conda` file, read so that it can mean only one thing (CEP 35).

Python's `zipfile` forgives what other readers do not: data before the archive, gaps and overlaps
between members, local headers that disagree with the directory. Here members, directory and end
record must account for every byte of the file.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from pulp_conda.formats.errors import BadZipMember, CorruptArchive, Phrase, TrailingData

_PART: Final = Phrase("the zip archive")

_END: Final = struct.Struct("<4s4H2LH")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64: Final = struct.Struct("<4sLQL")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_EXTRA: Final = struct.Struct("<2H")

_STORED: Final = 0
_ENCRYPTED: Final = 0x2041
"""Flag bits: encrypted, strongly encrypted, directory masked."""
_HAS_DESCRIPTOR: Final = 0x8
_ZIP64_EXTRA: Final = 1
_SEE_ZIP64: Final = 0xFFFFFFFF

_MAX_DIRECTORY_BYTES: Final = 64 * 1024
"""Three members take some 300 bytes; with room for their extra fields."""


@dataclass(frozen=True, slots=True)
class ZipMember:
    """A stored member: `size` bytes of content at `offset` of the file."""

    name: str
    offset: int
    size: int
    crc: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """A member as the central directory has it."""

    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


class StoredContent:
    """Reads the content of a member; its checksum is verified when the end is reached."""

    def __init__(self, file: BinaryIO, member: ZipMember) -> None:
        self._file = file
        self._member = member
        self._left = member.size
        self._crc = 0
        file.seek(member.offset)

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end. Raises CorruptArchive."""
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        self._crc = zlib.crc32(data, self._crc)
        if not self._left and self._crc != self._member.crc:
            raise BadZipMember(self._member.name, Phrase("its checksum does not match"))
        return data


def read_directory(file: BinaryIO) -> list[ZipMember]:
    """Return the members of the zip in `file`, in the order of their content.

    Raises CorruptArchive, TrailingData or BadZipMember.
    """
    directory_offset, directory_size = _find_directory(file)
    file.seek(directory_offset)
    entries = list(_entries(file.read(directory_size)))
    members, position = [], 0
    for entry in sorted(entries, key=lambda entry: entry.offset):
        if entry.offset != position:
            raise TrailingData(_PART, Phrase("before, between or beneath its members"))
        member = _member(file, entry)
        members.append(member)
        position = member.offset + member.size + _descriptor_size(file, entry, member)
    if position != directory_offset:
        raise TrailingData(_PART, Phrase("between its members and its directory"))
    return members


def _find_directory(file: BinaryIO) -> tuple[int, int]:
    """Return offset and size of the central directory, which must end where its record begins."""
    file_size = file.seek(0, os.SEEK_END)
    end_offset = file_size - _END.size
    record = _read(file, end_offset, _END)
    signature, _, _, _, _, size, offset, comment = record
    if signature != b"PK\5\6" or comment:
        raise TrailingData(_PART, Phrase("after its end, or is cut off"))
    ends_at = end_offset
    if _SEE_ZIP64 in (size, offset) or _is_locator(file, end_offset):
        size, offset, ends_at = _find_directory64(file, end_offset)
    if offset + size != ends_at:
        raise TrailingData(_PART, Phrase("around its directory"))
    if size > _MAX_DIRECTORY_BYTES:
        raise CorruptArchive(_PART, Phrase("its directory is too large"))
    return offset, size


def _is_locator(file: BinaryIO, end_offset: int) -> bool:
    offset = end_offset - _LOCATOR64.size
    return offset >= 0 and _read(file, offset, _LOCATOR64)[0] == b"PK\6\7"


def _find_directory64(file: BinaryIO, end_offset: int) -> tuple[int, int, int]:
    """Return size and offset of the directory, and where the zip64 end record begins."""
    locator = _read(file, end_offset - _LOCATOR64.size, _LOCATOR64)
    record_offset = locator[2]
    record = _read(file, record_offset, _END64)
    well_placed = record_offset + _END64.size + _LOCATOR64.size == end_offset
    if locator[0] != b"PK\6\7" or record[0] != b"PK\6\6" or not well_placed:
        raise CorruptArchive(_PART, Phrase("its zip64 records are malformed"))
    return record[8], record[9], record_offset


def _entries(directory: bytes) -> Iterator[_Entry]:
    position = 0
    while position < len(directory):
        if len(directory) - position < _ENTRY.size:
            raise CorruptArchive(_PART, Phrase("its directory is malformed"))
        fields = _ENTRY.unpack_from(directory, position)
        (signature, _, _, flags, method, _, _, crc, packed, size) = fields[:10]
        name_size, extra_size, comment_size, _, _, _, offset = fields[10:]
        name_at = position + _ENTRY.size
        extra_at = name_at + name_size
        position = extra_at + extra_size + comment_size
        if signature != b"PK\1\2" or position > len(directory) or comment_size:
            raise CorruptArchive(_PART, Phrase("its directory is malformed"))
        name = directory[name_at:extra_at]
        extra = directory[extra_at : extra_at + extra_size]
        size, packed, offset = _with_zip64(extra, size, packed, offset)
        yield _Entry(name, flags, method, crc, packed, size, offset)


def _with_zip64(extra: bytes, *fields: int) -> Iterator[int]:
    """Yield the fields, those that say "see the zip64 extra" from there."""
    values = iter(_zip64_values(extra))
    for field in fields:
        if field != _SEE_ZIP64:
            yield field
            continue
        value = next(values, None)
        if value is None:
            raise CorruptArchive(_PART, Phrase("a zip64 field is missing"))
        yield value


def _zip64_values(extra: bytes) -> tuple[int, ...]:
    position = 0
    while position + _EXTRA.size <= len(extra):
        kind, size = _EXTRA.unpack_from(extra, position)
        data = extra[position + _EXTRA.size : position + _EXTRA.size + size]
        if kind == _ZIP64_EXTRA:
            return struct.unpack(f"<{len(data) // 8}Q", data[: len(data) // 8 * 8])
        position += _EXTRA.size + size
    return ()


def _member(file: BinaryIO, entry: _Entry) -> ZipMember:
    """Check a member by its entry and its local header, which must agree."""
    name = entry.name.decode("utf-8", "backslashreplace")
    if entry.flags & _ENCRYPTED:
        raise BadZipMember(name, Phrase("it is encrypted"))
    if entry.method != _STORED or entry.size != entry.packed:
        raise BadZipMember(name, Phrase("it is compressed; members of a .conda file are stored"))
    fields = _read(file, entry.offset, _LOCAL)
    signature, _, flags, method, _, _, crc, packed, size, name_size, extra_size = fields
    name_and_extra = file.read(name_size + extra_size)
    local_name, extra = name_and_extra[:name_size], name_and_extra[name_size:]
    packed, size = sorted(_with_zip64(extra, size, packed))
    agrees = signature == b"PK\3\4" and local_name == entry.name and method == entry.method
    sizes_agree = (size, packed, crc) == (entry.size, entry.packed, entry.crc)
    if flags != entry.flags or not agrees:
        raise BadZipMember(name, Phrase("its header disagrees with the directory"))
    if not sizes_agree and not (flags & _HAS_DESCRIPTOR and (size, packed, crc) == (0, 0, 0)):
        raise BadZipMember(name, Phrase("its header disagrees with the directory"))
    content_offset = entry.offset + _LOCAL.size + name_size + extra_size
    return ZipMember(name, content_offset, entry.size, entry.crc)


def _descriptor_size(file: BinaryIO, entry: _Entry, member: ZipMember) -> int:
    """Return the length of the record behind a member that was written without seeking."""
    if not entry.flags & _HAS_DESCRIPTOR:
        return 0
    file.seek(member.offset + member.size)
    found = file.read(24)
    for layout in ("<4s3L", "<4sL2Q", "<3L", "<L2Q"):
        size = struct.calcsize(layout)
        if len(found) >= size:
            *signature, crc, packed, expanded = struct.unpack_from(layout, found)
            rightly_signed = signature in ([], [b"PK\7\x08"])
            if rightly_signed and (crc, packed, expanded) == (entry.crc, entry.size, entry.size):
                return size
    raise BadZipMember(member.name, Phrase("its data descriptor is malformed"))


def _read(file: BinaryIO, offset: int, layout: struct.Struct) -> tuple[Any, ...]:
    if offset < 0:
        raise CorruptArchive(_PART, Phrase("it is too short"))
    file.seek(offset)
    data = file.read(layout.size)
    if len(data) != layout.size:
        raise CorruptArchive(_PART, Phrase("it is too short"))
    return layout.unpack(data)
