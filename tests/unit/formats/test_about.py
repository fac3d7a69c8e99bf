"""What is shown of about.json."""

import pytest

from pulp_conda.formats.about import describe


def test_texts_and_lists_are_kept_and_the_rest_is_dropped() -> None:
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
