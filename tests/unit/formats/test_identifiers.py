"""Names must follow CEP 26 and 33 completely."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulp_conda.formats.errors import InvalidFilename, InvalidIdentifier
from pulp_conda.formats.identifiers import (
    KNOWN_SUBDIRS,
    PackageFilename,
    check_build,
    check_channel,
    check_label,
    check_name,
    check_owner,
    check_subdir,
    check_version,
    extension_of,
)

# The expression in CEP 26.
CEP_NAME = re.compile(r"(([a-z0-9])|([a-z0-9_](?!_)))[._-]?([a-z0-9]+(\.|-|_|$))*")


def accepts(check: Callable[[str], str], value: str) -> bool:
    try:
        return check(value) == value
    except InvalidIdentifier:
        return False


@given(st.text("ab1_.-", min_size=1, max_size=8))
def test_names_are_those_of_the_specification_without_doubled_separators(name: str) -> None:
    expected = bool(CEP_NAME.fullmatch(name)) and not re.search(r"[._-]{2}|^_[._-]", name)
    assert accepts(check_name, name) is expected


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (check_name, "_libgcc_mutex r-base.x x" + "1" * 63, "_-a __glibc A a..b é"),
        (check_version, "1!2.0 2025b 1.0_ 0.0.0.post1+l.1", "1..2 1-2 A . 1!!2 R15B01"),
        (check_build, "py27_0 Hab_1 a+b.c", "a-b a/b é"),
        (check_subdir, "noarch linux-64 any-thing", "linux Linux-64 a-b-c ../a-b"),
        (
            check_channel,
            "main a/b.c/_d Dev py3.11+cuda .a -a top/T t1 noarch/x",
            "/a a/ a//b a/../b a/. ... a:b é ~x t t/u noarch a/linux-64 a/20260101T000000Z",
        ),
        (check_label, "main a/b a.b-c", "1a /a é nolabel"),
        (check_owner, "Some.One _x 1", ".a -a a/b é .. a@b"),
    ],
)
def test_grammars(check: Callable[[str], str], good: str, bad: str) -> None:
    assert [value for value in good.split() if not accepts(check, value)] == []
    assert [value for value in bad.split() if accepts(check, value)] == []
    first = good.split()[0]
    assert not accepts(check, "")
    assert not accepts(check, first + "\n")
    assert not accepts(check, first + "\0")
    assert not accepts(check, "a-1" + "1" * 300)


def test_known_subdirs_follow_the_grammar() -> None:
    assert {"noarch", "linux-64", "osx-arm64", "win-64", "emscripten-wasm32"} <= KNOWN_SUBDIRS
    assert all(accepts(check_subdir, subdir) for subdir in KNOWN_SUBDIRS)


PART = st.text("ab1_.+!é", min_size=1)


@given(st.text("ab-_", min_size=1), PART, PART, st.sampled_from(["conda", "tar.bz2"]))
def test_a_printed_name_parses_to_the_same(
    name: str, version: str, build: str, extension: str
) -> None:
    text = f"{name}-{version}-{build}.{extension}"
    parsed = PackageFilename.parse(text)
    assert (parsed.name, parsed.version, parsed.build) == (name, version, build)
    assert parsed.extension == extension == extension_of(text)
    assert str(parsed) == text
    assert parsed.stem == text.removesuffix(f".{extension}")


@given(st.text())
def test_any_text_parses_faithfully_or_is_refused(text: str) -> None:
    try:
        assert str(PackageFilename.parse(text)) == text
    except InvalidFilename:
        return


@pytest.mark.parametrize(
    "text", ["", "a-1.conda", "a-1-0.zip", "a-1-.conda", "-1-0.conda", "x/a-1-0.conda", "a-1-0\n"]
)
def test_text_that_is_not_a_file_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidFilename):
        PackageFilename.parse(text)


def test_a_whole_file_name_has_a_longest_length_too() -> None:
    PackageFilename("n" * 64, "1" * 8, "b" * 64, "tar.bz2").check()
    with pytest.raises(InvalidIdentifier):
        PackageFilename("n" * 65, "1", "0", "conda").check()


@pytest.mark.parametrize(
    ("filename", "extension"),
    [("x.conda", "conda"), ("x.tar.bz2", "tar.bz2"), (".conda", None), (".tar.bz2", None),
     ("", None), ("conda", None), ("x.CONDA", None), (".tar.bz2.conda", "conda")],
)  # fmt: skip
def test_a_package_file_has_a_name_before_its_extension(
    filename: str, extension: str | None
) -> None:
    assert extension_of(filename) == extension
