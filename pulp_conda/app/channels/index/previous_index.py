"""The previous publication of a channel: a new index reuses its documents and their text."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.formats import layout
from pulp_conda.formats.compression import zstd
from pulp_conda.formats.index.context import PreviousIndex
from pulp_conda.formats.index.manifest import MANIFEST, IndexManifest
from pulp_conda.formats.index.merge import PreviousDocument

from .documents import (
    DamagedDocument,
    SavedDocument,
    opened_document,
    previous_documents,
    read_document,
)
from .fingerprint import Fingerprint


@dataclass(frozen=True)
class PreviousPublication:
    """The newest complete publication of an earlier version, if it has the wanted fingerprint."""

    number: int
    """The number of its version."""
    documents: Mapping[str, SavedDocument]
    """By path."""

    @property
    def subdirs(self) -> set[str]:
        """The subdirs that have documents."""
        found = {layout.split(path)[0] for path in self.documents}
        return found - {""}

    def in_subdir(self, subdir: str) -> dict[str, SavedDocument]:
        """Return the documents of a subdir by file name. An empty string stands for the root."""
        return {
            layout.split(path)[1]: document
            for path, document in self.documents.items()
            if layout.split(path)[0] == subdir
        }

    def index_of(self, subdir: str) -> PreviousIndex:
        """Return the index of a subdir.

        Raises:
            DamagedDocument: the storage lost or changed its manifest.
        """
        documents = self.in_subdir(subdir)
        try:
            manifest = IndexManifest.decode(read_document(documents[MANIFEST]))
        except (KeyError, ValueError) as error:
            raise DamagedDocument(f"the index manifest of {subdir!r} cannot be read") from error
        return PreviousIndex(manifest, partial(_open_document, documents))


@contextmanager
def _open_document(documents: Mapping[str, SavedDocument], name: str) -> Iterator[PreviousDocument]:
    """Yield a compressed document, by its file name."""
    try:
        with opened_document(documents[name]) as stream:
            yield PreviousDocument(stream)
    except (KeyError, ValueError, EOFError, zstd.ZstdError) as error:
        raise DamagedDocument(f"{name} cannot be read: {error}") from error


def find_previous(
    version: RepositoryVersion, fingerprint: Fingerprint
) -> PreviousPublication | None:
    """Return the publication that the index of a version is built from, None to build it anew.

    None if there is no earlier publication, or if it has another fingerprint. None also if the
    version is published already: a user may publish it again because its index is damaged.
    """
    number, documents = previous_documents(version, fingerprint)
    if number is None or number == version.number or not documents:
        return None
    return PreviousPublication(number, documents)
