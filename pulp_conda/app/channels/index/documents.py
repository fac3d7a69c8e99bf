"""Save the documents of a publication, and read those of previous ones.

All documents are saved together, by a fixed number of queries. pulpcore's
`PublishedMetadata.create_from_file` takes about ten queries for each document.
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
from pulp_conda.app.failpoints import failpoint
from pulp_conda.formats.index.files import WrittenFile

from .fingerprint import Fingerprint

ALGORITHMS: Sequence[str] = Artifact.DIGEST_FIELDS
"""The digests that Pulp stores of an artifact."""

_INDEX = "index"
_COPY_BYTES = 1024**2


def save_documents(
    publication: Publication,
    files: Mapping[str, WrittenFile],
    reused: Mapping[str, UUID],
    fingerprint: Fingerprint,
) -> None:
    """Save new files, and artifacts of the previous publication, as a publication's documents.

    `files` and `reused` map paths to them. A file below the working directory is moved if the
    storage is a file system. One content unit holds all documents. Its labels are the fingerprint.
    """
    by_digest = {file.digests["sha256"]: file for file in files.values()}
    with transaction.atomic():
        saved = _saved(by_digest, publication, reused=reused.values())
        documents = {path: saved[file.digests["sha256"]] for path, file in files.items()}
        unit = PublishedMetadata.objects.create(
            publication=publication,
            relative_path=_INDEX,
            pulp_labels=fingerprint,
            pulp_domain_id=publication.pulp_domain_id,
        )
        content_artifacts = ContentArtifact.objects.bulk_create(
            ContentArtifact(content=unit, artifact_id=artifact, relative_path=path)
            for path, artifact in sorted({**documents, **reused}.items())
        )
        PublishedArtifact.objects.bulk_create(
            PublishedArtifact(
                publication=publication, content_artifact=each, relative_path=each.relative_path
            )
            for each in content_artifacts
        )


class SavedDocument(NamedTuple):
    """A document of a publication."""

    artifact: UUID
    name: str
    """The name of its file in the domain's storage."""
    sha256: str


def saved_documents(publication: Publication, fingerprint: Fingerprint) -> dict[str, SavedDocument]:
    """Return the documents of a publication by path; none if it has another fingerprint."""
    units = PublishedMetadata.objects.filter(publication=publication, pulp_labels=fingerprint)
    found = ContentArtifact.objects.filter(content__in=units).values_list(
        "relative_path", "artifact_id", "artifact__file", "artifact__sha256"
    )
    return {path: SavedDocument(*document) for path, *document in found}


def read_document(document: SavedDocument) -> bytes:
    """Return the bytes of a small document.

    Raises:
        DamagedDocument: the storage lost or changed them.
    """
    with opened_document(document) as stream:
        return stream.read()


@contextmanager
def opened_document(document: SavedDocument) -> Iterator["CheckedStream"]:
    """Yield a document as a stream; check its digest when the context ends.

    Raises:
        DamagedDocument: the storage lost or changed its bytes.
    """
    try:
        file = get_domain().get_storage().open(document.name, "rb")
    except OSError as error:
        raise DamagedDocument(f"the storage lost the document {document.sha256}") from error
    with file:
        stream = CheckedStream(file)
        yield stream
        stream.check(document.sha256)


class DamagedDocument(Exception):
    """The bytes of a document are not those that were saved."""


class CheckedStream:
    """A file that is hashed as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hasher = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        data = self._file.read(size)
        self._hasher.update(data)
        return data

    def check(self, sha256: str) -> None:
        """Read the rest, and check the digest of the whole file.

        Raises:
            DamagedDocument: the digest is not `sha256`.
        """
        while self.read(_COPY_BYTES):
            pass
        if self._hasher.hexdigest() != sha256:
            raise DamagedDocument(f"the storage changed the document {sha256}")


def _saved(
    by_digest: Mapping[str, WrittenFile], publication: Publication, *, reused: Iterable[UUID]
) -> dict[str, UUID]:
    """Save files that the domain does not have yet; return artifact keys by sha256.

    Existing and reused artifacts are touched, because orphan clean-up must not delete them before
    the documents refer to them.
    """
    in_domain = Artifact.objects.filter(
        pulp_domain_id=publication.pulp_domain_id, sha256__in=list(by_digest)
    )
    known = dict(in_domain.values_list("sha256", "pk"))
    Artifact.objects.filter(pk__in=[*known.values(), *reused]).touch()
    # Sorted, so that two publications insert in the same order and cannot deadlock.
    _insert([_artifact(by_digest[digest]) for digest in sorted(by_digest.keys() - known.keys())])
    saved = list(in_domain)
    for artifact in saved:
        make_whole(artifact, by_digest[artifact.sha256].path)
    return {artifact.sha256: artifact.pk for artifact in saved}


def _artifact(file: WrittenFile) -> Artifact:
    return Artifact(file=str(file.path), size=file.size, **file.digests)


def _insert(artifacts: list[Artifact]) -> None:
    """Save artifacts; another publication may be saving the same bytes at the same time."""
    files = [artifact.file for artifact in artifacts]
    try:
        failpoint("storing documents")
        Artifact.objects.bulk_create(artifacts, ignore_conflicts=True)
    except OSError:
        for artifact in artifacts:
            discard_part(artifact)
        raise
    finally:
        for file in files:
            file.close()
