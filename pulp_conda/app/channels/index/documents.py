"""Save the documents of a publication, and read those of previous ones.

All documents are saved together, by two statements. pulpcore's
`PublishedMetadata.create_from_file` takes about ten for each document.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import IO, Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.utils.timezone import now
from pulpcore.plugin.models import (
    Artifact,
    Content,
    ContentArtifact,
    Publication,
    PublishedMetadata,
    RepositoryVersion,
)
from pulpcore.plugin.util import get_domain

from pulp_conda.app.channels.storage.artifacts import make_whole, move_file
from pulp_conda.app.core.prepared import prepared_cursor
from pulp_conda.app.failpoints import failpoint
from pulp_conda.formats.index.files import WrittenFile

from .fingerprint import Fingerprint

ALGORITHMS: Sequence[str] = Artifact.DIGEST_FIELDS
"""The digests that Pulp stores of an artifact."""

_INDEX = "index"
_COPY_BYTES = 1024**2

# In the order of digests, so that two publications cannot wait for each other. Few rows are
# touched, because each would be locked until the channel's commit ends.
_SAVE_ARTIFACTS = f"""
    WITH touched AS (
        UPDATE core_artifact SET timestamp_of_interest = %(now)s
         WHERE (pulp_id = ANY(%(reused)s)
                OR pulp_domain_id = %(domain)s AND sha256 = ANY(%(sha256)s))
           AND timestamp_of_interest < %(now)s - interval '1 minute'
    ), new AS (
        INSERT INTO core_artifact
               (pulp_id, pulp_created, pulp_last_updated, timestamp_of_interest, pulp_domain_id,
                file, size, {", ".join(ALGORITHMS)})
        SELECT pulp_id, %(now)s, %(now)s, %(now)s, %(domain)s, file, size, {", ".join(ALGORITHMS)}
          FROM unnest(%(keys)s::uuid[], %(files)s::text[], %(sizes)s::bigint[],
                      {", ".join(f"%({name})s::text[]" for name in ALGORITHMS)})
                   AS file (pulp_id, file, size, {", ".join(ALGORITHMS)})
         WHERE NOT EXISTS (
            SELECT FROM core_artifact known
             WHERE known.pulp_domain_id = %(domain)s AND known.sha256 = file.sha256)
         ORDER BY sha256
        ON CONFLICT DO NOTHING
        RETURNING sha256, pulp_id
    )
    SELECT sha256, pulp_id FROM new
     UNION ALL
    SELECT sha256, pulp_id FROM core_artifact
     WHERE pulp_domain_id = %(domain)s AND sha256 = ANY(%(sha256)s)
"""  # noqa: S608 (of constants)

_SAVE_DOCUMENTS = """
    WITH unit AS (
        INSERT INTO core_content
               (pulp_id, pulp_created, pulp_last_updated, pulp_type, pulp_labels,
                timestamp_of_interest, pulp_domain_id)
        VALUES (%(unit)s, %(now)s, %(now)s, %(type)s, %(labels)s, %(now)s, %(domain)s)
    ), metadata AS (
        INSERT INTO core_publishedmetadata (content_ptr_id, relative_path, publication_id)
        VALUES (%(unit)s, %(index)s, %(publication)s)
    ), document AS (
        SELECT *
          FROM unnest(%(files)s::uuid[], %(published)s::uuid[], %(artifacts)s::uuid[],
                      %(paths)s::text[]) AS document (file, published, artifact, path)
    ), file AS (
        INSERT INTO core_contentartifact
               (pulp_id, pulp_created, pulp_last_updated, content_id, artifact_id, relative_path)
        SELECT file, %(now)s, %(now)s, %(unit)s, artifact, path FROM document
    )
    INSERT INTO core_publishedartifact
           (pulp_id, pulp_created, pulp_last_updated, publication_id, content_artifact_id,
            relative_path)
    SELECT published, %(now)s, %(now)s, %(publication)s, file, path FROM document
"""

# The publication is found first. Versions are not loaded, since they have arrays of all content.
_PREVIOUS = """
    WITH previous AS MATERIALIZED (
        SELECT publication.pulp_id, version.number
          FROM core_repositoryversion version
          JOIN core_publication publication ON publication.repository_version_id = version.pulp_id
         WHERE version.repository_id = %(repository)s AND version.number <= %(number)s
           AND publication.complete
         ORDER BY version.number DESC, publication.pulp_created DESC LIMIT 1
    )
    SELECT previous.number, document.relative_path, artifact.pulp_id, artifact.file,
           artifact.sha256
      FROM previous
      LEFT JOIN (
            core_publishedmetadata metadata
            JOIN core_content unit
              ON unit.pulp_id = metadata.content_ptr_id AND unit.pulp_labels = %(labels)s
            JOIN core_contentartifact document ON document.content_id = unit.pulp_id
            JOIN core_artifact artifact ON artifact.pulp_id = document.artifact_id
           ) ON metadata.publication_id = previous.pulp_id
"""


def save_documents(
    publication: Publication,
    files: Mapping[str, WrittenFile],
    reused: Mapping[str, UUID],
    fingerprint: Fingerprint,
) -> None:
    """Save new files, and artifacts of the previous publication, as a publication's documents.

    `files` and `reused` map paths to them. A file below the working directory is moved if the
    storage is a file system. One content unit holds all documents. Its labels are the fingerprint.
    The caller has begun a transaction.
    """
    by_digest = {file.digests["sha256"]: file for file in files.values()}
    saved = _save_artifacts(by_digest, publication.pulp_domain_id, reused=reused.values())
    documents = {path: saved[file.digests["sha256"]] for path, file in files.items()}
    documents |= dict(reused)
    new_key = ContentArtifact._meta.pk.get_default
    values = {
        "unit": new_key(),
        "type": PublishedMetadata.get_pulp_type(),
        "labels": _labels(fingerprint),
        "domain": publication.pulp_domain_id,
        "index": _INDEX,
        "publication": publication.pk,
        "now": now(),
        "files": [new_key() for _ in documents],
        "published": [new_key() for _ in documents],
        "artifacts": list(documents.values()),
        "paths": list(documents),
    }
    with prepared_cursor() as cursor:
        cursor.execute(_SAVE_DOCUMENTS, values)


class SavedDocument(NamedTuple):
    """A document of a publication."""

    artifact: UUID
    name: str
    """The name of its file in the domain's storage."""
    sha256: str


def previous_documents(
    version: RepositoryVersion, fingerprint: Fingerprint
) -> tuple[int | None, dict[str, SavedDocument]]:
    """Return the number of the newest published version up to `version`, and its documents by path.

    There are no documents if the publication has another fingerprint.
    """
    values = {
        "repository": version.repository_id,
        "number": version.number,
        "labels": _labels(fingerprint),
    }
    with prepared_cursor() as cursor:
        cursor.execute(_PREVIOUS, values)
        rows = cursor.fetchall()
    number = rows[0][0] if rows else None
    return number, {path: SavedDocument(*saved) for _, path, *saved in rows if path}


def _labels(fingerprint: Fingerprint) -> Any:
    return Content._meta.get_field("pulp_labels").get_db_prep_save(fingerprint, connection)


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


def _save_artifacts(
    by_digest: Mapping[str, WrittenFile], domain: UUID | None, *, reused: Iterable[UUID]
) -> dict[str, UUID]:
    """Save files that the domain does not have yet; return artifact keys by sha256.

    Existing and reused artifacts are touched, because orphan clean-up must not delete them before
    the documents refer to them.
    """
    artifacts = {digest: _artifact(file) for digest, file in by_digest.items()}
    values: dict[str, Any] = {
        "now": now(),
        "domain": domain,
        "reused": list(reused),
        "keys": [artifact.pk for artifact in artifacts.values()],
        "files": [artifact.storage_path("") for artifact in artifacts.values()],
        "sizes": [file.size for file in by_digest.values()],
        **{name: [file.digests[name] for file in by_digest.values()] for name in ALGORITHMS},
    }
    saved: dict[str, UUID] = {}
    with prepared_cursor() as cursor:
        # Another publication may save the same bytes at this moment. Then this statement waits for
        # it, and finds its artifact the next time.
        while saved.keys() != by_digest.keys():
            cursor.execute(_SAVE_ARTIFACTS, values)
            saved = dict(cursor.fetchall())
    failpoint("storing documents")
    for digest, artifact in artifacts.items():
        path = by_digest[digest].path
        if saved[digest] == artifact.pk:
            with closing(artifact.file):
                move_file(artifact, path)
        else:
            artifact.file.name = artifact.storage_path("")
            make_whole(artifact, path)
    return saved


def _artifact(file: WrittenFile) -> Artifact:
    return Artifact(file=str(file.path), size=file.size, **file.digests)
