"""Saving the documents of a publication: all together, in a number of queries that stays the same.

`PublishedMetadata.create_from_file` takes about ten queries a document.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, NamedTuple
from uuid import UUID

from django.db import transaction
from pulpcore.plugin.models import (
    Artifact,
    ContentArtifact,
    Publication,
    PublishedArtifact,
    PublishedMetadata,
)
from pulpcore.plugin.util import get_domain

from pulp_conda.app.channels.storage.artifacts import discard_part, make_whole
from pulp_conda.formats.index.files import WrittenFile

Recipe = dict[str, str]
"""How documents were made: written beside them, to tell whether others would come out the same."""

ALGORITHMS: Sequence[str] = Artifact.DIGEST_FIELDS
"""The digests that artifacts are known by."""

_INDEX = "index"
_COPY_BYTES = 1024**2


def save_documents(
    publication: Publication,
    files: Mapping[str, WrittenFile],
    taken: Mapping[str, UUID],
    recipe: Recipe,
) -> None:
    """Make files and artifacts documents of a publication, each under its path.

    Files below the working directory are moved into a storage that is a file system. One content
    unit holds all documents, and the recipe as its labels.
    """
    by_digest = {file.digests["sha256"]: file for file in files.values()}
    with transaction.atomic():
        saved = _saved(by_digest, publication, spared=taken.values())
        documents = {path: saved[file.digests["sha256"]] for path, file in files.items()}
        unit = PublishedMetadata.objects.create(
            publication=publication,
            relative_path=_INDEX,
            pulp_labels=recipe,
            pulp_domain_id=publication.pulp_domain_id,
        )
        places = ContentArtifact.objects.bulk_create(
            ContentArtifact(content=unit, artifact_id=artifact, relative_path=path)
            for path, artifact in sorted({**documents, **taken}.items())
        )
        PublishedArtifact.objects.bulk_create(
            PublishedArtifact(
                publication=publication, content_artifact=place, relative_path=place.relative_path
            )
            for place in places
        )


class SavedDocument(NamedTuple):
    """A document that a publication has."""

    artifact: UUID
    name: str
    """Of the file in the domain's storage."""
    sha256: str


def saved_documents(publication: Publication, recipe: Recipe) -> dict[str, SavedDocument]:
    """Return the documents of a publication by path, none if they were made by another recipe."""
    units = PublishedMetadata.objects.filter(publication=publication, pulp_labels=recipe)
    found = ContentArtifact.objects.filter(content__in=units).values_list(
        "relative_path", "artifact_id", "artifact__file", "artifact__sha256"
    )
    return {path: SavedDocument(*document) for path, *document in found}


def read_document(document: SavedDocument) -> bytes:
    """Return a small document as it was saved.

    Raises:
        DamagedDocument: the storage does not have what was saved.
    """
    with opened_document(document) as stream:
        return stream.read()


@contextmanager
def opened_document(document: SavedDocument) -> Iterator["CheckedStream"]:
    """Yield a document as a stream, which is known to be whole when the context ends.

    Raises:
        DamagedDocument: the storage does not have what was saved.
    """
    try:
        file = get_domain().get_storage().open(document.name, "rb")
    except OSError as error:
        raise DamagedDocument(f"a document of this digest is gone: {document.sha256}") from error
    with file:
        stream = CheckedStream(file)
        yield stream
        stream.check(document.sha256)


class DamagedDocument(Exception):
    """A document is not what was saved."""


class CheckedStream:
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hasher = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        data = self._file.read(size)
        self._hasher.update(data)
        return data

    def check(self, sha256: str) -> None:
        """Read what is left and compare the digest of all.

        Raises:
            DamagedDocument: it is another.
        """
        while self.read(_COPY_BYTES):
            pass
        if self._hasher.hexdigest() != sha256:
            raise DamagedDocument(f"a document with the digest {sha256} was changed")


def _saved(
    by_digest: Mapping[str, WrittenFile], publication: Publication, *, spared: Iterable[UUID]
) -> dict[str, UUID]:
    """Save what the domain does not have yet and return the artifact of each sha256.

    What it has, and what is to be `spared`, is kept from orphan cleanup until documents name it.
    """
    in_domain = Artifact.objects.filter(
        pulp_domain_id=publication.pulp_domain_id, sha256__in=list(by_digest)
    )
    known = dict(in_domain.values_list("sha256", "pk"))
    Artifact.objects.filter(pk__in=[*known.values(), *spared]).touch()
    # In one order everywhere, lest two publications wait for each other.
    _insert([_artifact(by_digest[digest]) for digest in sorted(by_digest.keys() - known.keys())])
    saved = list(in_domain)
    for artifact in saved:
        make_whole(artifact, by_digest[artifact.sha256].path)
    return {artifact.sha256: artifact.pk for artifact in saved}


def _artifact(file: WrittenFile) -> Artifact:
    return Artifact(file=str(file.path), size=file.size, **file.digests)


def _insert(artifacts: list[Artifact]) -> None:
    """Save artifacts, where another publication may be saving the same bytes at this moment."""
    files = [artifact.file for artifact in artifacts]
    try:
        Artifact.objects.bulk_create(artifacts, ignore_conflicts=True)
    except OSError:
        for artifact in artifacts:
            discard_part(artifact)
        raise
    finally:
        for file in files:
            file.close()
