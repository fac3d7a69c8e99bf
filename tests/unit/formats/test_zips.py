"""The outer zip of a .conda file."""

import struct
import zipfile

import pytest

from pulp_conda.formats.errors import (
    BadZipMember,
    CorruptArchive,
    InvalidJson,
    InvalidPackage,
    MisplacedMember,
    MissingZipMember,
    TrailingData,
    UnsupportedFormatVersion,
    WrongInnerName,
)
from tests.builders import PackageBuilder, member, tar_of, zip_of, zstd
from tests.unit.formats.packages import read_conda

BUILDER = PackageBuilder("demo", "1.0", "0").file("lib/demo.txt")


def spoilt(**replaced: bytes | None) -> bytes:
    """Return the package with members (metadata, info, pkg) replaced, or left out for None."""
    members = []
    for name, content in BUILDER.zip_members():
        new = replaced.get(name.split("-")[0].split(".")[0], content)
        if new is not None:
            members.append((name, new))
    return zip_of(members)


def test_deflated_members_are_refused() -> None:
    with pytest.raises(BadZipMember, match="stored"):
        read_conda(zip_of(BUILDER.zip_members(), zipfile.ZIP_DEFLATED))


def test_encrypted_members_are_refused() -> None:
    data = bytearray(BUILDER.conda())
    for signature, flags_at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(signature) + flags_at] |= 1
    with pytest.raises(BadZipMember, match="encrypted"):
        read_conda(bytes(data))


@pytest.mark.parametrize("junk", [b"x", b"#!/bin/sh\n", bytes(100)])
def test_data_before_and_after_the_zip_is_refused(junk: bytes) -> None:
    with pytest.raises(InvalidPackage):
        read_conda(junk + BUILDER.conda())
    with pytest.raises(TrailingData):
        read_conda(BUILDER.conda() + junk)


def test_data_between_members_is_refused() -> None:
    data = BUILDER.conda()
    end = bytearray(data[-22:])
    directory_at = struct.unpack("<L", end[16:20])[0]
    end[16:20] = struct.pack("<L", directory_at + 4)
    with pytest.raises(TrailingData):
        read_conda(data[:directory_at] + b"junk" + data[directory_at:-22] + bytes(end))


def test_an_archive_comment_is_refused() -> None:
    data = BUILDER.conda()
    with pytest.raises(TrailingData):
        read_conda(data[:-2] + b"\4\0junk")


@pytest.mark.parametrize("part", ["metadata", "info", "pkg"])
def test_each_of_the_three_members_is_needed(part: str) -> None:
    with pytest.raises(MissingZipMember, match=part):
        read_conda(spoilt(**{part: None}))


@pytest.mark.parametrize(
    "name", ["metadata.json", "info-other-1-0.tar.zst", "pkg-other-1-0.tar.zst", "readme.txt"]
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_more_than_the_three_members_are_refused(name: str) -> None:
    with pytest.raises(BadZipMember):
        read_conda(zip_of([*BUILDER.zip_members(), (name, b"{}")]))


@pytest.mark.parametrize("version", [b"1", b"3", b'"2"', b"null", b"true", b"2.5"])
def test_other_versions_of_the_format_are_refused(version: bytes) -> None:
    with pytest.raises(UnsupportedFormatVersion):
        read_conda(spoilt(metadata=b'{"conda_pkg_format_version": ' + version + b"}"))


def test_empty_metadata_means_the_only_version_there_was() -> None:
    assert read_conda(spoilt(metadata=b"")).subdir == "noarch"


@pytest.mark.parametrize("content", [b" ", b"{}", b"null", b"\0"])
def test_metadata_that_is_not_empty_must_say_the_version(content: bytes) -> None:
    with pytest.raises((UnsupportedFormatVersion, InvalidJson)):
        read_conda(spoilt(metadata=content))


def test_inner_names_must_be_those_of_the_metadata() -> None:
    renamed = [(name.replace("demo", "other"), data) for name, data in BUILDER.zip_members()]
    with pytest.raises(WrongInnerName, match=r"demo-1\.0-0"):
        read_conda(zip_of(renamed))
    metadata, payload, info = BUILDER.zip_members()
    with pytest.raises(WrongInnerName):
        read_conda(zip_of([metadata, ("pkg-other-1.0-0.tar.zst", payload[1]), info]))


def test_a_wrong_checksum_is_refused() -> None:
    data = bytearray(BUILDER.conda())
    info_at = data.index(b"info-demo") + 40
    data[info_at + 20] ^= 1
    with pytest.raises(InvalidPackage):
        read_conda(bytes(data))


def test_a_local_header_that_disagrees_is_refused() -> None:
    data = bytearray(BUILDER.conda())
    name_at = data.index(b"info-demo")
    data[name_at : name_at + 9] = b"info-Xemo"
    with pytest.raises(BadZipMember, match="disagree"):
        read_conda(bytes(data))


def test_metadata_documents_in_the_payload_are_refused() -> None:
    payload = zstd(tar_of([member("info/run_exports.json", b"{}")]))
    with pytest.raises(MisplacedMember):
        read_conda(spoilt(pkg=payload))


def test_the_info_half_holds_nothing_else() -> None:
    with pytest.raises(MisplacedMember):
        read_conda(BUILDER.__class__("demo").info_member("bin/sh", b"x").conda())


@pytest.mark.parametrize("content", [b"", b"junk", zstd(b"not a tar"), zstd(b"")])
def test_a_half_that_is_no_archive_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidPackage):
        read_conda(spoilt(info=content))


def test_several_zstd_frames_are_one_stream() -> None:
    info = BUILDER.info_tar()
    assert read_conda(spoilt(info=zstd(info[:1000]) + zstd(info[1000:]))).subdir == "noarch"


def test_data_after_the_zstd_stream_is_refused() -> None:
    with pytest.raises((TrailingData, CorruptArchive)):
        read_conda(spoilt(info=zstd(BUILDER.info_tar()) + b"junk"))
