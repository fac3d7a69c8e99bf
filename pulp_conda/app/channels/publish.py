"""The index of a version: made whole, then made visible by one switch."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.files import File
from pulpcore.plugin.models import ProgressReport, PublishedMetadata, RepositoryVersion

from pulp_conda.app.models import CondaPackage, CondaPublication, CondaRepository
from pulp_conda.formats import layout
from pulp_conda.formats.repodata import write_repodata
from pulp_conda.formats.shards import Member, build_shards

_ROWS_PER_FETCH = 2000


def publish_when_wanted(
    *, repository: CondaRepository, version: RepositoryVersion, **_: object
) -> None:
    """Publish a new version of a repository that publishes by itself."""
    if repository.autopublish:
        publish(version)


def publish(version: RepositoryVersion, *, checkpoint: bool = False) -> CondaPublication:
    """Make the index of a version; to be called in a task that holds the repository.

    The publication becomes visible when everything in it exists; one that is interrupted is never
    served. Memory does not grow with the channel.
    """
    packages = CondaPackage.objects.in_version(version)
    subdirs = sorted({"noarch", *packages.values_list("subdir", flat=True).distinct()})
    with (
        CondaPublication.create(version, pass_through=True, checkpoint=checkpoint) as publication,
        ProgressReport(
            message="Publishing subdirs", code="publish.subdirs", total=len(subdirs)
        ) as progress,
        tempfile.TemporaryDirectory(dir=settings.WORKING_DIRECTORY) as folder,
    ):
        for subdir in progress.iter(subdirs):
            _publish_subdir(publication, subdir, Path(folder))
    return publication


def is_published(version: RepositoryVersion) -> bool:
    """Tell whether a version has an index that clients can be served."""
    return CondaPublication.objects.filter(repository_version=version, complete=True).exists()


def _publish_subdir(publication: CondaPublication, subdir: str, folder: Path) -> None:
    shards = build_shards(_members(publication.repository_version, subdir))
    documents = [folder / layout.REPODATA, folder / layout.REPODATA_ZST]
    with documents[0].open("wb") as plain, documents[1].open("wb") as zst:
        write_repodata(subdir, shards, plain, zst)
    for document in documents:
        with document.open("rb") as content:
            PublishedMetadata.create_from_file(
                File(content), publication, relative_path=f"{subdir}/{document.name}"
            )


def _members(version: RepositoryVersion, subdir: str) -> Iterator[Member]:
    rows = (
        CondaPackage.objects.in_version(version)
        .filter(subdir=subdir)
        .order_by("name", "filename")
        .values_list("name", "filename", "extension", "record_json")
    )
    return (Member(*row) for row in rows.iterator(chunk_size=_ROWS_PER_FETCH))
