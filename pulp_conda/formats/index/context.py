"""The inputs of building the documents of an index."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .channeldata import DescribedPackage
from .files import WrittenFile
from .manifest import IndexManifest
from .merge import PreviousDocument
from .options import IndexOptions
from .shards import IndexedPackage

Files = dict[str, WrittenFile]
"""Files by their path below the channel's URL."""


class Packages(Protocol):
    """The packages of a channel, without patches, and the files that it had once."""

    def of(self, subdir: str, names: Collection[str] | None = None) -> Iterator[IndexedPackage]:
        """Yield the packages of a subdir, or of some names in it, by name and file name."""

    def removed(self, subdir: str, names: Collection[str] | None = None) -> dict[str, list[str]]:
        """Return, by name, files that an index of the channel has named and that are not in it."""

    def described(self, names: Collection[str] | None = None) -> Iterator[DescribedPackage]:
        """Yield the packages of all subdirs, or those of some names, by name."""


@dataclass(frozen=True)
class PreviousIndex:
    """The index that the previous publication has of a subdir or of the channel's root."""

    manifest: IndexManifest
    open_document: Callable[[str], AbstractContextManager[PreviousDocument]]
    """Opens a document by its file name, and checks its digest when the context ends."""


@dataclass(frozen=True)
class BuildContext:
    """The inputs that all subdirs of one index share."""

    packages: Packages
    folder: Path
    """Documents are written below it."""
    options: IndexOptions
    created: int
    """When the channel was created, in milliseconds since the epoch."""
    algorithms: Sequence[str]
    """The digests to compute of each file, `sha256` among them."""
