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
    digests = {path: _described(path) for path in set(files.values())}
    artifacts = _saved(digests.values(), publication)
    _spare(taken.values())
    documents = {path: artifacts[digests[file].sha256] for path, file in files.items()}
    documents |= taken
    with transaction.atomic():
        unit = PublishedMetadata.objects.create(
            publication=publication,
            relative_path=_INDEX,
            pulp_labels=recipe,
            pulp_domain_id=publication.pulp_domain_id,
        )
        places = ContentArtifact.objects.bulk_create(
            ContentArtifact(content=unit, artifact_id=artifact, relative_path=path)
            for path, artifact in sorted(documents.items())
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


def _described(path: Path) -> Artifact:
    return Artifact.init_and_validate(str(path))


def _saved(described: Iterable[Artifact], publication: Publication) -> dict[str, UUID]:
    """Save what the domain does not have yet and return the artifact of each sha256."""
    by_digest = {artifact.sha256: artifact for artifact in described}
    in_domain = Artifact.objects.filter(
        pulp_domain_id=publication.pulp_domain_id, sha256__in=list(by_digest)
    )
    known = {artifact.sha256: artifact for artifact in in_domain}
    _spare(artifact.pk for artifact in known.values())
    for digest, artifact in known.items():
        _restore(artifact, by_digest[digest])
    new = [artifact for digest, artifact in by_digest.items() if digest not in known]
    if not new:
        return {digest: artifact.pk for digest, artifact in known.items()}
    files = [artifact.file for artifact in new]
    try:
        # Another publication may save the same bytes at this moment: its artifact is as good.
        Artifact.objects.bulk_create(new, ignore_conflicts=True)
    finally:
        for file in files:
            file.close()
    return dict(in_domain.values_list("sha256", "pk"))


def _spare(artifacts: Iterable[UUID]) -> None:
    """Keep artifacts from orphan cleanup until the documents name them."""
    Artifact.objects.filter(pk__in=list(artifacts)).touch()


def _restore(artifact: Artifact, described: Artifact) -> None:
    """Give an artifact that lost its file the file again."""
    if not artifact.pulp_domain.get_storage().exists(artifact.file.name):
        artifact.file = described.file.name
        artifact.save()
