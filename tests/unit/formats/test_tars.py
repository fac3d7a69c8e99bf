"""Tar archives are refused if readers disagree about them, and read otherwise."""

import bz2
import io
import tarfile
from collections.abc import Callable
from typing import Literal

import pytest

from pulp_conda.formats.errors import (
    BadMember,
    CorruptArchive,
    DocumentTooLarge,
    InvalidPackage,
    SpecialFile,
    TrailingData,
    TruncatedArchive,
    UnsafePath,
)
from tests.builders import PackageBuilder, member
from tests.unit.formats.packages import read_conda, read_tar

LONG = "lib/" + "d" * 90 + "/" + "f" * 180


def header(
    name: bytes = b"x",
    kind: bytes = b"0",
    size: bytes = b"00000000000\0",
    magic: bytes = b"ustar\x0000",
    prefix: bytes = b"",
) -> bytes:
    """Return a header block with these raw fields and a right checksum."""
    block = bytearray(512)
    for at, value in ((0, name), (124, size), (156, kind), (257, magic), (345, prefix)):
        block[at : at + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def extension(kind: bytes, data: bytes) -> bytes:
    return header(b"ext", kind, b"%011o\0" % len(data)) + data + bytes(-len(data) % 512)


def pax(**records: str) -> bytes:
    data = b""
    for keyword, value in records.items():
        rest = f" {keyword}={value}\n".encode()
        length = len(rest) + 1
        while len(str(length)) + len(rest) != length:
            length += 1
        data += str(length).encode() + rest
    return extension(b"x", data)


def package(raw: bytes = b"", end: bytes = bytes(1024)) -> bytes:
    """Return a .tar.bz2 package with ``raw`` blocks after its valid members."""
    builder = PackageBuilder()
    valid = bz2.decompress(builder.tar_bz2())
    with tarfile.open(fileobj=io.BytesIO(valid)) as tar:
        last = tar.getmembers()[-1]
    size = last.offset_data + last.size + -last.size % 512
    return bz2.compress(valid[:size] + raw + end)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_of_every_dialect_are_read(form: Literal[0, 1, 2]) -> None:
    name = LONG if form != tarfile.USTAR_FORMAT else "d" * 90 + "/" + "f" * 80
    info, _ = member(name + "/é", b"")
    raw = info.tobuf(form, "utf-8", "strict")
    assert read_tar(package(raw))
    with pytest.raises(InvalidPackage, match="already holds"):
        read_tar(package(raw + raw))


def test_sizes_in_base_256_are_read() -> None:
    size = b"\x80" + (5).to_bytes(11, "big")
    assert read_tar(package(header(size=size) + b"12345" + bytes(507)))


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (header(size=b"-0000000001\0"), BadMember),
        (header(size=b"0o7\0"), BadMember),
        (header(size=b"1_0\0"), BadMember),
        (header(size=b"\xff" * 12), BadMember),
        (header(magic=b"star?\x0000"), CorruptArchive),
        (header(magic=b"ustar  \0", prefix=b"lib"), CorruptArchive),
        (header(magic=bytes(8), prefix=b"lib"), CorruptArchive),
        (header(kind=b"5", size=b"00000000005\0"), BadMember),
        (header(kind=b"2", size=b"00000000005\0"), BadMember),
        (header(name=b"x/"), UnsafePath),
        (header(name=b""), UnsafePath),
        (header(name=b"./"), UnsafePath),
        (header(kind=b"S"), SpecialFile),
        (header(kind=b"7"), SpecialFile),
        (header(name=b"\xff"), UnsafePath),
        (pax(path="../x") + header(), UnsafePath),
        (pax(path="a\0b") + header(), UnsafePath),
        (pax(size="-1") + header(), BadMember),
        (pax(size="9" * 30) + header(), BadMember),
        (pax(**{"GNU.sparse.major": "1"}) + header(), SpecialFile),
        (pax(path="a") + pax(path="b") + header(), CorruptArchive),
        (pax(path="a") + extension(b"L", b"b\0") + header(), CorruptArchive),
        (extension(b"L", b"a\0") + extension(b"L", b"b\0") + header(), CorruptArchive),
        (extension(b"L", b"a\0b\0") + header(), UnsafePath),
        (extension(b"L", b"a" * 5000) + header(), BadMember),
        (pax(path="a"), CorruptArchive),
        (extension(b"L", b"a\0"), CorruptArchive),
        (extension(b"g", b"9 path=x\n") + header(), CorruptArchive),
        (extension(b"x", b"5 a=b\n") + header(), CorruptArchive),
        (extension(b"x", b"0 \n") + header(), CorruptArchive),
        (extension(b"x", b"99 a=b\n") + header(), CorruptArchive),
        (extension(b"x", bytes(70_000)), DocumentTooLarge),
        (header(kind=b"L", size=b"77777777777\0"), DocumentTooLarge),
        (bytes(512) + header(), CorruptArchive),
        (header()[:-1] + b"x", CorruptArchive),
        (header(size=b"77777777777\0"), TruncatedArchive),
    ],
)
def test_archives_that_readers_disagree_about_are_refused(
    raw: bytes, error: type[InvalidPackage]
) -> None:
    with pytest.raises(error):
        read_tar(package(raw))


def test_harmless_extensions_are_ignored() -> None:
    raw = extension(b"g", b"13 comment=a\n")
    assert read_tar(package(raw + pax(mtime="1.5", uname="é") + header()))


@pytest.mark.parametrize("end", [b"", bytes(512), bytes(1000)])
def test_an_archive_without_its_end_is_refused(end: bytes) -> None:
    with pytest.raises(TruncatedArchive):
        read_tar(package(end=end))


def test_zeros_may_follow_the_end_and_nothing_else() -> None:
    assert read_tar(package(end=bytes(10_240)))
    with pytest.raises(TrailingData):
        read_tar(package(end=bytes(5000) + b"x"))


@pytest.mark.parametrize("at", [0, 700, 1024, -1])
def test_an_archive_of_several_bzip2_streams_is_refused(at: int) -> None:
    # rattler 0.28 fails at 700, and at 1024 installs the first file alone.
    tar = bz2.decompress(package())
    with pytest.raises(TrailingData, match="first bzip2 stream"):
        read_tar(bz2.compress(tar[:at]) + bz2.compress(tar[at:]))


@pytest.mark.parametrize("junk", [b"x", b"BZ", b"\0", b"BZh9junk", bytes(600)])
def test_bytes_after_the_bzip2_stream_are_refused(junk: bytes) -> None:
    with pytest.raises(TrailingData):
        read_tar(package() + junk)


@pytest.mark.parametrize("read", [read_conda, read_tar])
def test_paths_with_harmless_backslashes_and_colons_are_fine(
    read: Callable[[bytes], object],
) -> None:
    builder = PackageBuilder().file("lib/dev-\\x2dfoo.slice").file("man/Foo::Bar.3pm")
    assert read(builder.conda() if read is read_conda else builder.tar_bz2())
