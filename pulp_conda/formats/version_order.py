"""The order of version texts, some of which may be invalid."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Final

import rattler

from .parsers import attempt

# Many names have the same versions, and parsing takes most of the time of a ranking.
_CACHED_VERSIONS: Final = 64 * 1024


def version_ranks(texts: Iterable[str]) -> dict[str, int]:
    """Return a rank for each text. Newer versions have higher ranks, equal versions equal ones.

    Texts that are not versions have rank 0, below all others.
    """
    parsed = {text: parsed_version(text) for text in texts}
    if len(parsed) == 1:  # as most names have
        return {text: int(version is not None) for text, version in parsed.items()}
    versions = [(version, text) for text, version in parsed.items() if version is not None]
    ranks = dict.fromkeys(parsed, 0)
    equals = groupby(sorted(versions, key=itemgetter(0)), key=itemgetter(0))
    for rank, (_, group) in enumerate(equals, 1):
        ranks.update((text, rank) for _, text in group)
    return ranks


@lru_cache(_CACHED_VERSIONS)
def parsed_version(text: str) -> rattler.Version | None:
    """Return a version, None if the text is not one."""
    return attempt(rattler.Version, text)[0]
