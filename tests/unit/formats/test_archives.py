"""Whole packages: which are accepted, and the metadata that is read from them."""

import io
import tarfile
from pathlib import Path
from typing import cast

import pytest

from pulp_conda.formats.archives import inspect, sniff
from pulp_conda.formats.errors import (
    BadMember,
    DocumentTooLarge,
    InvalidPackage,
    LyingExtension,
    PackageTooLarge,
)
from pulp_conda.formats.identifiers import Extension
from pulp_conda.formats.limits import Limits
from tests.builders import PackageBuilder
from tests.real_data import needs_real_packages, real_packages
from tests.unit.formats.packages import read_conda, read_tar


def builder() -> PackageBuilder:
    return (
        PackageBuilder("demo", "1.2", "py_0")
        .depends("python >=3.9")
        .about(summary="A demo", home="https://example.org")
        .file("lib/demo.txt")
    )


@needs_real_packages
@pytest.mark.parametrize("path", real_packages(), ids=lambda path: path.name)
def test_real_packages_are_accepted_under_their_own_names(path: Path) -> None:
    with path.open("rb") as file:
        extension = sniff(file)
        contents = inspect(file, extension, Limits())
    assert str(contents.filename) == path.name
    assert contents.subdir == path.parent.name


@pytest.mark.parametrize("extension", ["conda", "tar.bz2"])
def test_both_formats_give_the_same_metadata(extension: str) -> None:
    package = builder()
    contents = read_conda(package.conda()) if extension == "conda" else read_tar(package.tar_bz2())
    assert str(contents.filename) == f"demo-1.2-py_0.{extension}"
    assert contents.subdir == "noarch"
    assert contents.index["depends"] == ["python >=3.9"]
    assert contents.about["summary"] == "A demo"
    assert contents.run_exports == {}


def test_paths_may_begin_with_a_dot_slash() -> None:
    package = builder()
    package.prefix = "./"
    assert read_tar(package.tar_bz2()).filename.name == "demo"


def test_info_may_come_after_the_payload() -> None:
    package = builder()
    package.payload_first = True
    assert read_tar(package.tar_bz2()).filename.name == "demo"


def test_packages_older_than_paths_json_have_info_files() -> None:
    package = builder().document("files", b"lib/demo.txt\n")
    package.documents["paths.json"] = b"{}"
    with pytest.raises(InvalidPackage, match=r"info/paths\.json"):
        read_tar(package.tar_bz2())


def test_a_bare_list_of_run_exports_means_weak_ones() -> None:
    package = builder().document("run_exports.json", b'["demo >=1"]')
    assert read_conda(package.conda()).run_exports == {"weak": ["demo >=1"]}


@pytest.mark.parametrize(
    ("path", "trait"),
    [
        ("etc/conda/activate.d/demo.sh", "activate.d"),
        ("etc/conda/deactivate.d/demo.sh", "deactivate.d"),
        ("bin/.demo-post-link.sh", "post_link"),
        ("bin/.demo-pre-link.sh", "pre_link"),
        ("Scripts/.demo-pre-unlink.bat", "pre_unlink"),
    ],
)
def test_scripts_that_run_on_clients_are_traits(path: str, trait: str) -> None:
    assert read_conda(builder().file(path).conda()).traits == {trait}


def test_another_packages_link_script_is_none() -> None:
    assert read_conda(builder().file("bin/.other-post-link.sh").conda()).traits == frozenset()


def test_a_wrong_extension_is_refused() -> None:
    with pytest.raises(LyingExtension, match="conda"):
        read_conda(builder().tar_bz2())
    with pytest.raises(LyingExtension, match=r"tar\.bz2"):
        read_tar(builder().conda())
    with pytest.raises(LyingExtension):
        read_tar(b"")


def test_a_file_over_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(PackageTooLarge):
        read_conda(b"PK\3\4" + bytes(100), Limits(package_bytes=50))


@pytest.mark.parametrize("extension", ["conda", "tar.bz2"])
def test_a_package_cut_off_at_any_byte_is_refused(extension: str) -> None:
    package = builder()
    whole, read = (
        (package.conda(), read_conda) if extension == "conda" else (package.tar_bz2(), read_tar)
    )
    for length in range(len(whole)):
        with pytest.raises(InvalidPackage):
            read(whole[:length])


def test_patch_instructions_are_passed_on_by_subdir() -> None:
    builder = PackageBuilder().file("noarch/patch_instructions.json", b"{}")
    builder.file("linux-64/patch_instructions.json", b'{"remove": []}')
    builder.file("share/patch_instructions.json").file("share/noarch/patch_instructions.json")
    for extension, data in (("conda", builder.conda()), ("tar.bz2", builder.tar_bz2())):
        found: dict[str, bytes] = {}
        inspect(
            io.BytesIO(data), cast(Extension, extension), Limits(), instructions=found.__setitem__
        )
        assert found == {"noarch": b"{}", "linux-64": b'{"remove": []}'}


def test_patch_instructions_are_bounded_and_no_links() -> None:
    path = "noarch/patch_instructions.json"
    large = PackageBuilder().file(path, b" " * 100).conda()
    with pytest.raises(DocumentTooLarge, match="100 bytes"):
        inspect(io.BytesIO(large), "conda", Limits(patch_document_bytes=99), instructions=ignored)
    link = PackageBuilder().file("a").payload_member(path, type=tarfile.SYMTYPE, linkname="../a")
    with pytest.raises(BadMember, match="must be a file"):
        inspect(io.BytesIO(link.conda()), "conda", Limits(), instructions=ignored)
    inspect(io.BytesIO(link.conda()), "conda", Limits())


def ignored(_subdir: str, _data: bytes) -> None:
    return
