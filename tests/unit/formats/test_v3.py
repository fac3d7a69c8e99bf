"""The form of requirements under `v3`, and the records that belong there."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import rattler
from hypothesis import given
from hypothesis import strategies as st

from pulp_conda.formats.match_specs import parse_spec
from pulp_conda.formats.parsers import parse_fault
from pulp_conda.formats.records import is_v3
from pulp_conda.formats.v3 import served_spec, v3_record


@pytest.mark.parametrize(
    ("spec", "served"),
    [
        ("pip", "pip"),
        ("pip[]", "pip"),
        ("Foo_Bar", "foo_bar"),
        ("__glibc >=2.17", '__glibc[version=">=2.17"]'),
        ("a 1.2", 'a[version="==1.2"]'),
        ("a =1.2", 'a[version="1.2.*"]'),
        ("a 1.2.* *_cpython", 'a[version="1.2.*",build="*_cpython"]'),
        ("a >=1,<2|3", 'a[version=">=1,<2|==3"]'),
        ('a[version="1.2.*",build_number=0]', 'a[version="1.2.*",build_number=0]'),
        ("a[build_number='>=2']", 'a[build_number=">=2"]'),
        ("a[extras=foo]", "a[extras=[foo]]"),
        ("a[flags=[cuda, 'blas:*'], extras=' x ']", "a[extras=[x],flags=[cuda,blas:*]]"),
        ("a>=2[when='python >=3.10']", 'a[version=">=2",when="python>=3.10"]'),
        ("a[when='(b or c) and d']", 'a[when="(b or c) and d"]'),
        ("a[when='b 1 x']", "a[when=\"b[version='==1',build='x']\"]"),
    ],
)
def test_requirements_have_one_form(spec: str, served: str) -> None:
    assert served_spec(spec) == (served, None)
    assert served_spec(served) == (served, None)


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "*",
        "a*",
        "^a$",
        "main::a",
        "ns:a",
        "https://example.org/a-1-0.conda",
        "a[subdir=noarch]",
        "a[url='https://example.org/a-1-0.conda']",
        "a[fn=a-1-0.conda]",
        "a[md5=d41d8cd98f00b204e9800998ecf8427e]",
        "a[license=MIT]",
        "a[track_features=x]",
        "a[build='x\"y']",
        'a[when="b[build=\'it\\"s\']"]',
        "a[when='main::b']",
        "a[when='b[license=MIT]']",
        "a[when='b[when=c]']",
        "a[when='b or']",
        "a[when='']",
        "a[extras=[A]]",
        "a[extras=[]]",
        "a[flags=[A]]",
        "a[foo=x]",
        "a; if b",
    ],
)
def test_a_requirement_without_such_a_form_has_a_reason(spec: str) -> None:
    served, reason = served_spec(spec)
    assert served is None
    assert reason


@pytest.mark.parametrize(
    "spec",
    [
        "a[when='" + "(" * 300 + "b",
        "a[when='" + "(b and " * 15 + "c" + ")" * 15 + "']",
        "a[when='" + " and ".join(["(b or c>=1|2)"] * 15) + "']",
        "a[when='" + "b and " * 100_000 + "b']",
        "a[extras=[" + "x," * 500 + "x]]",
        "a[build='" + '\\"' * 400 + "']",
        "a[" + "build=x," * 110 + "when=b]",
    ],
    ids=lambda spec: spec[:20],
)
def test_hostile_text_is_judged(spec: str) -> None:
    form, reason = served_spec(spec)
    assert (form is None) != (reason is None)


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name not in ("and", "or", "not")
)
NUMBERS = st.integers(0, 99).map(str)
VERSIONS = st.builds(
    "{}{}{}".format,
    st.sampled_from([">=", "<", "==", "!=", "=", "~=1.", ""]),
    NUMBERS,
    st.sampled_from(["", ".1", ".0a1", ".*"]),
).filter(lambda text: parse_spec(f"a[version='{text}']") is not None)
SIMPLE = st.builds("{}{}".format, NAMES, st.just("") | VERSIONS.filter(lambda v: v[0] in "<>=!~"))
CONDITIONS = st.recursive(
    SIMPLE,
    lambda below: st.builds(
        "{}{} {} {}{}".format,
        st.just("("),
        below,
        st.sampled_from(["and", "or"]),
        below,
        st.just(")"),
    ),
    max_leaves=4,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "version": VERSIONS.map("'{}'".format),
        "build": st.from_regex(r"[a-z0-9_]{1,5}\*?", fullmatch=True),
        "build_number": NUMBERS | NUMBERS.map("'>={}'".format),
        "extras": st.lists(NAMES, min_size=1, max_size=3).map(
            lambda names: f"[{', '.join(names)}]"
        ),
        "flags": st.lists(NAMES, min_size=1, max_size=3).map(lambda names: f"[{','.join(names)}]"),
        "when": CONDITIONS.map("'{}'".format),
    },
)


@st.composite
def specs(draw: st.DrawFn) -> str:
    name, fields = draw(NAMES), draw(FIELDS)
    separator = draw(st.sampled_from([",", ", ", " , "]))
    brackets = separator.join(f"{key}={value}" for key, value in fields.items())
    return f"{name}[{brackets}]" if brackets else name


@given(specs().filter(lambda spec: parse_spec(spec) is not None))
def test_the_form_keeps_the_meaning_and_is_stable(spec: str) -> None:
    served, fault = served_spec(spec)
    assert served is not None, fault
    before, after = parse_spec(spec), parse_spec(served)
    assert before is not None
    assert after is not None
    assert str(after) == str(before)
    assert after.to_canonical_string() == before.to_canonical_string()
    assert served_spec(served) == (served, None)
    assert "[]" not in served


@given(specs() | st.text(alphabet="ab[]()='\", whenflagsxtr*\t", max_size=60))
def test_records_that_need_the_revision_are_recognised(spec: str) -> None:
    """Classic maps may hold no requirement that a reader without the revision refuses."""
    if parse_spec(spec) is None:
        return
    if parse_fault(without_the_revision, spec) is not None:
        assert is_v3({"depends": [spec]})
        assert is_v3({"depends": [], "constrains": [spec]})


def without_the_revision(spec: str) -> rattler.MatchSpec:
    return rattler.MatchSpec(spec, extras=False, conditionals=False, flags=False)


def test_the_parser_can_be_told_to_know_nothing_of_the_revision() -> None:
    for spec in ("a[when=b]", "a[extras=b]", "a[flags=b]"):
        assert parse_fault(without_the_revision, spec) is not None
    assert parse_fault(without_the_revision, "a[build=b]") is None


RECORD: dict[str, Any] = {
    "name": "demo",
    "version": "1.0",
    "build": "0",
    "build_number": 0,
    "subdir": "noarch",
    "depends": ["a >=1[when='b >=2']", "pip[]"],
    "constrains": ["c <2"],
    "extra_depends": {"x": ["d 1.*"], "y": []},
    "flags": ["cuda"],
    "schema_version": 3,
    "unknown": {"depends": ["e >=1"]},
    "md5": "0" * 32,
    "sha256": "1" * 64,
    "size": 5,
}


def test_other_fields_of_a_record_do_not_change() -> None:
    original = copy.deepcopy(RECORD)
    served = v3_record(RECORD)
    assert original == RECORD
    assert served == {
        **RECORD,
        "depends": ['a[version=">=1",when="b>=2"]', "pip"],
        "constrains": ['c[version="<2"]'],
        "extra_depends": {"x": ['d[version="1.*"]'], "y": []},
    }
    assert v3_record(served) == served


def test_a_requirement_without_form_does_not_change() -> None:
    assert v3_record({"depends": ["main::a", "b >=1"]}) == {
        "depends": ["main::a", 'b[version=">=1"]']
    }


def test_a_client_reads_it(tmp_path: Path) -> None:
    document = {
        "info": {"subdir": "noarch"},
        "packages": {},
        "packages.conda": {},
        "repodata_version": 1,
        "v3": {"conda": {"demo-1.0-0": v3_record(RECORD)}},
    }
    path = tmp_path / "repodata.json"
    path.write_text(json.dumps(document))
    channel = rattler.Channel("x", rattler.ChannelConfig())
    sparse = rattler.SparseRepoData(channel, "noarch", path)
    assert [str(name) for name in sparse.package_names()] == ["demo"]
    (found,) = sparse.load_records(rattler.PackageName("demo"))
    assert found.depends == ['a[version=">=1",when="b>=2"]', "pip"]
