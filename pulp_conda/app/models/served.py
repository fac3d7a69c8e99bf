"""The publication and the version that the clients of a channel are served.

`content/lookup.py` has the same rules in SQL for the requests of clients.
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
    """Return the versions of a repository that have a complete publication."""
    return _published().filter(repository=repository)


def published_version(repository: UUID) -> RepositoryVersion | None:
    """Return the newest published version: a channel that follows the repository serves it."""
    return published_versions(repository).order_by("number").last()


def publication_of(version: RepositoryVersion) -> CondaPublication | None:
    """Return the publication of a version that clients are served: the newest complete one."""
    complete = CondaPublication.objects.filter(repository_version=version, complete=True)
    return complete.order_by("pulp_created").last()


def with_served_version(distributions: QuerySet[CondaDistribution]) -> QuerySet[Any]:
    """Annotate distributions with `served`, the key of the version that each serves, or None.

    A distribution serves the publication that it is pinned to, that of the version that it is
    pinned to, or the newest one of its repository. Checkpoint distributions are left out, because
    they serve many versions.
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
    return RepositoryVersion.objects.filter(Exists(publications))
