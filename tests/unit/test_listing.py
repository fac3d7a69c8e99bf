"""The package names of a channel, as its page lists and searches them."""

import pytest

from pulp_conda.app.channels.reading.listing import ListedName, parse_listing, search

LISTING = parse_listing(
    b'{"channeldata_version":1,"subdirs":["noarch"],"packages":{'
    b'"bz2":{"version":"1","summary":"Compresses Data","license":"MIT","subdirs":["noarch"],'
    b'"timestamp":5,"run_exports":{},"home":"https://a.example"},'
    b'"py-zip":{"summary":"x"},"unzip":{},"zip":{"version":"3"},"zipp":{}}}'
)


def test_a_listing_has_the_fields_of_the_page() -> None:
    assert list(LISTING.packages) == ["bz2", "py-zip", "unzip", "zip", "zipp"]
    assert LISTING.packages["bz2"] == ListedName("1", "Compresses Data", "MIT", ("noarch",), 5)
    assert LISTING.subdirs == ["noarch"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["bz2", "py-zip", "unzip", "zip", "zipp"]),
        ("zip", ["zip", "zipp", "py-zip", "unzip"]),
        ("ZIP py", ["py-zip"]),
        ("data compress", ["bz2"]),
        ("zip x", ["py-zip"]),
        ("nothing", []),
        ("\0", []),
    ],
)
def test_search_finds_names_first_and_then_summaries(text: str, names: list[str]) -> None:
    assert search(LISTING, text) == names
