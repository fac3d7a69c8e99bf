"""The options of a channel that decide on the documents of its index."""

from __future__ import annotations

from typing import Final, NamedTuple

OPTIONAL_DOCUMENTS: Final = ("current_repodata", "run_exports", "shards", "channeldata", "bz2")
"""The documents that a channel may publish beside `repodata.json`; `bz2` is variants of them."""

V3_DOCUMENTS: Final = ("repodata", "shards")
"""The documents that may hold records of schema version 3 (CEP 48)."""


class IndexOptions(NamedTuple):
    """The options of one index."""

    documents: frozenset[str]
    """Some of `OPTIONAL_DOCUMENTS`."""
    v3_documents: frozenset[str]
    """Some of `V3_DOCUMENTS`."""
    bz2_max_bytes: int
    """The size of the largest document that gets a bz2 variant."""
    plain_max_bytes: int
    """The size of the largest document that is stored as plain text too."""
