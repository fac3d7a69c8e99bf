"""What may not be in a package's tree, wherever it would be unpacked."""

import tarfile

import pytest

from pulp_conda.formats.errors import (
    DuplicateMember,
    ExpandsTooFar,
    InvalidPackage,
    MisplacedMember,
    MissingFile,
    SpecialFile,
    TooManyMembers,
    TooSlow,
    UnsafeLink,
    UnsafePath,
)
from pulp_conda.formats.limits import Limits
from tests.builders import PackageBuilder
from tests.unit.formats.packages import read_conda, read_tar


def package() -> PackageBuilder:
    return PackageBuilder().file("lib/demo.txt")


def assert_refused(builder: PackageBuilder, error: type[InvalidPackage]) -> None:
    for read, data in ((read_conda, builder.conda()), (read_tar, builder.tar_bz2())):
        with pytest.raises(error):
            read(data)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../x",
        "lib/../../x",
        "a/..",
        "..",
        "\\x",
        "..\\x",
        "C:/x",
        "C:\\x",
        "a\\..\\..\\x",
    ],
)
def test_paths_out_of_the_package_are_unsafe(path: str) -> None:
    assert_refused(package().payload_member(path, b"x"), UnsafePath)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("link", "/etc/passwd"),
        ("link", "../x"),
        ("lib/link", "../../x"),
        ("link", "C:/x"),
        ("link", "lib/../../x"),
        ("link", ""),
        ("link", "link"),
    ],
)
def test_symbolic_links_out_of_the_package_are_unsafe(path: str, target: str) -> None:
    link = package().payload_member(path, type=tarfile.SYMTYPE, linkname=target)
    assert_refused(link, UnsafeLink)


def test_links_that_lead_out_only_together_are_unsafe() -> None:
    links = (
        package()
        .payload_member("a/b/down", type=tarfile.SYMTYPE, linkname="../../lib")
        .payload_member("a/out", type=tarfile.SYMTYPE, linkname="b/down/../../x")
    )
    assert_refused(links, UnsafeLink)


def test_a_link_within_the_package_is_fine() -> None:
    link = package().payload_member("lib/link", type=tarfile.SYMTYPE, linkname="../lib/demo.txt")
    assert read_conda(link.conda()).filename.name == "demo"


@pytest.mark.parametrize("target", ["/etc/passwd", "../x", "absent", "lib"])
def test_hard_links_name_a_file_before_them(target: str) -> None:
    link = package().payload_member("lib/hard", type=tarfile.LNKTYPE, linkname=target)
    assert_refused(link, UnsafeLink)


def test_nothing_lies_beneath_a_symbolic_link() -> None:
    beneath = (
        package()
        .payload_member("share", type=tarfile.SYMTYPE, linkname="lib")
        .payload_member("share/x", b"x")
    )
    assert_refused(beneath, UnsafePath)


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"Z"])
def test_devices_and_pipes_are_refused(kind: bytes) -> None:
    assert_refused(package().payload_member("dev", type=kind), SpecialFile)


@pytest.mark.parametrize("path", ["lib/demo.txt", "./lib/demo.txt", "lib//demo.txt", "lib"])
def test_a_path_occurs_once(path: str) -> None:
    assert_refused(package().payload_member(path, b"other"), DuplicateMember)


def test_a_file_is_no_directory() -> None:
    assert_refused(package().payload_member("lib/demo.txt/x", b"x"), DuplicateMember)


def test_documents_occur_once() -> None:
    assert_refused(package().info_member("info/index.json", b"{}"), DuplicateMember)


@pytest.mark.parametrize("path", ["conda-meta/history", "info/repodata_record.json"])
def test_what_only_clients_write_is_refused(path: str) -> None:
    data = package().info_member(path, b"{}").tar_bz2()
    with pytest.raises(MisplacedMember):
        read_tar(data)


def test_every_listed_path_must_be_there() -> None:
    builder = package()
    builder.documents["paths.json"] = (
        b'{"paths_version": 1, "paths": [{"_path": "lib/absent", "path_type": "hardlink"}]}'
    )
    assert_refused(builder, MissingFile)


def test_names_that_are_not_utf8_are_refused() -> None:
    assert_refused(package().payload_member("lib/\udcff", b"x"), InvalidPackage)


def test_a_bomb_is_defused_by_its_ratio() -> None:
    limits = Limits(ratio_floor_bytes=1024**2, ratio=100)
    bomb = package().file("lib/zeros", bytes(8 * 1024**2))
    for read, data in ((read_conda, bomb.conda()), (read_tar, bomb.tar_bz2())):
        assert len(data) < 20_000
        with pytest.raises(ExpandsTooFar):
            read(data, limits)


def test_a_bomb_is_defused_by_its_size() -> None:
    with pytest.raises(ExpandsTooFar):
        read_conda(package().file("z", bytes(3 * 1024**2)).conda(), Limits(expanded_bytes=1024**2))


def test_members_are_counted() -> None:
    builder = package()
    for number in range(20):
        builder.file(f"f/{number}", b"")
    with pytest.raises(TooManyMembers):
        read_conda(builder.conda(), Limits(members=10))


def test_time_is_bounded() -> None:
    with pytest.raises(TooSlow):
        read_conda(package().conda(), Limits(seconds=-1))
