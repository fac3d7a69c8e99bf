"""Store the files of artifacts, and check that they are complete."""

import hashlib
from pathlib import Path

from django.core.files import File
from django.core.files.storage import Storage
from pulpcore.plugin.models import Artifact
from pulpcore.plugin.util import get_domain

from pulp_conda.app.failpoints import failpoint

_CHUNK_BYTES = 1024**2


def store_file(artifact: Artifact, path: Path) -> bool:
    """Store the file of an unsaved artifact; return whether the storage lacked it.

    A stored file with other bytes is replaced. The file at `path` in the working directory is
    moved away if the storage is on the same file system.

    Raises:
        OSError: the disk is full; nothing is left of the file.
    """
    known = _is_stored(artifact)
    failpoint("storing package")
    move_file(artifact, path)
    return not known


def move_file(artifact: Artifact, path: Path) -> None:
    """Move the file of an unsaved artifact into the storage, if that has none of its name.

    Raises:
        OSError: the disk is full; nothing is left of the file.
    """
    try:
        Artifact._meta.get_field("file").pre_save(artifact, add=True)
    except OSError:
        discard_part(artifact)
        raise
    make_whole(artifact, path)


def make_whole(artifact: Artifact, path: Path) -> None:
    """Store the file of an artifact again if the storage has none of its size.

    If the working directory is on another file system than the storage, pulpcore copies a file
    under its final name. If the process dies meanwhile, a part remains, which pulpcore would treat
    as the whole file the next time.
    """
    storage = get_domain().get_storage()
    name = artifact.file.name
    if storage.exists(name):
        if storage.size(name) == artifact.size:
            return
        storage.delete(name)
    failpoint("copying file")
    with path.open("rb") as file:
        storage.save(name, File(file))


def _is_stored(artifact: Artifact) -> bool:
    """Return whether the storage has a file of the artifact's name, and delete damaged ones.

    pulpcore would keep a file with the right size and other bytes. A file of another size is left
    to `make_whole`, because another request may be copying it at this moment.
    """
    storage = get_domain().get_storage()
    name = artifact.storage_path("")
    if not storage.exists(name):
        return False
    if storage.size(name) == artifact.size and sha256_of(storage, name) != artifact.sha256:
        storage.delete(name)
        return False
    return True


def sha256_of(storage: Storage, name: str) -> str:
    """Read a stored file, and return its SHA-256 in hex."""
    hasher = hashlib.sha256()
    with storage.open(name, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            hasher.update(chunk)
    return hasher.hexdigest()


def discard_part(artifact: Artifact) -> None:
    """Delete the part of a file that a failed copy left, for instance on a full disk."""
    storage = get_domain().get_storage()
    name = artifact.storage_path("")
    if storage.exists(name) and storage.size(name) < artifact.size:
        storage.delete(name)
