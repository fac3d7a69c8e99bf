"""What the clients of a channel are served: a complete publication, and the version it is made of.

`content/lookup.py` says the same in SQL for the requests of clients, and
`tests/database/test_lookup.py` checks that both agree.
"""

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from pulpcore.plugin.models import Publication, RepositoryVersion

from .distribution import CondaDistribution
from .publication import CondaPublication


def published_versions(repository: UUID) -> QuerySet[RepositoryVersion]:
    """Return the versions of a repository, given by its key, that have a complete publication."""
    return _published().filter(repository=repository)


def published_version(repository: UUID) -> RepositoryVersion | None:
    """Return the newest published version: a channel that follows the repository serves it."""
    return published_versions(repository).order_by("number").last()


def publication_of(version: RepositoryVersion) -> CondaPublication | None:
    """Return the publication by which a version is served: the newest complete one, if any."""
    complete = CondaPublication.objects.filter(repository_version=version, complete=True)
    return complete.order_by("pulp_created").last()


def with_served_version(distributions: QuerySet[CondaDistribution]) -> QuerySet[Any]:
    """Annotate channels with `served`: the key of the version that each serves, or None.

    A channel serves the publication it is pinned to, that of the version it is pinned to, or the
    newest of its repository. Checkpoint distributions serve many versions, and have no such key.
    """
    published = _published().order_by("-number")
    pinned = published.filter(pk=OuterRef("repository_version_id"))
    newest = published.filter(repository=OuterRef("repository_id"))
    return distributions.filter(checkpoint=False).annotate(
        served=Coalesce(
            "publication__repository_version_id",
            Subquery(pinned.values("pk")[:1]),
            Subquery(newest.values("pk")[:1]),
        )
    )


def _published() -> QuerySet[RepositoryVersion]:
    publications = Publication.objects.filter(repository_version=OuterRef("pk"), complete=True)
    return RepositoryVersion.objects.filter(Exists(publications), complete=True)
