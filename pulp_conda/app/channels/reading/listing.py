"""The package names of a channel as its web page lists them, read from channeldata.json."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import msgspec


class ListedName(msgspec.Struct, gc=False):
    """A package name as the list shows it."""

    version: str = ""
    summary: str = ""
    license: str = ""
    subdirs: tuple[str, ...] = ()
    timestamp: int = 0


class Listing(msgspec.Struct, dict=True):
    """The package names of a channel, in the order of the document."""

    packages: dict[str, ListedName] = {}
    subdirs: list[str] = []

    @cached_property
    def searched(self) -> list[tuple[str, str]]:
        """Each name with its text to search. Computed once, as it takes most of a search's time."""
        return [
            (name, f"{name} {listed.summary}".casefold()) for name, listed in self.packages.items()
        ]


_LISTING_DECODER: Final = msgspec.json.Decoder(Listing)


def parse_listing(document: bytes) -> Listing:
    """Return the fields of a channeldata.json that a list of names shows."""
    return _LISTING_DECODER.decode(document)


def search(listing: Listing, text: str) -> list[str]:
    """Return the names that match all words of a text: by name first, then by summary.

    Reads every name, which takes a few milliseconds for 50,000 names.
    """
    words = text.casefold().split()
    if not words:
        return list(listing.packages)
    found = listing.searched
    for word in words:
        found = [each for each in found if word in each[1]]
    return sorted((name for name, _ in found), key=lambda name: (_rank(name, words), name))


def _rank(name: str, words: Sequence[str]) -> int:
    """Return the rank of a match; lower is better."""
    if not all(word in name for word in words):
        return 3
    if name.startswith(words[0]):
        return 0 if name == words[0] else 1
    return 2
