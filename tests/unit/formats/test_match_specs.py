"""Requirements that would break a client or the server."""

import subprocess
import sys

import pytest
import rattler
from hypothesis import example, given
from hypothesis import strategies as st
from rattler import MatchSpec, PackageRecord, Version, VersionSpec
from rattler.package import BuildString

from pulp_conda.formats.errors import InvalidDependency, InvalidField, InvalidJson
from pulp_conda.formats.match_specs import (
    MAX_BRACKETS,
    MAX_CHARACTERS,
    check_specs,
    parse_spec,
    plain_spec,
    version_spec,
)
from pulp_conda.formats.parsers import parse_fault
from tests.builders import PackageBuilder
from tests.unit.formats.packages import read_conda


def test_deep_nesting_is_refused_before_the_parser_overflows_the_stack() -> None:
    spec = "a " + "(" * 20_000 + "1" + ")" * 20_000
    # The check is needed because the parser dies of a signal. If this fails, the parser was fixed.
    died = subprocess.run(
        [sys.executable, "-c", f"import rattler; rattler.MatchSpec({spec!r})"], check=False
    )
    assert died.returncode < 0
    with pytest.raises(InvalidDependency, match="characters"):
        read_conda(PackageBuilder().depends(spec).conda())


def test_a_panic_of_the_parser_is_a_refusal() -> None:
    spec = "a[build_number=99999999999999999999]"
    # The catch is needed because a panic is not an Exception. If this fails, the parser was fixed.
    with pytest.raises(BaseException, match="PosOverflow") as panic:
        rattler.MatchSpec(spec, strict=False)
    assert not isinstance(panic.value, Exception)
    with pytest.raises(InvalidDependency, match="parser fails"):
        read_conda(PackageBuilder().depends(spec).conda())


def test_an_interrupt_is_not_a_refusal() -> None:
    def interrupted(text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parse_fault(interrupted, "a")


@pytest.mark.parametrize("bracket", ["(", "["])
def test_brackets_are_counted(bracket: str) -> None:
    with pytest.raises(InvalidDependency, match="brackets"):
        check_specs(["a " + bracket * (MAX_BRACKETS + 1)], "depends", "x")


def test_length_is_bounded() -> None:
    check_specs(["a " + "1" * 15], "depends", "x")
    with pytest.raises(InvalidDependency, match=r"1,024 characters"):
        check_specs(["a " + "1|" * MAX_CHARACTERS + "1"], "depends", "x")


@pytest.mark.parametrize("specs", ["a", {"a": 1}, [1], [None], [["a"]]])
def test_only_lists_of_strings_are_requirements(specs: object) -> None:
    with pytest.raises(InvalidField):
        check_specs(specs, "depends", "x")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (b"[]", {"weak": []}),
        (b"{}", {}),
        (b"null", {}),
        (b'\xef\xbb\xbf["a"]', {"weak": ["a"]}),
        (b'"a >=1"', {"weak": ["a >=1"]}),
        (b'{"weak": null, "strong": "a >=1"}', {"strong": ["a >=1"]}),
        (b'{"schema_version": 2, "strong": ["a >=1"]}', {"strong": ["a >=1"]}),
        (
            b'{"noarch": ["a"], "weak_constrains": ["b"]}',
            {"noarch": ["a"], "weak_constrains": ["b"]},
        ),
    ],
)
def test_run_exports_are_read(document: bytes, expected: object) -> None:
    package = PackageBuilder().document("run_exports.json", document)
    assert read_conda(package.conda()).run_exports == expected


@pytest.mark.parametrize(
    "document",
    [
        b'{"weak": {"a": 1}}',
        b'{"other": []}',
        b"1",
        b"true",
        b'{"weak": [1]}',
        b'{"weak": [null]}',
        b'{"weak": [], "weak": ["a"]}',
        b'{"weak": NaN}',
        b'["\xe9"]',
        b"",
    ],
)
def test_run_exports_of_no_clear_shape_are_refused(document: bytes) -> None:
    with pytest.raises((InvalidField, InvalidJson), match=r"run_exports\.json"):
        read_conda(PackageBuilder().document("run_exports.json", document).conda())


def test_run_exports_are_match_specs() -> None:
    with pytest.raises(InvalidDependency, match=r"run_exports\.json"):
        read_conda(PackageBuilder().document("run_exports.json", b'["=>[["]').conda())


_SPECS = (
    "a", "a *", "a 1.0", "a ==1.0", "a =1.0", "a=1.0", "a 1.0.*", "a !=1.0", "a !=1.0.*", "a ~=1.1",
    "a 1.1|>2", "a >=1,<2|3", "a 1*", "a >=1!0", "a >=1.0a", "a <2rc1", "a  >=1 ",
    "a==1.0", "a (>=1,<2)|3", "a 1.0+local", "a >=1_2", "other::a >1.0post1",
)  # fmt: skip
_VERSIONS = (
    "0", "1", "1.0", "1.0.0", "1.1", "1.10", "1.0a1", "2rc1", "1!0", "1.0post1", "1.0+local", "2.0",
    "3", "1_2", "1.10.dev0",
)  # fmt: skip


@pytest.mark.parametrize("text", _SPECS)
def test_a_version_spec_matches_the_same_packages(text: str) -> None:
    spec = MatchSpec(text)
    versions = version_spec(text, spec)
    assert versions is not None
    nameless = MatchSpec(text.partition("::")[2] or text)
    for version in _VERSIONS:
        package = PackageRecord("a", version, BuildString("0"), 0, "noarch")
        assert versions.matches(Version(version)) == nameless.matches(package), version


@pytest.mark.parametrize(
    "text",
    ["a 1.0 0", "a=1=0", "a * mkl*", "a[build_number=1]", 'a[version=">=1"]', "c/noarch::a 1"],
)
def test_a_spec_that_asks_for_more_has_no_version_spec(text: str) -> None:
    assert version_spec(text, MatchSpec(text)) is None


_ODD_NAMES = st.sampled_from(["a.b", "A", "a.conda"])
_NAMES = st.from_regex(r"[a-z0-9_-]{1,6}", fullmatch=True) | _ODD_NAMES
_NUMBERS = st.lists(st.integers(0, 11).map(str), min_size=1, max_size=4).map(".".join)
_ENDINGS = st.sampled_from(["", "", "", ".*", "*", "a0", "rc1", ".post1", "a", ".", "+1", "_1"])
_OPERATORS = st.sampled_from(["", "<", "<=", ">", ">=", "==", "!=", "=", "~=", "=>"])
_BOUNDS = st.builds("{}{}{}".format, _OPERATORS, _NUMBERS, _ENDINGS)
_PLAIN = st.one_of(
    _NAMES,
    st.builds("{} {}".format, _NAMES, _BOUNDS),
    st.builds("{} {},{}".format, _NAMES, _BOUNDS, _BOUNDS),
)


@given(_PLAIN, st.lists(st.builds("{}{}".format, _NUMBERS, _ENDINGS), max_size=20))
@example("a", ["1", "x"])
@example("a 1.0", ["1", "1.0.0", "1.0.1", "1.0a0", "1.0post1"])
@example("a 1.0.*", ["1", "1.0", "1.0.1", "1.0a0", "1.01", "1.10"])
@example("a >=1.0,<2.0a0", ["1.0", "1.0a0", "2.0a0", "2.0", "2.0dev0"])
@example("a 999999999", ["999999999"])
def test_a_plain_spec_means_the_same_as_the_match_spec(text: str, versions: list[str]) -> None:
    plain = plain_spec(text)
    if plain is None:
        return
    spec = parse_spec(text)
    assert spec is not None
    assert spec.name.normalized == plain.name
    allowed, theirs = VersionSpec(plain.versions), version_spec(text, spec)
    assert theirs is not None
    for version in versions:
        if parse_fault(Version, version) is None:
            assert allowed.matches(Version(version)) == theirs.matches(Version(version)), version


@pytest.mark.parametrize(
    "text", ["a", "a 1", "a 1.2.*", "a >=1.2", "a >=1.2,<2.0a0", "py-a_1 !=1", "_a ==20240101"]
)
def test_the_commonest_specs_are_plain(text: str) -> None:
    plain = plain_spec(text)
    assert plain is not None
    assert plain == tuple((text + " *").split()[:2])


@pytest.mark.parametrize(
    "text",
    [
        "", "a ", "a.conda", "A", "é", "a 1*", "a=1", "a >=1.*", "a 1 0", "a 9999999999",
        "a \N{THAI DIGIT ONE}",
    ],
)  # fmt: skip
def test_a_spec_of_another_form_is_not_plain(text: str) -> None:
    assert plain_spec(text) is None


def test_a_plain_spec_is_no_longer_than_a_match_spec() -> None:
    text = "a " + ",".join(["<1"] * MAX_CHARACTERS)
    assert (plain_spec(text), parse_spec(text)) == (None, None)
