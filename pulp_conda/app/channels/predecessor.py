"""What a publication need not make again because the one before it has it."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import F
from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.app.models import CondaPackage, CondaPublication, CondaRepository
from pulp_conda.formats import layout

from .documents import Recipe, saved_documents


def is_published(version: RepositoryVersion) -> bool:
    """Tell whether a version has an index that clients can be served."""
    return CondaPublication.objects.filter(repository_version=version, complete=True).exists()


def published_version(repository: CondaRepository) -> RepositoryVersion | None:
    """Return the newest version that has an index, which is what clients of its channel see."""
    published = repository.versions.filter(publication__complete=True)
    return published.defer("content_ids").order_by("number").last()


@dataclass(frozen=True)
class Plan:
    """What is to be done to publish a version."""

    subdirs: list[str]
    """Those whose documents are to be made, as far as they hold packages."""
    taken: dict[str, UUID]
    """The artifacts of the other subdirs' documents, by path."""


def plan(version: RepositoryVersion, recipe: Recipe) -> Plan:
    """Return how to publish a version.

    Subdirs whose packages are those of the newest published version before it are taken over, if
    that was made by the same recipe. A version that is published once more is made anew: who asks
    for that may not trust what is there.
    """
    before = None if is_published(version) else _before(version)
    documents = saved_documents(before, recipe) if before else {}
    if before and documents:
        changes = CondaPackage.objects.changed_since(before.number, version)
        changed = set(changes.values_list("subdir", flat=True).distinct())
        taken = {path: artifact for path, artifact in documents.items()
                 if layout.split(path)[0] not in changed}  # fmt: skip
        return Plan(sorted(changed), taken)
    packages = CondaPackage.objects.in_version(version)
    subdirs = packages.values_list("subdir", flat=True).distinct()
    return Plan(sorted({layout.NOARCH, *subdirs}), {})


def _before(version: RepositoryVersion) -> CondaPublication | None:
    """Return the publication before a version's, with the `number` of its own version.

    Its version is not loaded: that holds an array of everything in it.
    """
    return (
        CondaPublication.objects.filter(
            repository_version__repository_id=version.repository_id,
            repository_version__number__lt=version.number,
            complete=True,
        )
        .annotate(number=F("repository_version__number"))
        .order_by("number", "pulp_created")
        .last()
    )
