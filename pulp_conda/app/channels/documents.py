"""Saving the documents of a publication: all together, in a number of queries that stays the same.

`PublishedMetadata.create_from_file` takes about ten queries a document.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import UUID

from django.db import transaction
from pulpcore.plugin.models import (
    Artifact,
    ContentArtifact,
    Publication,
    PublishedArtifact,
    PublishedMetadata,
)

from .artifacts import discard_part, make_whole

Recipe = dict[str, str]
"""How documents were made: written beside them, to tell whether others would come out the same."""

_INDEX = "index"


def save_documents(
    publication: Publication,
    files: Mapping[str, Path],
    taken: Mapping[str, UUID],
    recipe: Recipe,
) -> None:
    """Make files and artifacts documents of a publication, each under its path.

    Several paths may name one file. Files below the working directory are moved into a storage
    that is a file system. One content unit holds all documents, and the recipe as its labels.
    """
    described = {file: Artifact.init_and_validate(str(file)) for file in set(files.values())}
    with transaction.atomic():
        saved = _saved(described, publication)
        documents = {path: saved[described[file].sha256] for path, file in files.items()}
        _spare(taken.values())
        unit = PublishedMetadata.objects.create(
            publication=publication,
            relative_path=_INDEX,
            pulp_labels=recipe,
            pulp_domain_id=publication.pulp_domain_id,
        )
        places = ContentArtifact.objects.bulk_create(
            ContentArtifact(content=unit, artifact_id=artifact, relative_path=path)
            for path, artifact in sorted({**documents, **taken}.items())
        )
        PublishedArtifact.objects.bulk_create(
            PublishedArtifact(
                publication=publication, content_artifact=place, relative_path=place.relative_path
            )
            for place in places
        )


def saved_documents(publication: Publication, recipe: Recipe) -> dict[str, UUID]:
    """Return the artifact of each document that a publication has.

    Empty when they were made by another recipe.
    """
    units = PublishedMetadata.objects.filter(publication=publication, pulp_labels=recipe)
    return dict(
        ContentArtifact.objects.filter(content__in=units).values_list(
            "relative_path", "artifact_id"
        )
    )


def _saved(files: Mapping[Path, Artifact], publication: Publication) -> dict[str, UUID]:
    """Save what the domain does not have yet and return the artifact of each sha256."""
    by_digest = {artifact.sha256: (file, artifact) for file, artifact in files.items()}
    in_domain = Artifact.objects.filter(
        pulp_domain_id=publication.pulp_domain_id, sha256__in=list(by_digest)
    )
    known = set(in_domain.values_list("sha256", flat=True))
    # In one order everywhere, lest two publications wait for each other.
    _insert([by_digest[digest][1] for digest in sorted(by_digest.keys() - known)])
    saved = list(in_domain)
    _spare(artifact.pk for artifact in saved)
    for artifact in saved:
        make_whole(artifact, by_digest[artifact.sha256][0])
    return {artifact.sha256: artifact.pk for artifact in saved}


def _insert(artifacts: list[Artifact]) -> None:
    """Save artifacts, where another publication may be saving the same bytes at this moment."""
    files = [artifact.file for artifact in artifacts]
    try:
        Artifact.objects.bulk_create(artifacts, ignore_conflicts=True)
    except OSError:
        for artifact in artifacts:
            discard_part(artifact)
        raise
    finally:
        for file in files:
            file.close()


def _spare(artifacts: Iterable[UUID]) -> None:
    """Keep artifacts from orphan cleanup until the documents name them."""
    if pks := list(artifacts):
        Artifact.objects.filter(pk__in=pks).touch()
