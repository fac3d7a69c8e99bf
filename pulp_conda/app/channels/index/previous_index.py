"""What a publication need not make again because the one before it has it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, cast

import zstandard
from django.db.models import F
from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.app.models import CondaPackage, CondaPublication, CondaRepository
from pulp_conda.formats import layout
from pulp_conda.formats.index.ledger import Ledger
from pulp_conda.formats.index.splice import Source
from pulp_conda.formats.index.subdir import Before

from .documents import (
    DamagedDocument,
    Recipe,
    SavedDocument,
    opened_document,
    read_document,
    saved_documents,
)


def is_published(version: RepositoryVersion) -> bool:
    """Tell whether a version has an index that clients can be served."""
    return CondaPublication.objects.filter(repository_version=version, complete=True).exists()


def published_version(repository: CondaRepository) -> RepositoryVersion | None:
    """Return the newest version that has an index, which is what clients of its channel see."""
    published = repository.versions.filter(publication__complete=True)
    return published.defer("content_ids").order_by("number").last()


@dataclass(frozen=True)
class Predecessor:
    """The newest index before a version's own that was made by the same recipe."""

    number: int
    """Of its version."""
    documents: Mapping[str, SavedDocument]
    """By path."""

    @property
    def subdirs(self) -> set[str]:
        """The subdirs it has an index of."""
        found = {layout.split(path)[0] for path in self.documents}
        return found - {""}

    def changed(self, version: RepositoryVersion) -> dict[str, set[str]]:
        """Return the names that may differ in a later version, by subdir."""
        changes = CondaPackage.objects.changed_since(self.number, version)
        names: dict[str, set[str]] = {}
        for subdir, name in changes.values_list("subdir", "name").distinct():
            names.setdefault(subdir, set()).add(name)
        return names

    def of(self, subdir: str) -> dict[str, SavedDocument]:
        """Return the documents of a subdir; those of the channel's root without one."""
        return {
            path: document
            for path, document in self.documents.items()
            if layout.split(path)[0] == subdir
        }

    def before(self, subdir: str) -> Before:
        """Return what a subdir's index can be made from.

        Raises:
            DamagedDocument: a document is not what was saved.
        """
        documents = {layout.split(path)[1]: found for path, found in self.of(subdir).items()}
        try:
            ledger = Ledger.decode(read_document(documents[layout.LEDGER]))
        except (KeyError, ValueError) as error:
            raise DamagedDocument(f"the ledger of {subdir!r} cannot be read") from error
        return Before(ledger, partial(_source, documents))


@contextmanager
def _source(documents: Mapping[str, SavedDocument], name: str) -> Iterator[Source]:
    """Yield a document's text out of its compressed twin, a sixth of the bytes to be fetched."""
    try:
        with (
            opened_document(documents[f"{name}{layout.ZST}"]) as compressed,
            zstandard.ZstdDecompressor().stream_reader(cast(IO[bytes], compressed)) as stream,
        ):
            yield Source(stream)
    except (KeyError, ValueError, zstandard.ZstdError) as error:
        raise DamagedDocument(f"{name} cannot be read: {error}") from error


def predecessor(version: RepositoryVersion, recipe: Recipe) -> Predecessor | None:
    """Return what a version's index can be made from, None if it has to be made anew.

    A version that is published once more is made anew: who asks for that may not trust what is
    there.
    """
    # The version itself is not loaded: it holds an array of everything in it.
    before = (
        CondaPublication.objects.filter(
            repository_version__repository_id=version.repository_id,
            repository_version__number__lte=version.number,
            complete=True,
        )
        .annotate(number=F("repository_version__number"))
        .order_by("number", "pulp_created")
        .last()
    )
    number: int = getattr(before, "number", version.number)
    if before is None or number == version.number:
        return None
    documents = saved_documents(before, recipe)
    return Predecessor(number, documents) if documents else None
