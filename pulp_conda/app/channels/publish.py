"""The index of a version: made whole, then made visible by one switch."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from pulpcore.plugin.models import ProgressReport, RepositoryVersion

from pulp_conda.app.models import CondaPackage, CondaPublication, CondaRepository
from pulp_conda.formats import layout
from pulp_conda.formats.shards import Member, build_shards

from .documents import Recipe, save_documents
from .predecessor import plan
from .subdirs import write_documents

_FORMAT = "1"
"""To be changed with the bytes that the same packages give, lest old ones be taken over."""

_ROWS_PER_FETCH = 2000


def publish_when_wanted(
    *, repository: CondaRepository, version: RepositoryVersion, **_: object
) -> None:
    """Publish a new version of a repository that publishes by itself."""
    if repository.autopublish:
        with publishing_report() as report:
            publish(version, report=report)


def publishing_report() -> ProgressReport:
    """Return the report of a task in which a version is published."""
    return ProgressReport(message="Publishing subdirs", code="publish.subdirs")


def publish(
    version: RepositoryVersion, *, checkpoint: bool = False, report: ProgressReport | None = None
) -> CondaPublication:
    """Make the index of a version; to be called in a task that holds the repository.

    The publication becomes visible when everything in it exists; one that is interrupted is never
    served. Memory grows with the number of names in a subdir, not with that of packages.
    """
    recipe = _recipe()
    with (
        CondaPublication.create(version, pass_through=True, checkpoint=checkpoint) as publication,
        tempfile.TemporaryDirectory(dir=settings.WORKING_DIRECTORY) as folder,
    ):
        work = plan(version, recipe)
        files: dict[str, Path] = {}
        if report:
            report.total = len(work.subdirs)
        for subdir in report.iter(work.subdirs) if report else work.subdirs:
            files |= _write_subdir(version, subdir, Path(folder))
        save_documents(publication, files, work.taken, recipe)
    return publication


def _recipe() -> Recipe:
    """Return what besides its packages decides on a subdir's documents."""
    return {
        "format": _FORMAT,
        "documents": " ".join(sorted(layout.SUBDIR_DOCUMENTS)),
        "bz2_max_bytes": str(settings.CONDA_BZ2_MAX_BYTES),
    }


def _write_subdir(version: RepositoryVersion, subdir: str, folder: Path) -> dict[str, Path]:
    own = folder / subdir
    own.mkdir()
    shards = build_shards(_members(version, subdir))
    return write_documents(subdir, shards, own, bz2_max_bytes=settings.CONDA_BZ2_MAX_BYTES)


def _members(version: RepositoryVersion, subdir: str) -> Iterator[Member]:
    rows = (
        CondaPackage.objects.in_version(version)
        .filter(subdir=subdir)
        .order_by("name", "filename")
        .values_list("name", "filename", "extension", "record_json")
    )
    return (Member(*row) for row in rows.iterator(chunk_size=_ROWS_PER_FETCH))
