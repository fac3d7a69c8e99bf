"""Check that the storage has the whole file of every package."""

from collections.abc import Iterator
from typing import Any

from django.db.models import BooleanField, Case, F, QuerySet, Value, When
from django.db.models.functions import Coalesce, NullIf
from pulpcore.plugin.models import RepositoryVersion
from pulpcore.plugin.util import get_domain

from pulp_conda.app.channels.storage.artifacts import sha256_of
from pulp_conda.app.models import CondaPackage, can_be_fetched

from .check_index import Fault

NO_FILE = "the package was saved without a file, and no upstream is known to have it"
MISSING = "the storage does not have the file"
OTHER_SIZE = "the file is {found} bytes long, the record says {size}"
OTHER_BYTES = "the file's sha256 is {found}, the record says {sha256}"

_ROWS_PER_FETCH = 2000

_Stored = tuple[str, str, int, str, str | None, bool]
"""Subdir, file name, size and sha256 of a package, the name of its file in the storage, and whether
an absent file can be fetched. Size and sha256 are those of the file if the record lacks them."""


def packages_of(version: RepositoryVersion) -> QuerySet[CondaPackage, _Stored]:
    """Return the packages of a version, with the name of each file in the storage."""
    packages = CondaPackage.objects.in_version(version).order_by("subdir", "filename")
    artifact = "contentartifact__artifact"
    return packages.values_list(
        "subdir",
        "filename",
        Coalesce(NullIf("size", Value(0)), F(f"{artifact}__size"), Value(0)),
        Coalesce(NullIf("sha256", Value("")), F(f"{artifact}__sha256"), Value("")),
        F(f"{artifact}__file"),
        Case(
            When(contentartifact__artifact=None, then=can_be_fetched()),
            default=Value(False),
            output_field=BooleanField(),
        ),
    )


def check_packages(
    packages: QuerySet[CondaPackage, _Stored], *, checksums: bool
) -> Iterator[Fault | None]:
    """Yield the fault of each package's file, None for a file without fault.

    Memory is bounded. Without `checksums` only sizes are compared, and no file is read.
    """
    storage = get_domain().get_storage()
    for subdir, filename, size, sha256, name, is_upstream in packages.iterator(
        chunk_size=_ROWS_PER_FETCH
    ):
        if is_upstream:
            yield None  # not fetched yet, which is no fault
            continue
        problem = _problem(storage, name, size, sha256 if checksums else None)
        yield Fault(f"{subdir}/{filename}", problem) if problem else None


def _problem(storage: Any, name: str | None, size: int, sha256: str | None) -> str | None:
    if not name:
        return NO_FILE
    if not storage.exists(name):
        return MISSING
    if (found := storage.size(name)) != size:
        return OTHER_SIZE.format(found=found, size=size)
    if sha256 and (digest := sha256_of(storage, name)) != sha256:
        return OTHER_BYTES.format(found=digest, sha256=sha256)
    return None
