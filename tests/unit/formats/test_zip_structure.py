"""Zips made field by field: end records, extra fields and data descriptors that disagree."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from pulp_conda.formats.errors import BadZipMember, CorruptArchive, TrailingData
from tests.builders import PackageBuilder
from tests.unit.formats.packages import read_conda

MEMBERS = PackageBuilder("demo", "1.0", "0").file("lib/demo.txt").zip_members()
# conda reads an absent version from an empty document.
WITH_EMPTY = [(name, b"" if name == "metadata.json" else data) for name, data in MEMBERS]
DESCRIBED = 1 << 3
MAX16, MAX32 = 0xFFFF, 0xFFFFFFFF
MARKS = (MAX16, MAX16, MAX16, MAX16, MAX32, MAX32)


@dataclass(frozen=True, kw_only=True)
class Zip:
    """A writer of a zip with stored members."""

    flags: int = 0
    descriptor: str = ""
    """Layout of checksum and two sizes after each member, whose header has zeros instead."""
    descriptor_magic: bytes = b""
    after_member: bytes = b""
    local_extra: bytes = b""
    extra: bytes = b""
    classic: Sequence[int] | None = None
    """Fields of the end record, from its disk to the directory's offset."""
    wide: Sequence[int] | None = None
    """The same fields of the zip64 end record. It is written if these or the locator are given."""
    locator: tuple[int, int, int] | None = None
    """Disk, distance from the right place, and number of disks."""
    wide_length: int = 44

    def of(self, members: Sequence[tuple[str, bytes]]) -> bytes:
        """Return the zip of these members."""
        body = directory = b""
        for text, data in members:
            name, size, crc, offset = text.encode(), len(data), zlib.crc32(data), len(body)
            known = (0, 0, 0) if self.descriptor else (crc, size, size)
            rest = (len(name), len(self.local_extra))
            body += struct.pack("<4s5H3L2H", b"PK\3\4", 20, self.flags, 0, 0, 33, *known, *rest)
            body += name + self.local_extra + data
            if self.descriptor:
                body += self.descriptor_magic + struct.pack(self.descriptor, crc, size, size)
            body += self.after_member
            fields = (20, 20, self.flags, 0, 0, 33, crc, size, size, len(name), len(self.extra))
            directory += struct.pack("<4s6H3L5H2L", b"PK\1\2", *fields, 0, 0, 0, 0, offset)
            directory += name + self.extra
        true = (0, 0, len(members), len(members), len(directory), len(body))
        return body + directory + self._ends(true)

    def _ends(self, true: tuple[int, ...]) -> bytes:
        end = struct.pack("<4s4H2LH", b"PK\5\6", *(self.classic or true), 0)
        if self.wide is None and self.locator is None:
            return end
        disk, distance, disks = self.locator or (0, 0, 1)
        wide = struct.pack("<4sQ2H2L4Q", b"PK\6\6", self.wide_length, 45, 45, *(self.wide or true))
        locator = struct.pack("<4sLQL", b"PK\6\7", disk, true[4] + true[5] + distance, disks)
        return wide + locator + end


def true_ends(members: Sequence[tuple[str, bytes]] = MEMBERS) -> tuple[int, ...]:
    """Return the fields of the end record of a plain zip."""
    return struct.unpack("<4s4H2LH", Zip().of(members)[-22:])[1:-1]


def test_the_zips_of_these_tests_can_be_read() -> None:
    assert read_conda(Zip().of(MEMBERS)).subdir == "noarch"


@pytest.mark.parametrize("classic", [None, MARKS])
def test_two_end_records_that_agree_are_read(classic: Sequence[int] | None) -> None:
    data = Zip(classic=classic, wide=true_ends()).of(MEMBERS)
    assert read_conda(data).subdir == "noarch"


@pytest.mark.parametrize("field", range(6))
@pytest.mark.parametrize("others", [true_ends(), MARKS])
def test_two_end_records_that_disagree_are_refused(field: int, others: tuple[int, ...]) -> None:
    true = true_ends()
    classic = [*others]
    classic[field] = true[field] + 1
    with pytest.raises(CorruptArchive, match="two end records disagree"):
        read_conda(Zip(classic=classic, wide=true).of(MEMBERS))


@pytest.mark.parametrize("locator", [(1, 0, 1), (0, 1, 1), (0, -1, 1), (0, 0, 2)])
def test_a_zip64_end_record_elsewhere_is_refused(locator: tuple[int, int, int]) -> None:
    with pytest.raises(CorruptArchive, match="misplaced"):
        read_conda(Zip(locator=locator).of(MEMBERS))


def test_a_zip64_end_record_of_another_length_is_refused() -> None:
    with pytest.raises(CorruptArchive, match="zip64 end record is malformed"):
        read_conda(Zip(wide=true_ends(), wide_length=45).of(MEMBERS))


@pytest.mark.parametrize(
    ("field", "reason"), [(0, "several disks"), (1, "several disks"), (2, "several disks")]
)
def test_several_disks_are_refused(field: int, reason: str) -> None:
    ends = [*true_ends()]
    ends[field] += 1
    with pytest.raises(CorruptArchive, match=reason):
        read_conda(Zip(classic=ends).of(MEMBERS))


@pytest.mark.parametrize(("change", "error"), [(1, CorruptArchive), (-1, TrailingData)])
def test_a_wrong_number_of_entries_is_refused(change: int, error: type[Exception]) -> None:
    disk, first, here, count, *rest = true_ends()
    with pytest.raises(error, match="directory"):
        read_conda(Zip(classic=(disk, first, here + change, count + change, *rest)).of(MEMBERS))


def test_a_directory_of_many_members_is_refused_unread() -> None:
    with pytest.raises(CorruptArchive, match="larger than three members need"):
        read_conda(Zip().of([(f"{number:0200}", b"") for number in range(300)]))


def field(kind: int, data: bytes) -> bytes:
    """Return one extra field."""
    return struct.pack("<HH", kind, len(data)) + data


@pytest.mark.parametrize(
    "extra",
    [
        b"\1",
        field(1, bytes(8))[:-1],
        field(1, bytes(7)),
        field(1, bytes(8)) * 2,
        field(0x7075, b"other"),
    ],
    ids=["cut", "short", "odd length", "twice", "another name"],
)
@pytest.mark.parametrize("place", ["extra", "local_extra"])
def test_malformed_extra_fields_are_refused(place: str, extra: bytes) -> None:
    with pytest.raises(CorruptArchive, match="field is malformed"):
        read_conda(Zip(**{place: extra}).of(MEMBERS))  # type: ignore[arg-type]


def test_unknown_extra_fields_are_ignored() -> None:
    stamps = field(0x5455, b"\1\0\0\0\0")
    assert read_conda(Zip(extra=stamps, local_extra=stamps).of(MEMBERS)).subdir == "noarch"


@pytest.mark.parametrize("members", [MEMBERS, WITH_EMPTY], ids=["full", "empty"])
@pytest.mark.parametrize("layout", ["<LLL", "<LQQ"])
@pytest.mark.parametrize("magic", [b"", b"PK\7\x08"], ids=["plain", "magic"])
def test_each_form_of_data_descriptor_is_read(
    magic: bytes, layout: str, members: Sequence[tuple[str, bytes]]
) -> None:
    data = Zip(flags=DESCRIBED, descriptor=layout, descriptor_magic=magic).of(members)
    assert read_conda(data).subdir == "noarch"


@pytest.mark.parametrize("members", [MEMBERS, WITH_EMPTY], ids=["full", "empty"])
@pytest.mark.parametrize("junk", [b"x", bytes(4), bytes(8)])
def test_only_a_header_follows_a_data_descriptor(
    junk: bytes, members: Sequence[tuple[str, bytes]]
) -> None:
    data = Zip(flags=DESCRIBED, descriptor="<LLL", after_member=junk).of(members)
    with pytest.raises(BadZipMember, match="data descriptor"):
        read_conda(data)


def test_a_data_descriptor_of_other_sizes_is_refused() -> None:
    data = Zip(flags=DESCRIBED, descriptor="<LLL").of(MEMBERS)
    name, content = MEMBERS[0]
    at = 30 + len(name) + len(content)
    with pytest.raises(BadZipMember, match="data descriptor"):
        read_conda(data[:at] + b"\xee" + data[at + 1 :])
