"""The values that info/index.json may have."""

import time

import pytest

from pulp_conda.formats.errors import (
    InvalidBuild,
    InvalidDependency,
    InvalidField,
    InvalidJson,
    InvalidName,
    InvalidPackage,
    InvalidSubdir,
    InvalidVersion,
    MissingDocument,
)
from tests.builders import PackageBuilder, member, tar_of, zip_of, zstd
from tests.unit.formats.packages import VALID, read_conda, read_index, with_field


def test_the_least_index_is_valid() -> None:
    read_index(VALID)


@pytest.mark.parametrize("field", ["name", "version", "build"])
def test_identity_is_required(field: str) -> None:
    with pytest.raises(InvalidField, match=field):
        read_conda(index_without(field))


@pytest.mark.parametrize(
    ("fields", "claimed", "expected"),
    [
        ({}, "win-64", "win-64"),
        ({"subdir": None}, "win-64", "win-64"),
        ({"platform": "linux", "arch": "x86_64"}, None, "linux-64"),
        ({"platform": "win", "arch": "x86"}, None, "win-32"),
        ({"platform": "linux", "arch": "ppc64le"}, None, "linux-ppc64le"),
        ({"platform": "linux", "arch": "x86_64"}, "noarch", "noarch"),
        ({"platform": None, "arch": None, "noarch": "python"}, None, "noarch"),
        ({"noarch": True}, None, "noarch"),
        ({"subdir": "linux-64"}, "win-64", "linux-64"),
    ],
)
def test_an_absent_subdir_comes_from_other_fields(
    fields: dict[str, object], claimed: str | None, expected: str
) -> None:
    package = PackageBuilder().without_index("subdir", "noarch").with_index(**fields)
    contents = read_conda(package.conda(), claimed_subdir=claimed)
    assert contents.subdir == contents.index["subdir"] == expected


@pytest.mark.parametrize(
    ("fields", "claimed", "error"),
    [
        ({}, None, InvalidField),
        ({"platform": "linux"}, None, InvalidField),
        ({"platform": 1, "arch": ["x86_64"]}, None, InvalidField),
        ({"platform": "Linux", "arch": "x86_64"}, None, InvalidSubdir),
        ({"platform": "../x", "arch": "x86_64"}, None, InvalidSubdir),
        ({"subdir": ""}, "linux-64", InvalidSubdir),
        ({"subdir": 1}, "linux-64", InvalidField),
        ({}, "../x", InvalidSubdir),
        ({"noarch": "generic"}, "linux-64", InvalidField),
    ],
)
def test_a_package_without_any_subdir_is_refused(
    fields: dict[str, object], claimed: str | None, error: type[InvalidPackage]
) -> None:
    package = PackageBuilder().without_index("subdir", "noarch").with_index(**fields)
    with pytest.raises(error, match="subdir"):
        read_conda(package.conda(), claimed_subdir=claimed)


def test_an_absent_build_number_is_0() -> None:
    package = PackageBuilder().without_index("build_number")
    assert read_conda(package.conda()).index["build_number"] == 0


def test_whole_floats_are_integers() -> None:
    package = PackageBuilder().with_index(
        timestamp=1719972900.0, build_number=3.0, schema_version=1.0, other=[-0.0, 1e3, 0.5]
    )
    index = read_conda(package.conda()).index
    read = [index[field] for field in ("timestamp", "build_number", "schema_version", "other")]
    assert repr(read) == "[1719972900, 3, 1, [0, 1000, 0.5]]"


def index_without(field: str) -> bytes:
    builder = PackageBuilder()
    members = builder.zip_members()
    builder.without_index(field)
    tar = tar_of([member("info/index.json", str(builder.index).replace("'", '"').encode())])
    return zip_of(
        [(name, zstd(tar) if name.startswith("info-") else data) for name, data in members]
    )


@pytest.mark.parametrize(
    "name", ["", "name!", "nAMe", "a b", "__glibc", "a--b", "-a", "ä", "a/b", "x" * 65]
)
def test_names_outside_the_grammar_are_refused(name: str) -> None:
    with pytest.raises(InvalidName):
        read_conda(PackageBuilder(name.replace("/", "/") or "").conda())


@pytest.mark.parametrize("version", ["", "1.0-2", "1 0", "1/0", "1.0=", "A", "1" * 65])
def test_versions_outside_the_grammar_are_refused(version: str) -> None:
    with pytest.raises(InvalidVersion):
        read_conda(PackageBuilder(version=version).conda())


@pytest.mark.parametrize("version", ["1!2.0", "2025b", "1.0.post1+local.1", "1.1.1w", "1_2"])
def test_versions_of_real_packages_are_accepted(version: str) -> None:
    assert read_conda(PackageBuilder(version=version).conda()).filename.version == version


@pytest.mark.parametrize("build", ["", "a-b", "a b", "a/b"])
def test_builds_outside_the_grammar_are_refused(build: str) -> None:
    with pytest.raises(InvalidBuild):
        read_conda(PackageBuilder(build=build).conda())


@pytest.mark.parametrize("subdir", ["", "linux", "Linux-64", "linux-64-x", "../linux-64", "a/b"])
def test_subdirs_outside_the_grammar_are_refused(subdir: str) -> None:
    with pytest.raises(InvalidSubdir):
        read_conda(PackageBuilder().subdir(subdir).conda())


@pytest.mark.parametrize(
    "text",
    [
        b'"build_number": "0"',
        b'"build_number": -1',
        b'"build_number": true',
        b'"build_number": 1.5',
    ],
)
def test_build_numbers_are_integers_from_zero(text: bytes) -> None:
    with pytest.raises(InvalidPackage):
        read_index(VALID.replace(b'"build_number":0', text))


@pytest.mark.parametrize(
    "text",
    [
        b'"noarch": "java"',
        b'"noarch": 1',
        b'"depends": "python"',
        b'"depends": [1]',
        b'"depends": {"a": 1}',
        b'"constrains": "x"',
        b'"license": ["MIT"]',
        b'"timestamp": "now"',
        b'"timestamp": -1',
        b'"timestamp": true',
        b'"track_features": [1]',
        b'"track_features": 5',
        b'"python_site_packages_path": "../../etc"',
        b'"python_site_packages_path": "/etc"',
        b'"python_site_packages_path": "\\\\etc"',
        b'"python_site_packages_path": "lib\\\\site-packages"',
        b'"python_site_packages_path": "..\\\\etc"',
        b'"python_site_packages_path": "C:/x"',
        b'"python_site_packages_path": "C:x"',
        b'"python_site_packages_path": "lib/.. /.. /x"',
        b'"python_site_packages_path": "lib/\\u202ex"',
    ],
)
def test_wrong_types_and_values_are_refused(text: bytes) -> None:
    with pytest.raises(InvalidField):
        read_index(with_field(text))


@pytest.mark.parametrize(
    "text",
    [
        b'"noarch": true',
        b'"noarch": false',
        b'"noarch": null',
        b'"depends": null',
        b'"license": null',
        b'"timestamp": 1748804951958',
        b'"timestamp": 1300000000',
        b'"unknown": {"deep": [1, 2.5]}',
        b'"track_features": ["a"]',
        b'"depends": ["python >=3.9,<4", "x 1.0 *_cpython"]',
    ],
)
def test_values_of_real_packages_are_accepted(text: bytes) -> None:
    read_index(with_field(text))


@pytest.mark.parametrize("noarch", ["generic", True])
def test_a_generic_noarch_package_lies_in_noarch(noarch: object) -> None:
    with pytest.raises(InvalidField, match="noarch"):
        read_conda(PackageBuilder().with_index(subdir="linux-64", noarch=noarch).conda())


def test_a_package_for_the_stable_abi_of_python_lies_in_its_platform() -> None:
    package = PackageBuilder().with_index(subdir="linux-64", noarch="python")
    assert read_conda(package.conda()).subdir == "linux-64"


def test_a_timestamp_in_the_future_is_refused() -> None:
    soon = int((time.time() + 3600) * 1000)
    read_index(with_field(b'"timestamp": %d' % soon))
    with pytest.raises(InvalidField, match="future"):
        read_index(with_field(b'"timestamp": %d' % (soon + 3 * 24 * 3600 * 1000)))


@pytest.mark.parametrize("spec", ["", "python >=>3", "[x", "python[version=1"])
def test_dependencies_that_no_client_understands_are_refused(spec: str) -> None:
    with pytest.raises(InvalidDependency):
        read_conda(PackageBuilder().depends(spec).conda())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b'"x"',
        b"{",
        VALID + b"x",
        b"\xef\xbb\xbf" + VALID,
        VALID.decode().encode("utf-16"),
        VALID.decode().encode("utf-16-le"),
        b"\xff\xfe",
        with_field(b'"x": NaN'),
        with_field(b'"x": Infinity'),
        with_field(b'"x": 1e999'),
        with_field(b'"x": "\\ud800"'),
        with_field(b'"x": "\\u0000"'),
        with_field(b'"\\u0000": 1'),
        with_field(b'"x": ' + b"9" * 400),
        with_field(b'"x": ' + b"[" * 100 + b"]" * 100),
        with_field(b'"x": ' + b"[" * 200_000),
        with_field(b'"name": "other"'),
        b"{" * 100_000,
    ],
    ids=lambda data: str(len(data)),
)
def test_json_that_readers_disagree_about_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidJson):
        read_index(data)


def test_a_package_without_an_index_is_refused() -> None:
    builder = PackageBuilder()
    members = builder.zip_members()
    empty = zstd(tar_of([member("info/dummy.txt", b"")]))
    spoilt = [(name, empty if name.startswith("info-") else data) for name, data in members]
    with pytest.raises(MissingDocument, match=r"info/index\.json"):
        read_conda(zip_of(spoilt))
