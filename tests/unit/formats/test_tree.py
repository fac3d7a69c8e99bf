"""Members that are not allowed in a package, on any system that may unpack it."""

import bz2
import io
import itertools
import json
import tarfile
import threading
import time

import pytest

from pulp_conda.formats.archives import inspect
from pulp_conda.formats.archives.streams import Budget
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
from tests.builders import PackageBuilder, member, tar_of
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


def linked(**targets: str) -> PackageBuilder:
    """Return a package with symbolic links; `__` stands for a slash of their paths."""
    builder = package()
    for path, target in targets.items():
        builder.payload_member(path.replace("__", "/"), type=tarfile.SYMTYPE, linkname=target)
    return builder


OUTSIDE = [
    linked(link="/etc/passwd"),
    linked(link="../x"),
    linked(lib__link="../../x"),
    linked(link="C:/x"),
    linked(link="lib\\..\\..\\x"),
    linked(link="lib/../../x"),
    linked(a__b__down="../../lib", a__out="b/down/../../x"),
    linked(absolute="/usr/lib", a__through="../absolute/libcuda.so"),
    linked(lib__through="../info/root", info__root="/"),
]


@pytest.mark.parametrize("builder", OUTSIDE, ids=range(len(OUTSIDE)))
def test_links_out_of_the_package_are_refused_or_recorded(builder: PackageBuilder) -> None:
    assert_refused(builder, UnsafeLink)
    allowing = Limits(outside_links=True)
    for read, data in ((read_conda, builder.conda()), (read_tar, builder.tar_bz2())):
        assert read(data, allowing).traits == {"outside_links"}


@pytest.mark.parametrize("target", ["", "link"])
def test_circular_links_are_always_refused(target: str) -> None:
    link = linked(link=target)
    assert_refused(link, UnsafeLink)
    with pytest.raises(UnsafeLink):
        read_conda(link.conda(), Limits(outside_links=True))


@pytest.mark.parametrize("target", ["/etc/passwd", "../../x", "licence"])
def test_links_below_info_are_not_linked_into_environments(target: str) -> None:
    link = package().info_member("info/licence", type=tarfile.SYMTYPE, linkname=target)
    assert read_conda(link.conda()).traits == set()
    assert read_tar(link.tar_bz2()).traits == set()


@pytest.mark.parametrize("target", ["/etc/passwd", "../../x"])
def test_links_below_info_that_paths_json_lists_are_as_others(target: str) -> None:
    link = package().info_member("info/x", type=tarfile.SYMTYPE, linkname=target)
    listed = b'{"paths_version": 1, "paths": [{"_path": "info/x", "path_type": "softlink"}]}'
    assert_refused(link.document("paths.json", listed), UnsafeLink)


def test_links_below_info_of_a_package_without_paths_json_are_as_others() -> None:
    members = [
        member("info/index.json", json.dumps(package().index).encode()),
        member("info/files", b"info/x\n"),
        member("info/x", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    ]
    with pytest.raises(UnsafeLink):
        read_tar(bz2.compress(tar_of(members)))


def test_a_link_within_the_package_is_fine() -> None:
    link = package().payload_member("lib/link", type=tarfile.SYMTYPE, linkname="../lib/demo.txt")
    assert read_conda(link.conda()).filename.name == "demo"


@pytest.mark.parametrize("target", ["/etc/passwd", "../x", "C:x", "a\\..\\x", "absent", "lib", ""])
@pytest.mark.parametrize("path", ["lib/hard", "info/hard"])
def test_hard_links_name_a_file_before_them(path: str, target: str) -> None:
    link = package().payload_member(path, type=tarfile.LNKTYPE, linkname=target)
    assert_refused(link, UnsafeLink)
    with pytest.raises(UnsafeLink):
        read_conda(link.conda(), Limits(outside_links=True))


@pytest.mark.parametrize("target", ["lib", "/etc"])
@pytest.mark.parametrize("path", ["share", "info/share"])
def test_nothing_lies_beneath_a_symbolic_link(path: str, target: str) -> None:
    beneath = (
        package()
        .payload_member(path, type=tarfile.SYMTYPE, linkname=target)
        .payload_member(f"{path}/x", b"x")
    )
    assert_refused(beneath, UnsafePath)
    with pytest.raises(UnsafePath):
        read_conda(beneath.conda(), Limits(outside_links=True))


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
def test_files_that_only_clients_write_are_refused(path: str) -> None:
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


def test_processor_time_is_bounded() -> None:
    with pytest.raises(TooSlow, match="processor time"):
        read_conda(package().conda(), Limits(seconds=-1))


def test_the_clock_is_read_in_some_steps() -> None:
    def exhaust(steps: int) -> None:
        for _ in range(steps):
            budget.check_time()

    looks = itertools.count()
    budget = Budget(Limits(seconds=9.5), 0, clock=looks.__next__)
    with pytest.raises(TooSlow, match="9 s"):
        exhaust(1000)
    assert next(looks) == 11


def test_large_packages_may_take_longer() -> None:
    limits = Limits(seconds=2, bytes_per_second=1000)
    assert [limits.seconds_for(size) for size in (0, 500, 10_000)] == [2, 2.5, 12]
    assert Limits().seconds_for(Limits().package_bytes) > 3600


def test_processor_time_of_others_does_not_count() -> None:
    limit = 0.5

    def work() -> None:
        until = time.thread_time() + 2 * limit
        while time.thread_time() < until:
            pass

    class Busy(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if not others:
                others.append(threading.Thread(target=work))
                others[0].start()
                others[0].join()
            return super().read(size)

    others: list[threading.Thread] = []
    data = package().conda()
    assert inspect(Busy(data), "conda", Limits(seconds=limit, bytes_per_second=len(data) * 10**6))
    assert others
