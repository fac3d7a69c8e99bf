"""The index of a channel that nothing was ever published in: clients demand that there is one."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final

from pulp_conda.formats import layout

from .channel import write_channeldata
from .channeldata import ChannelPackage
from .new_shards import NewShards
from .shards import Member
from .subdir import Making, SubdirIndex

_BZ2_MAX_BYTES: Final = 1024**2


class _Nothing:
    def of(self, subdir: str, names: Collection[str] | None = None) -> Iterator[Member]:
        return iter(())

    def removed(self, subdir: str, names: Collection[str] | None = None) -> dict[str, list[str]]:
        return {}

    def described(
        self, names: Collection[str] | None = None
    ) -> Iterator[tuple[str, ChannelPackage]]:
        return iter(())


@cache
def empty_index() -> Mapping[str, bytes]:
    """Return the documents of a channel without packages, by path: `noarch` and the root's."""
    with tempfile.TemporaryDirectory() as folder, closing(NewShards(Path(folder))) as shards:
        making = Making(
            _Nothing(), Path(folder), layout.OPTIONAL_DOCUMENTS, _BZ2_MAX_BYTES, ("sha256",)
        )
        files = SubdirIndex(making, layout.NOARCH, shards=shards).write()
        files |= write_channeldata(making, [layout.NOARCH])
        return {path: file.path.read_bytes() for path, file in files.items()}
