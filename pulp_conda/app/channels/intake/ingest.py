"""Turn a stream of bytes into a saved package: without any lock, in parallel, safe to repeat."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.conf import settings
from pulpcore.plugin.files import PulpTemporaryUploadedFile
from pulpcore.plugin.models import Artifact

from pulp_conda.app.channels.storage.disk_space import check_room
from pulp_conda.app.channels.storage.units import save_unit
from pulp_conda.app.models import CondaPackage, PendingChange
from pulp_conda.formats.archives import inspect
from pulp_conda.formats.errors import PackageTooLarge, quoted
from pulp_conda.formats.identifiers import Extension
from pulp_conda.formats.limits import Limits
from pulp_conda.formats.records import build_record

from .streams import BodyStream, IncompleteBody
from .unit_fields import FileDigests, unit_fields

_CHUNK_BYTES = 1024**2


class WrongSubdir(Exception):
    """The client claims a subdir that is not the package's."""

    def __init__(self, claimed: str | None, actual: str) -> None:
        super().__init__(f"the URL says {claimed}, but the package is for {actual}")


class WrongDigest(Exception):
    """The client declares a digest that is not that of the bytes it sent."""

    def __init__(self, kind: str, claimed: str, actual: str) -> None:
        super().__init__(f"the {kind} declared is {quoted(claimed)}, that of the body '{actual}'")


def limits() -> Limits:
    """Return the limits that this server sets for packages."""
    return Limits(
        package_bytes=settings.CONDA_MAX_PACKAGE_BYTES,
        expanded_bytes=settings.CONDA_MAX_EXPANDED_BYTES,
        ratio=settings.CONDA_MAX_EXPANSION_RATIO,
        members=settings.CONDA_MAX_PACKAGE_MEMBERS,
        seconds=settings.CONDA_MAX_VALIDATION_SECONDS,
        outside_links=settings.CONDA_OUTSIDE_LINKS == "accept",
    )


@contextmanager
def received(body: BodyStream, declared_size: int | None) -> Iterator[PulpTemporaryUploadedFile]:
    """Stream a request's body into a temporary file; yield the hashed file at its beginning.

    The file is in the working directory, so that saving it as an artifact is a rename. It is
    deleted when the context ends.

    Raises:
        PackageTooLarge: the size of the body, or its declared size, is above the limit.
        IncompleteBody: the body has another size than declared, or the connection broke.
        OSError: the disk is full, or has only its reserve left.
    """
    limit = limits().package_bytes
    if declared_size is not None and declared_size > limit:
        raise PackageTooLarge(declared_size, limit)
    with PulpTemporaryUploadedFile("package", None, 0, None) as file:
        file.size = _copy(body, file, declared_size, limit)
        file.seek(0)
        yield file


def _copy(
    body: BodyStream, file: PulpTemporaryUploadedFile, declared_size: int | None, limit: int
) -> int:
    size = 0
    try:
        while chunk := body.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > limit:
                raise PackageTooLarge(size, limit)
            check_room(len(chunk))
            for hasher in file.hashers.values():
                hasher.update(chunk)
            file.write(chunk)
    except OSError as error:
        if error.errno is not None:
            raise  # the disk failed, not the client
        raise IncompleteBody(size, declared_size) from error
    if declared_size is not None and size != declared_size:
        raise IncompleteBody(size, declared_size)
    return size


def inspected(
    file: PulpTemporaryUploadedFile,
    extension: Extension,
    *,
    claimed_subdir: str | None = None,
    claimed_sha256: str | None = None,
    claimed_md5: str | None = None,
) -> CondaPackage:
    """Validate a received package; return it as an unsaved unit.

    Raises:
        InvalidPackage: the archive breaks a rule of the formats or a limit.
        WrongSubdir: `claimed_subdir` is not the package's.
        WrongDigest: a claimed digest is not the file's.
    """
    sha256 = file.hashers["sha256"].hexdigest()
    _check_digest("sha256", claimed_sha256, sha256)
    attributes = read_attributes(
        cast("BinaryIO", file),
        extension,
        sha256=sha256,
        size=file.size or 0,
        claimed_subdir=claimed_subdir,
    )
    _check_digest("md5", claimed_md5, attributes["md5"])
    if claimed_subdir not in (None, attributes["subdir"]):
        raise WrongSubdir(claimed_subdir, attributes["subdir"])
    return CondaPackage(**attributes)


def save(
    package: CondaPackage, file: PulpTemporaryUploadedFile, *, upload: PendingChange | None = None
) -> None:
    """Save an inspected package with its file; `upload` waits for the next commit from now on.

    If an equal package existed already, `package` becomes that one.
    """
    artifact = Artifact.init_and_validate(file)
    save_unit(package, artifact, Path(file.temporary_file_path()), upload=upload)


def read_attributes(
    file: BinaryIO,
    extension: Extension,
    *,
    sha256: str,
    size: int,
    claimed_subdir: str | None = None,
) -> dict[str, Any]:
    """Validate a package file and return the fields of its content unit.

    `claimed_subdir` is used if the package itself names no subdir.

    Raises:
        InvalidPackage: the archive breaks a rule of the formats or a limit.
    """
    file.seek(0)
    contents = inspect(file, extension, limits(), claimed_subdir=claimed_subdir)
    file.seek(0)
    # Records need MD5, and Forgejo's clients need SHA-1. Most Pulp installations allow neither as a
    # digest of artifacts.
    md5, sha1 = hashlib.md5(usedforsecurity=False), hashlib.sha1(usedforsecurity=False)
    while chunk := file.read(_CHUNK_BYTES):
        md5.update(chunk)
        sha1.update(chunk)
    record = build_record(contents.index, md5=md5.hexdigest(), sha256=sha256, size=size)
    return unit_fields(
        record,
        contents.filename,
        contents.subdir,
        FileDigests(sha256, md5.hexdigest(), sha1.hexdigest(), size),
        run_exports=contents.run_exports,
        about=contents.about,
        traits=contents.traits,
    )


def _check_digest(kind: str, claimed: str | None, actual: str) -> None:
    if claimed and claimed.strip().lower() != actual:
        raise WrongDigest(kind, claimed, actual)
