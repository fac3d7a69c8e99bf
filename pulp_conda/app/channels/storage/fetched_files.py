"""Store the file of a package that was fetched from an upstream."""

from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from pulpcore.plugin.models import Artifact, RemoteArtifact

from .artifacts import make_whole, store_file
from .units import ARTIFACT, column_lists, column_values, fetched_row

_SAVE = """
    WITH artifact AS ({artifact}), file AS (
        UPDATE core_contentartifact c
           SET artifact_id = artifact.pk, pulp_last_updated = %(artifact_pulp_created)s
          FROM artifact
         WHERE content_id = %(content)s AND relative_path = %(path)s
        RETURNING c.pulp_id AS pk
    )
    INSERT INTO core_remoteartifact ({columns}) SELECT {values} FROM file
    ON CONFLICT (content_artifact_id, remote_id, pulp_domain_id)
    DO UPDATE SET url = excluded.url, size = excluded.size, sha256 = excluded.sha256,
                  pulp_last_updated = excluded.pulp_last_updated
    RETURNING pulp_id
"""


class StoredFile(NamedTuple):
    """A file in the storage, whose artifact is not in the database yet."""

    artifact: Artifact
    path: Path
    """In the working directory. The file was moved away if the storage lacked it."""
    is_new: bool


def store_fetched(path: Path, sha256: str) -> StoredFile:
    """Store a file of the working directory. Blocks, and does not use the database.

    Raises:
        OSError: the disk is full; nothing is left of the file.
        DigestValidationError: the file has another digest.
    """
    artifact = Artifact.init_and_validate(str(path), expected_digests={"sha256": sha256})
    opened = artifact.file  # pulpcore opens it, and leaves it open
    try:
        return StoredFile(artifact, path, store_file(artifact, path))
    finally:
        opened.close()


def save_fetched(file: StoredFile, content: UUID, path: str, remote: UUID, url: str) -> None:
    """Save the artifact of a package, and where its file came from.

    `path` is that of the package, `url` holds no secret. Pulp frees the room of files whose origin
    it knows, and fetches damaged ones again.
    """
    origin = RemoteArtifact(
        remote_id=remote, url=url, size=file.artifact.size, sha256=file.artifact.sha256
    )
    lists = column_lists(RemoteArtifact, "remote_")
    statement = _SAVE.format(
        artifact=ARTIFACT.format(**column_lists(Artifact, "artifact_")),
        columns=lists["columns"],
        values=lists["values"].replace("%(remote_content_artifact_id)s", "file.pk"),
    )
    values = {
        **column_values(file.artifact, Artifact, "artifact_"),
        **column_values(origin, RemoteArtifact, "remote_"),
    }
    fetched_row(statement, {**values, "content": content, "path": path})
    if not file.is_new:
        # Orphan clean-up may have deleted the old artifact and its file in the meantime.
        make_whole(file.artifact, file.path)
