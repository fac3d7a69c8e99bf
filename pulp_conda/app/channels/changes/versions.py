"""New versions of a channel at a cost that does not grow with it.

The one module that writes pulpcore's tables of versions itself. pulpcore's own way rewrites the
array of all content ids several times and counts all content: 26 s for one package in a channel of
a million, and fifty statements in a channel of any size. What comes out is the same, table by
table (`tests/functional/test_versions.py`).
"""

from collections.abc import Collection
from uuid import UUID

from django.db import connection, transaction
from django.utils.timezone import now
from pulpcore.plugin.models import (
    CreatedResource,
    Repository,
    RepositoryContent,
    RepositoryVersion,
    Task,
)

from pulp_conda.app.models import CondaPackage, CondaRepodataPatch, CondaRepository

# Array functions keep the ids inside the database; the order is of no account.
_CONTENT_IDS = """
    UPDATE core_repositoryversion AS made
       SET content_ids = %(added)s::uuid[] || CASE
               WHEN cardinality(%(removed)s::uuid[]) = 0 THEN base.content_ids
               ELSE ARRAY(
                   SELECT id FROM unnest(base.content_ids) AS id
                    WHERE id <> ALL (%(removed)s::uuid[])
               )
           END
      FROM core_repositoryversion AS base
     WHERE made.pulp_id = %(made)s AND base.pulp_id = %(base)s
"""


def change(
    repository: CondaRepository,
    *,
    add: Collection[UUID] = (),
    remove: Collection[UUID] = (),
    kind: type[CondaPackage] | type[CondaRepodataPatch] = CondaPackage,
) -> RepositoryVersion:
    """Make the version that follows a channel's latest, and do not publish it.

    To be called in a task that holds the repository, inside of a transaction. `add` are units of
    one kind and of the repository's domain that the latest version lacks, `remove` are some that
    it holds; no two of what it then holds bear one path. The caller has seen to that.
    """
    base = repository.versions.defer("content_ids").latest()
    if not base.complete:
        # A task died while it made a version pulpcore's way.
        base.delete()
        base = latest_version(repository)
    # In bulk, as saving one by itself fetches all content ids of its predecessor.
    (version,) = RepositoryVersion.objects.bulk_create(
        [RepositoryVersion(repository=repository, number=repository.next_version, complete=True)]
    )
    with connection.cursor() as cursor:
        ids = {"added": list(add), "removed": list(remove), "made": version.pk, "base": base.pk}
        cursor.execute(_CONTENT_IDS, ids)
    RepositoryContent.objects.bulk_create(
        RepositoryContent(repository=repository, content_id=unit, version_added=version)
        for unit in add
    )
    if remove:
        RepositoryContent.objects.filter(
            repository=repository, content_id__in=remove, version_removed=None
        ).update(version_removed=version)
    _count(version, base, kind.get_pulp_type(), added=len(add), removed=len(remove))
    repository.next_version = version.number + 1
    Repository.objects.filter(pk=repository.pk).update(
        next_version=repository.next_version, pulp_last_updated=now()
    )
    if Task.current() and not repository.user_hidden:
        CreatedResource.objects.bulk_create([CreatedResource(content_object=version)])
    transaction.on_commit(repository.invalidate_cache)
    if repository.retain_repo_versions:
        repository.cleanup_old_versions()
    return version


def latest_version(repository: CondaRepository) -> RepositoryVersion:
    """Return a channel's newest complete version, without the array of all that it holds."""
    return repository.versions.complete().defer("content_ids").latest()


def _count(
    version: RepositoryVersion, base: RepositoryVersion, kind: str, *, added: int, removed: int
) -> None:
    """Save how many units of each kind a version holds, adds and removes; none leaves no row."""
    details = version.counts.model
    held = base.counts.filter(count_type=details.PRESENT)
    present = dict(held.values_list("content_type", "count"))
    present[kind] = present.get(kind, 0) + added - removed
    counts = [
        (details.ADDED, kind, added),
        (details.REMOVED, kind, removed),
        *((details.PRESENT, held_kind, number) for held_kind, number in present.items()),
    ]
    details.objects.bulk_create(
        details(repository_version=version, content_type=of, count_type=count, count=number)
        for count, of, number in counts
        if number
    )
