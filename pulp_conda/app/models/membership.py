"""The condition that a version of a channel holds something: content or shards.

`content/lookup.py` and `channels/index/version_packages.py` say the same in SQL, where Django's
statements take too long. `tests/database/test_lookup.py` checks that they agree.
"""

from uuid import UUID

from django.db.models import F, Q

CONTENT = "version_memberships__"
"""The path from a content unit to its memberships (pulpcore's `RepositoryContent`)."""


def in_version(number: int | F, memberships: str = "") -> Q:
    """Return the condition that memberships cover a version of their repository.

    `number` is the version's number. `memberships` is the path from the rows of the query to
    `RepositoryContent`; it is empty if they are the rows.
    """
    return Q(
        # PostgreSQL has statistics on the column, and none on the joined number.
        Q((f"{memberships}version_removed__isnull", True))
        | Q((f"{memberships}version_removed__number__gt", number)),
        (f"{memberships}version_added__number__lte", number),
    )


def held_by(repository: UUID, number: int) -> Q:
    """Return the condition that a numbered version of a channel holds a content unit."""
    return Q(in_version(number, CONTENT), (f"{CONTENT}repository_id", repository))


def shards_of(repository: UUID, number: int) -> Q:
    """Return the condition that a `CondaShard` belongs to a numbered version of a channel."""
    return Q(Q(removed=None) | Q(removed__gt=number), repository_id=repository, added__lte=number)
