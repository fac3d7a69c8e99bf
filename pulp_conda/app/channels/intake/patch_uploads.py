"""Uploads of repodata patches: save the patches of a file, and add them to a channel."""

import time
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from django.db import transaction
from pulpcore.plugin.models import Artifact, RepositoryVersion

from pulp_conda.app.channels.changes.delta import Delta
from pulp_conda.app.channels.changes.versions import change
from pulp_conda.app.channels.index.publish import autopublish
from pulp_conda.app.channels.storage.units import save_unit
from pulp_conda.app.failpoints import failpoint
from pulp_conda.app.models import CondaRepodataPatch, CondaRepository
from pulp_conda.formats.archives import inspect, sniff
from pulp_conda.formats.errors import DocumentTooLarge, LyingExtension, MissingDocument
from pulp_conda.formats.index.patch_instructions import parse_instructions
from pulp_conda.formats.index.patches import FILENAME, Instructions

from .ingest import limits, received


def is_package(file: BinaryIO) -> bool:
    """Return whether a file begins like a package, which may hold instructions for many subdirs."""
    try:
        sniff(file)
    except LyingExtension:
        return False
    return True


def ingest_patches(file: BinaryIO, subdir: str | None) -> list[CondaRepodataPatch]:
    """Validate the instructions in a file; return them as saved units, which may have existed.

    If `subdir` is None, the file is a package with instructions for each subdir. Otherwise it holds
    the instructions for that subdir. Takes no lock, and is safe to repeat.

    Raises:
        InvalidPackage: the file or one of its instructions breaks a rule; nothing is saved.
    """
    found = _from_package(file) if subdir is None else {subdir: _from_document(file, subdir)}
    return [_save(subdir, instructions) for subdir, instructions in sorted(found.items())]


def add_patches(
    repository: CondaRepository, patches: Iterable[CondaRepodataPatch]
) -> RepositoryVersion | None:
    """Make one version in which these patches replace the current patches of their subdirs.

    A task that holds the repository calls this. Returns None if the latest version has them all.
    """
    current = {
        patch.subdir: patch.pk
        for patch in CondaRepodataPatch.objects.in_version(repository.latest_version())
    }
    new = {patch.subdir: patch.pk for patch in patches if current.get(patch.subdir) != patch.pk}
    if not new:
        return None
    replaced = {current[subdir] for subdir in new if subdir in current}
    with transaction.atomic():
        version = change(repository, Delta.listed(new.values(), replaced))
        failpoint("version saved")
        autopublish(repository=repository, version=version)
    return version


def _from_package(file: BinaryIO) -> dict[str, Instructions]:
    found: dict[str, Instructions] = {}

    def take(subdir: str, data: bytes) -> None:
        found[subdir] = _parsed(subdir, data)

    inspect(file, sniff(file), limits(), instructions=take)
    if not found:
        raise MissingDocument(f"<subdir>/{FILENAME}")
    return found


def _from_document(file: BinaryIO, subdir: str) -> Instructions:
    size, limit = file.seek(0, 2), limits().patch_document_bytes
    if size > limit:
        raise DocumentTooLarge(FILENAME, size, limit)
    file.seek(0)
    return _parsed(subdir, file.read())


def _parsed(subdir: str, data: bytes) -> Instructions:
    return parse_instructions(
        data, subdir=subdir, member=f"{subdir}/{FILENAME}", limits=limits(), now=time.time()
    )


def _save(subdir: str, instructions: Instructions) -> CondaRepodataPatch:
    data = instructions.canonical()
    with received(BytesIO(data), len(data)) as file:
        artifact = Artifact.init_and_validate(file)
        patch = CondaRepodataPatch(
            subdir=subdir,
            sha256=artifact.sha256,
            instructions_version=instructions.version,
            changed=len(instructions.packages.keys() | instructions.packages_conda.keys()),
            revoked=len(instructions.revoke),
            removed=len(instructions.remove),
        )
        return save_unit(patch, artifact, Path(file.temporary_file_path()))
