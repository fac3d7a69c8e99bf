"""The index of what holds no packages: of a channel, or of a platform that others use."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pulp_conda.formats import layout
from pulp_conda.formats.identifiers import KNOWN_SUBDIRS

from .channel import write_channeldata
from .channeldata import DescribedPackage
from .new_shards import NewShards
from .shards import Member, encode_shard_index
from .subdir import Making, SubdirIndex


class Options(NamedTuple):
    """What of a channel decides on its empty documents."""

    documents: frozenset[str]
    """Which of `layout.OPTIONAL_DOCUMENTS` the channel publishes."""
    bz2_max_bytes: int
    created: int
    """When the channel came into being, in milliseconds since the epoch."""


def empty_document(place: layout.Place, options: Options) -> bytes | None:
    """Return a document as a publication without packages has it; None where it has none.

    Of subdirs, only those that clients know have documents.
    """
    if place.subdir and place.subdir not in KNOWN_SUBDIRS:
        return None
    if place.name == layout.REPODATA_SHARDS:
        wanted = "shards" in options.documents
        return encode_shard_index(place.subdir, {}, options.created, {}) if wanted else None
    documents = options.documents - {"shards"}
    return _documents(place.subdir, documents, options.bz2_max_bytes).get(place.name)


class _Nothing:
    def of(self, subdir: str, names: Collection[str] | None = None) -> Iterator[Member]:
        return iter(())

    def removed(self, subdir: str, names: Collection[str] | None = None) -> dict[str, list[str]]:
        return {}

    def described(self, names: Collection[str] | None = None) -> Iterator[DescribedPackage]:
        return iter(())


@cache  # as many small values as there are subdirs and choices of options
def _documents(subdir: str, documents: frozenset[str], bz2_max_bytes: int) -> Mapping[str, bytes]:
    """Return the documents of a subdir by file name, those of the channel's root without one."""
    with tempfile.TemporaryDirectory() as folder, closing(NewShards(Path(folder))) as shards:
        making = Making(
            packages=_Nothing(),
            folder=Path(folder),
            documents=documents,
            v3_documents=(),
            bz2_max_bytes=bz2_max_bytes,
            created=0,
            algorithms=("sha256",),
        )
        if subdir:
            files = SubdirIndex(making, subdir, shards=shards).write()
        elif "channeldata" in documents:
            files = write_channeldata(making, [layout.NOARCH])
        else:
            files = {}
        return {layout.split(path)[1]: file.path.read_bytes() for path, file in files.items()}
