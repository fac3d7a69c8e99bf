"""Save files as artifacts, and packages and patches as content units with their artifacts."""

import hashlib
from pathlib import Path
from typing import TypeVar

from django.core.files import File
from django.core.files.storage import Storage
from django.db import IntegrityError, transaction
from pulpcore.plugin.models import Artifact, ContentArtifact
from pulpcore.plugin.util import get_domain

from pulp_conda.app.failpoints import failpoint
from pulp_conda.app.models import CondaPackage, CondaRepodataPatch

_CHUNK_BYTES = 1024**2

_Unit = TypeVar("_Unit", CondaPackage, CondaRepodataPatch)


def save_unit(unit: _Unit, artifact: Artifact | None) -> _Unit:
    """Save a content unit; return it, or the equal unit that existed already.

    `artifact` is its file, None if the server does not have it. An existing unit without a file
    gets it: the file was reclaimed, or the unit was saved from a record.
    """
    same = type(unit).objects.filter(**unit.identity)
    if not same.exists():  # a failed INSERT would be written to PostgreSQL's log
        try:
            with transaction.atomic():
                unit.save()
                file = ContentArtifact(
                    content=unit, artifact=artifact, relative_path=unit.relative_path
                )
                ContentArtifact.objects.bulk_create([file])  # without a savepoint
                return unit
        except IntegrityError:  # another request saved it at this moment
            pass
    found: _Unit = same.get()
    found.touch()
    if artifact:
        ContentArtifact.objects.filter(content=found, artifact=None).update(artifact=artifact)
    return found


def save_artifact(artifact: Artifact, path: Path) -> Artifact:
    """Save an artifact with its file; return it, or the equal artifact that existed already.

    An existing artifact is touched, so that orphan clean-up spares it. Its file is replaced if it
    is missing or has other bytes. The file at `path` in the working directory is moved away if the
    storage is on the same file system.
    """
    _discard_damaged(artifact)
    try:
        failpoint("storing package")
        # A failed INSERT would be written to PostgreSQL's log, with all its values.
        Artifact.objects.bulk_create([artifact], ignore_conflicts=True)
    except OSError:
        discard_part(artifact)
        raise
    saved: Artifact = Artifact.objects.get(sha256=artifact.sha256, pulp_domain=get_domain())
    if saved.pk != artifact.pk:
        saved.touch()
    make_whole(saved, path)
    return saved


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


def _discard_damaged(artifact: Artifact) -> None:
    """Delete the stored file of an artifact if it has the right size and other bytes.

    pulpcore would keep it. A file of another size is left to `make_whole`, because another request
    may be copying it at this moment.
    """
    storage = get_domain().get_storage()
    name = artifact.storage_path("")
    if not storage.exists(name) or storage.size(name) != artifact.size:
        return
    if sha256_of(storage, name) != artifact.sha256:
        storage.delete(name)


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
