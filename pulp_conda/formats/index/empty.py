"""The documents of an index without packages: of an empty channel, or of another platform."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pulp_conda.formats import layout
from pulp_conda.formats.identifiers import KNOWN_SUBDIRS

from .channeldata import DescribedPackage
from .context import BuildContext
from .new_shards import NewShards
from .options import IndexOptions
from .shards import IndexedPackage, encode_shard_index
from .subdir import SubdirIndex
from .write_channeldata import write_channeldata

_PLAIN_MAX_BYTES = 1024**2
"""Documents without packages are smaller."""


class EmptyIndexOptions(NamedTuple):
    """The options of a channel that decide on the documents of an index without packages."""

    documents: frozenset[str]
    """The documents that the channel publishes, some of `OPTIONAL_DOCUMENTS`."""
    bz2_max_bytes: int
    created: int
    """When the channel was created, in milliseconds since the epoch."""


def empty_document(parsed: layout.ChannelPath, options: EmptyIndexOptions) -> bytes | None:
    """Return a document of a publication without packages, None if it has no such document.

    Only subdirs that clients know have documents.
    """
    if parsed.subdir and parsed.subdir not in KNOWN_SUBDIRS:
        return None
    if parsed.name == layout.REPODATA_SHARDS:
        has_shards = "shards" in options.documents
        return encode_shard_index(parsed.subdir, {}, options.created, {}) if has_shards else None
    documents = options.documents - {"shards"}
    return _documents(parsed.subdir, documents, options.bz2_max_bytes).get(parsed.name)


class _NoPackages:
    def of(self, subdir: str, names: Collection[str] | None = None) -> Iterator[IndexedPackage]:
        return iter(())

    def removed(self, subdir: str, names: Collection[str] | None = None) -> dict[str, list[str]]:
        return {}

    def described(self, names: Collection[str] | None = None) -> Iterator[DescribedPackage]:
        return iter(())


@cache  # a few small values for each subdir and set of options
def _documents(subdir: str, documents: frozenset[str], bz2_max_bytes: int) -> Mapping[str, bytes]:
    """Return the documents of a subdir by file name, those in the channel's root without one."""
    with tempfile.TemporaryDirectory() as folder, closing(NewShards(Path(folder), None)) as shards:
        context = BuildContext(
            packages=_NoPackages(),
            folder=Path(folder),
            options=IndexOptions(documents, frozenset(), bz2_max_bytes, _PLAIN_MAX_BYTES),
            created=0,
            algorithms=("sha256",),
        )
        if subdir:
            files = SubdirIndex(context, subdir, shards).build()
        elif "channeldata" in documents:
            files = write_channeldata(context, [layout.NOARCH])
        else:
            files = {}
        return {layout.split(path)[1]: file.path.read_bytes() for path, file in files.items()}
