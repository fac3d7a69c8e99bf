"""What an upstream has of a subdir: a map of names, and the records of each name."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pulp_conda.app.upstream import Absent, Answer, Refused, TooLarge
from pulp_conda.formats import layout
from pulp_conda.formats.errors import TrustedText
from pulp_conda.formats.upstream.document import Document
from pulp_conda.formats.upstream.errors import UnusableDocument
from pulp_conda.formats.upstream.raw import RawRecords
from pulp_conda.formats.upstream.shard import decode_shard
from pulp_conda.formats.upstream.shard_index import ShardIndex
from pulp_conda.formats.upstream.urls import shard_url

from .asking import Asking
from .exports import ReadExports

_INDEX: Final = TrustedText("the shard index")
MAX_SHARD_BYTES: Final = 16 * 1024**2
"""The limit of conda's own client."""


@dataclass(frozen=True)
class Seen:
    """The newest document of an upstream subdir that could be used."""

    subdir: str
    document: str
    """Its file name."""
    answer: Answer
    created: datetime | None
    """When it was made, if it says so."""
    files_url: str
    digests: Mapping[str, bytes]
    """By name, a digest of its records."""
    records: Callable[[Iterable[str]], Iterator[tuple[str, RawRecords | None]]]
    """Yields the records of some names, in their order; None if the upstream has lost them.

    Raises `UnusableDocument` if what the document names is not what it says.
    """
    exports: ReadExports
    """The run exports beside the document."""

    @property
    def sha256(self) -> str:
        """The digest of the document's bytes, in hex."""
        return hashlib.sha256(self.answer.body).hexdigest()


def seen_shards(
    asking: Asking, subdir: str, answer: Answer, index: ShardIndex, urls: tuple[str, str]
) -> Seen:
    """Return an upstream's shard index; `urls` are those of the files and of the shards."""
    files_url, shards_url = urls

    async def ask(name: str) -> tuple[str, bytes | None]:
        url = shard_url(shards_url, index.digests[name])
        try:
            shard = await asking.ask(url, limit=MAX_SHARD_BYTES)
        except Absent:
            return name, None
        except (Refused, TooLarge) as error:
            # The other documents may be open, and have no limit for one name.
            raise UnusableDocument(_INDEX, TrustedText(error.sentence)) from None
        return name, shard.body

    def records(names: Iterable[str]) -> Iterator[tuple[str, RawRecords | None]]:
        for name, body in asking.each(names, ask):
            if body is not None and hashlib.sha256(body).digest() != index.digests[name]:
                raise UnusableDocument(
                    _INDEX, TrustedText(f"the shard of {name} is not the one that it names")
                )
            yield name, None if body is None else decode_shard(body)

    return Seen(
        subdir,
        layout.REPODATA_SHARDS,
        answer,
        index.created,
        files_url,
        index.digests,
        records,
        ReadExports(),
    )


def seen_document(
    subdir: str,
    name: str,
    answer: Answer,
    document: Document,
    files_url: str,
    read_exports: ReadExports,
) -> Seen:
    """Return an upstream's `repodata.json` that was read whole, with the run exports beside it."""

    def records(names: Iterable[str]) -> Iterator[tuple[str, RawRecords | None]]:
        return ((name, document.records(name)) for name in names)

    exports = document.run_exports_digests()
    digests = {
        name: hashlib.sha256(digest + exports[name]).digest()
        for name, digest in document.digests.items()
    }
    return Seen(subdir, name, answer, None, files_url, digests, records, read_exports)
