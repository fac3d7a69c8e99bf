"""Names of files, as Windows and macOS interpret them."""

import contextlib
import ntpath
import posixpath
import tarfile

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pulp_conda.formats.errors import InvalidPackage, MisplacedMember, UnsafeLink, UnsafePath
from pulp_conda.formats.file_names import climbs, is_absolute, may_be, normalized_name
from pulp_conda.formats.limits import Limits
from tests.builders import PackageBuilder
from tests.unit.formats.packages import read_conda, read_tar

PATHS = st.text(st.sampled_from("./\\: aB~\u200c\xe9"), max_size=12)
RESERVED = "info/repodata_record.json"


@given(PATHS)
def test_a_path_that_neither_climbs_nor_is_absolute_stays_inside(path: str) -> None:
    assume(not climbs(path) and not is_absolute(path))
    for system, root in ((ntpath, "C:\\pkg"), (posixpath, "/pkg")):
        where = system.normpath(system.join(root, path))
        assert where == root or where.startswith(root + system.sep)


@given(
    case=st.lists(st.booleans(), min_size=len(RESERVED), max_size=len(RESERVED)),
    unseen=st.integers(0, len(RESERVED)),
    mark=st.sampled_from(["", "\u200d", "\ufeff", "\u206a"]),
    ending=st.sampled_from(["", ".", " ", ". .", "::$DATA", ":stream"]),
    separator=st.sampled_from(["/", "\\", "//", "/./", " /", "./", "\\.\\"]),
)
def test_every_spelling_of_a_name_is_recognised(
    case: list[bool], unseen: int, mark: str, ending: str, separator: str
) -> None:
    cased = [letter.upper() if up else letter for letter, up in zip(RESERVED, case, strict=True)]
    cased.insert(unseen, mark)
    assert may_be("".join(cased).replace("/", separator) + ending, RESERVED)


@pytest.mark.parametrize(
    "path", ["info/repodata_record.jsn", "info", "x/info/repodata_record.json", "info/repo~1.jso"]
)
def test_other_names_are_not_taken_for_it(path: str) -> None:
    assert not may_be(path, RESERVED)


@given(st.text())
def test_a_spelling_is_its_own(name: str) -> None:
    assert normalized_name(normalized_name(name)) == normalized_name(name)


@pytest.mark.parametrize(
    "path",
    [
        "conda-meta/history",
        "Conda-Meta/history",
        "conda-meta\\history",
        ".\\conda-meta\\history",
        "conda-meta./history",
        "conda-meta /history",
        "conda-meta",
        "conda-meta::$INDEX_ALLOCATION/history",
        "conda-m\u200deta/history",
        "CONDA-~1/history",
        "info/repodata_record.json",
        "info/Repodata_Record.json",
        "info\\repodata_record.json",
        "info/repodata_record.json::$DATA",
        "info/repodata_record.json.",
        "info/REPODA~1.JSO",
        "INFO/anything",
        "info./index.json",
        "info\\index.json",
        "info/INDEX.json",
        "info/about.json ",
        "info/run_exports.json:x",
    ],
)
def test_reserved_names_are_refused_in_every_spelling(path: str) -> None:
    with pytest.raises(MisplacedMember):
        read_tar(PackageBuilder().payload_member(path, b"{}").tar_bz2())


@pytest.mark.parametrize(
    "path",
    [
        "lib/conda-meta/x",
        "conda-metadata/x",
        "information/x",
        "info/index.json.bak",
        "info/licenses/INDEX.JSON",
        "lib/systemd/a\\x2db.slice",
        "share/man/Foo::Bar.3pm",
        "lib/...x/y..z/.hidden",
        "share/~1/x",
        "share/\xe9\u0301",
    ],
)
def test_names_that_only_resemble_them_are_fine(path: str) -> None:
    assert read_tar(PackageBuilder().payload_member(path, b"{}").tar_bz2())


@pytest.mark.parametrize(
    "path",
    ["..\\x", "lib/.. /x", "lib/. ./x", "lib\\..\\x", "a/..::$DATA/x", "a/.\u200d./x", "lib/.../x"],
)
def test_paths_that_climb_on_some_system_are_refused(path: str) -> None:
    with pytest.raises(UnsafePath):
        read_tar(PackageBuilder().payload_member(path, b"x").tar_bz2())


@pytest.mark.parametrize("mark", ["\x1b[2J", "\n", "\x7f", "\x9b", "\u202e", "\u2067", "\u200f"])
def test_names_with_control_characters_or_changes_of_direction_are_refused(mark: str) -> None:
    named = PackageBuilder().payload_member(f"lib/a{mark}b", b"x")
    linked = PackageBuilder().payload_member("lib/l", type=tarfile.SYMTYPE, linkname=f"a{mark}b")
    for builder in (named, linked):
        with pytest.raises(UnsafePath, match="terminals"):
            read_conda(builder.conda())


def with_links(members: dict[str, str], *files: str) -> bytes:
    builder = PackageBuilder()
    for path, target in members.items():
        builder.payload_member(path, type=tarfile.SYMTYPE, linkname=target)
    for file in files:
        builder.payload_member(file, b"x")
    return builder.conda()


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (with_links({"Lib": "share"}, "lib/x"), UnsafePath),
        (with_links({"lib": "share"}, "LIB./deep/x"), UnsafePath),
        (with_links({"a/Lib": "x"}, "A/lib/deep/x"), UnsafePath),
        (with_links({"a/lib": "x"}, "a\\lib\\x"), UnsafePath),
        (with_links({"l\xe9": "x"}, "le\u0301/x"), UnsafePath),
        (with_links({"a/b/Down": "../..", "a/b/out": "down/../x"}), UnsafeLink),
        (with_links({"out": "a\\..\\..\\x"}), UnsafeLink),
        (with_links({"out": ".. /x"}), UnsafeLink),
        (with_links({"out": "C:x"}), UnsafeLink),
        (with_links({"out": "\\x"}), UnsafeLink),
    ],
)
def test_links_are_followed_as_on_systems_that_ignore_case(
    data: bytes, error: type[InvalidPackage]
) -> None:
    with pytest.raises(error):
        read_conda(data)


@pytest.mark.parametrize(
    "data",
    [
        with_links({"share/terminfo/N/NCR": "../n/ncr"}, "share/terminfo/n/ncr", "lib/x"),
        with_links({"include/GL": "gl"}, "include/gl/x.h"),
        with_links({"lib/Foo.so": "foo.so"}, "lib/foo.so"),
        with_links({"bin/R": "../lib/R/bin/R"}, "lib/R/bin/R", "bin/r"),
    ],
)
def test_names_that_differ_in_case_are_fine_where_no_link_is_followed(data: bytes) -> None:
    assert read_conda(data).traits == set()


@pytest.mark.parametrize("file", ["info/L", "info/L/x", "info\\l\\x"])
def test_a_file_may_not_be_written_through_a_link_below_info(file: str) -> None:
    assert read_conda(with_links({"info/l": "/etc/passwd"}, "info/other")).traits == set()
    with pytest.raises(InvalidPackage):
        read_conda(with_links({"info/l": "/etc/passwd"}, file))


@pytest.mark.parametrize(
    "links",
    [
        {"lib/L": "../info/index.json"},
        {"lib/L": "b", "lib/b": "../Info/index.json"},
        {"lib/L": "../x/index.json", "x": "info"},
        {"lib/L": "../conda-meta/history"},
    ],
)
def test_a_file_may_not_be_written_into_metadata_through_a_link(links: dict[str, str]) -> None:
    assert read_conda(with_links(links, "lib/other")).traits == set()
    with pytest.raises(UnsafePath):
        read_conda(with_links(links, "lib/l"))


def test_a_file_may_not_be_written_through_an_accepted_link() -> None:
    accepting = Limits(outside_links=True)
    assert read_conda(with_links({"Lib": "/etc"}, "x"), accepting).traits == {"outside_links"}
    for file in ("lib", "lib/x", "LIB\\x"):
        with pytest.raises(UnsafePath):
            read_conda(with_links({"Lib": "/etc"}, file), accepting)


NAMES = st.text(st.sampled_from("aAb./\\: ~"), min_size=1, max_size=8)


@given(st.dictionaries(NAMES, NAMES, max_size=4), st.lists(NAMES, max_size=4))
def test_a_package_with_any_names_is_accepted_or_refused(
    links: dict[str, str], files: list[str]
) -> None:
    for limits in (Limits(), Limits(outside_links=True)):
        with contextlib.suppress(InvalidPackage):
            assert read_conda(with_links(links, *files), limits).filename.name == "demo"
