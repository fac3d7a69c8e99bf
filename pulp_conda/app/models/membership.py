"""The conditions that content units and shards are in a version of a channel.

`content/lookup.py` and `channels/index/version_packages.py` have the same conditions in SQL, since
Django's queries would take too long there. `tests/database/test_lookup.py` checks that they agree.
"""

from uuid import UUID

from django.db.models import F, Q

CONTENT = "version_memberships__"
"""The path from a content unit to its memberships (pulpcore's `RepositoryContent`)."""


def in_version(number: int | F, memberships: str = "") -> Q:
    """Return the condition that memberships include version `number` of their repository.

    `memberships` is the path from the rows of the query to `RepositoryContent`. It is empty if the
    rows are memberships.
    """
    return Q(
        # PostgreSQL has statistics on the column, and none on the joined number.
        Q((f"{memberships}version_removed__isnull", True))
        | Q((f"{memberships}version_removed__number__gt", number)),
        (f"{memberships}version_added__number__lte", number),
    )


def content_of(repository: UUID, number: int) -> Q:
    """Return the condition that a content unit is in version `number` of a repository."""
    return Q(in_version(number, CONTENT), (f"{CONTENT}repository_id", repository))


def shards_of(repository: UUID, number: int) -> Q:
    """Return the condition that a `CondaShard` is in version `number` of a repository."""
    return Q(Q(removed=None) | Q(removed__gt=number), repository_id=repository, added__lte=number)
