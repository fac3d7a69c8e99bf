"""The fields of about.json that are shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulp_conda.formats.about import describe
from pulp_conda.formats.json_documents import salvage_object
from tests.builders import PackageBuilder
from tests.unit.formats.packages import read_conda


def test_texts_and_lists_are_stored_and_other_values_dropped() -> None:
    about = {
        "summary": "A demo",
        "license_file": ["LICENSE", 5, "COPYING"],
        "description": None,
        "license": {"a": 1},
        "root_pkgs": ["x"],
        "home": ["https://a.example", "javascript:alert(1)"],
    }
    assert describe(about) == {
        "summary": "A demo",
        "license_file": ["LICENSE", "COPYING"],
        "home": "https://a.example",
    }


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "/relative",
        "ftp://a.example",
        "https://",
        "https://a.example:99999",
        "https://[",
        "data:text/html,x",
        " ",
        5,
        None,
        [],
    ],
)
def test_only_absolute_web_addresses_become_links(url: object) -> None:
    assert describe({"home": url}) == {}


def test_lengths_are_bounded() -> None:
    assert len(str(describe({"description": "x" * 10**6})["description"])) <= 64 * 1024


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (b"null", {}),
        (b"[]", {}),
        (b"", {}),
        (b"junk", {}),
        (b'{"summary": "cut', {}),
        (b"[" * 200_000, {}),
        (b'{"summary": "a", "x": NaN, "y": -Infinity, "z": 1e999}', {"summary": "a"}),
        (b'{"summary": "a", "x": %s}' % (b"9" * 5000), {"summary": "a"}),
        (b'\xef\xbb\xbf{"summary": "a"}', {"summary": "a"}),
        (b'{"summary": "caf\xe9"}', {"summary": "café"}),
        ('{"summary": "café"}'.encode(), {"summary": "café"}),
        (b'{"summary": "a\tb"}', {"summary": "a\tb"}),
        (b'{"summary": "a", "summary": "b"}', {"summary": "b"}),
        (b'{"summary": 5, "home": "https://a.example"}', {"home": "https://a.example"}),
        (b'{"summary": "\\u0000", "description": "\\ud800", "license": "MIT"}', {"license": "MIT"}),
        (b'{"license_file": ["a", "\\udfff", 1, "b"]}', {"license_file": ["a", "b"]}),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_the_readable_part_of_an_odd_document_is_stored(document: bytes, expected: object) -> None:
    package = PackageBuilder().document("about.json", document)
    assert describe(read_conda(package.conda()).about) == expected


_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda below: (
        st.lists(below)
        | st.dictionaries(st.sampled_from(["summary", "license", "home", "x"]), below)
    ),
)


@given(st.binary() | _VALUES.map(lambda value: json.dumps(value).encode()))
def test_the_description_of_any_document_can_be_stored(document: bytes) -> None:
    for values in describe(salvage_object(document)).values():
        for text in [values] if isinstance(values, str) else values:
            assert text.encode()
            assert "\0" not in text
