"""Saving a file as an artifact once, whole, and for as long as something needs it."""

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
    """Save a content unit, or find it as it was saved before.

    `artifact` is its file; None if the server does not have it. A unit that was found without a
    file gets it: the file was reclaimed, or the unit was saved from a record.
    """
    same = type(unit).objects.filter(**unit.identity)
    if not same.exists():  # a failed INSERT would be written to PostgreSQL's log
        try:
            with transaction.atomic():
                unit.save()
                place = ContentArtifact(
                    content=unit, artifact=artifact, relative_path=unit.relative_path
                )
                ContentArtifact.objects.bulk_create([place])  # without a savepoint
                return unit
        except IntegrityError:  # another request saved it at this moment
            pass
    found: _Unit = same.get()
    found.touch()
    if artifact:
        ContentArtifact.objects.filter(content=found, artifact=None).update(artifact=artifact)
    return found


def save_artifact(artifact: Artifact, path: Path) -> Artifact:
    """Save an artifact with its file, or find it as it was saved before.

    What is found is kept from orphan cleanup, and gets the file if it lost it or if its bytes are
    others by now. The file at `path` in the working directory is moved away if the storage is on
    the same file system.
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
    """See to it that the storage holds all of an artifact.

    Where the working directory lies on another file system than the storage, the file is copied
    there under its final name. Of a process that dies in between a part remains, which pulpcore
    takes for the whole the next time.
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
    """Remove a file of the artifact's name and size from the storage, if its bytes are others.

    pulpcore would keep it. The bytes at hand were hashed just now. A shorter file may be one that
    another request is copying at this moment: see `make_whole`.
    """
    storage = get_domain().get_storage()
    name = artifact.storage_path("")
    if not storage.exists(name) or storage.size(name) != artifact.size:
        return
    if sha256_of(storage, name) != artifact.sha256:
        storage.delete(name)


def sha256_of(storage: Storage, name: str) -> str:
    """Return the digest of a stored file, which is read for that."""
    hasher = hashlib.sha256()
    with storage.open(name, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            hasher.update(chunk)
    return hasher.hexdigest()


def discard_part(artifact: Artifact) -> None:
    """Remove what a copy left that failed, for want of room or otherwise."""
    storage = get_domain().get_storage()
    name = artifact.storage_path("")
    if storage.exists(name) and storage.size(name) < artifact.size:
        storage.delete(name)
