"""Delete a channel's old versions beyond those that it retains, and its old shards.

pulpcore deletes old versions whenever a version is made, within an upload. For each one it moves
all memberships that the deleted version began to the next version, and counts all content: 57 s in
a channel of a million packages. Here a task of its own deletes adjacent versions together. The
tables are the same afterwards (`tests/database/test_cleanup.py`).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Coalesce
from django.utils.timezone import now
from pulpcore.plugin.models import ProgressReport, PublishedArtifact, RepositoryVersion

from pulp_conda.app.failpoints import failpoint
from pulp_conda.app.models import NEVER, CondaPublication, CondaRepository, CondaShard

_VERSIONS_PER_BATCH = 100
_SHARDS_PER_BATCH = 1000

# `old` are adjacent versions to delete, `next` is the version that follows them. A membership that
# begins and ends within `old` is in no version any more.
_DROP = """
    DELETE FROM core_repositorycontent
     WHERE version_added_id = ANY (%(old)s)
       AND (version_removed_id = ANY (%(old)s) OR version_removed_id = %(next)s)
"""
# If one of `old` removed a unit and a later one of them, or `next`, added it again, the two
# memberships become one.
_JOIN = """
    WITH again AS (
        DELETE FROM core_repositorycontent AS later
         USING core_repositorycontent AS earlier
         WHERE earlier.version_removed_id = ANY (%(old)s)
           AND later.repository_id = %(repository)s
           AND later.content_id = earlier.content_id
           AND later.pulp_id <> earlier.pulp_id
           AND (later.version_added_id = ANY (%(old)s) OR later.version_added_id = %(next)s)
        RETURNING earlier.pulp_id AS earlier_id, later.version_removed_id
    )
    UPDATE core_repositorycontent AS membership
       SET version_removed_id = again.version_removed_id
      FROM again WHERE membership.pulp_id = again.earlier_id
"""
_MOVE_ADDED = """
    UPDATE core_repositorycontent SET version_added_id = %(next)s
     WHERE version_added_id = ANY (%(old)s)
"""
_MOVE_REMOVED = """
    UPDATE core_repositorycontent SET version_removed_id = %(next)s
     WHERE version_removed_id = ANY (%(old)s)
"""
_DELETE_COUNTS = """
    DELETE FROM core_repositoryversioncontentdetails
     WHERE repository_version_id = %(next)s AND count_type IN ('A', 'R')
"""
# `next` has the same content as before, so its count of type "P" (present) stays.
_COUNT = """
    INSERT INTO core_repositoryversioncontentdetails
                (repository_version_id, content_type, count_type, count)
    SELECT %(next)s, content.pulp_type, changed.count_type, count(*)
      FROM (SELECT content_id, 'A' AS count_type FROM core_repositorycontent
             WHERE version_added_id = %(next)s
             UNION ALL
            SELECT content_id, 'R' FROM core_repositorycontent
             WHERE version_removed_id = %(next)s) AS changed
      JOIN core_content AS content ON content.pulp_id = changed.content_id
     GROUP BY content.pulp_type, changed.count_type
"""


class VersionInUse(Exception):
    """A distribution serves a version that was to be deleted. The next clean-up spares it."""


def clean_up(repository: CondaRepository) -> None:
    """Delete old versions and old shards. A task that holds the repository calls this.

    Each batch is a transaction, so after an interruption the next clean-up has less to do.
    """
    versions = excess_versions(repository)
    with ProgressReport(
        message="Deleting old versions", code="conda.cleanup.versions", total=len(versions)
    ) as report:
        for count in delete_versions(repository, versions):
            report.increase_by(count)
    shards = old_shards(repository)
    with ProgressReport(
        message="Deleting old shards", code="conda.cleanup.shards", total=shards.count()
    ) as report:
        for count in _delete_in_batches(shards):
            report.increase_by(count)


def needs_clean_up(repository: CondaRepository) -> bool:
    """Return whether `clean_up` has anything to delete."""
    return bool(excess_versions(repository)) or old_shards(repository).exists()


def excess_versions(repository: CondaRepository) -> list[UUID]:
    """Return the versions beyond those that a channel retains, oldest first.

    Counted as in pulpcore: the newest of the complete and unprotected versions are retained.
    """
    if not repository.retain_repo_versions:
        return []
    versions = repository.versions.complete().exclude(pk__in=repository.protected_versions())
    newest_first = versions.order_by("-number").values_list("pk", flat=True)
    return list(newest_first[repository.retain_repo_versions :])[::-1]


def delete_versions(repository: CondaRepository, versions: Iterable[UUID]) -> Iterator[int]:
    """Delete complete versions in batches; yield the number of versions in each batch.

    The newest version must not be among them. The content of the other versions does not change.
    """
    for old, following in _runs(repository, set(versions)):
        # Newest first, so that each membership moves once.
        for end in range(len(old), 0, -_VERSIONS_PER_BATCH):
            batch = old[max(0, end - _VERSIONS_PER_BATCH) : end]
            _delete_run(repository, batch, following)
            failpoint("versions deleted")
            yield len(batch)


def _runs(repository: CondaRepository, excess: set[UUID]) -> Iterator[tuple[list[UUID], UUID]]:
    """Yield each run of adjacent excess versions, and the version that follows it."""
    complete = repository.versions.complete().order_by("number").values_list("pk", flat=True)
    old: list[UUID] = []
    for is_excess, run in groupby(complete, key=excess.__contains__):
        versions = list(run)
        if is_excess:
            old = versions
        elif old:
            yield old, versions[0]


def _delete_run(repository: CondaRepository, old: Sequence[UUID], following: UUID) -> None:
    names: dict[str, Any] = {"old": list(old), "next": following, "repository": repository.pk}
    with transaction.atomic():
        if repository.protected_versions().filter(pk__in=old).exists():
            raise VersionInUse  # a distribution was pointed at one of them in the meantime
        PublishedArtifact.objects.filter(publication__repository_version__in=old).delete()
        with connection.cursor() as cursor:
            for statement in (_DROP, _JOIN, _MOVE_ADDED, _MOVE_REMOVED, _DELETE_COUNTS, _COUNT):
                cursor.execute(statement, names)
        # By a queryset, because a version's own `delete` loads the array of all content ids.
        RepositoryVersion.objects.filter(pk__in=old).only("pk").delete()


def old_shards(repository: CondaRepository) -> QuerySet[CondaShard]:
    """Return the shards that no publication names and that left the index long enough ago.

    "Long enough" is the retention period. A publication may be deleted sooner, with its version.
    """
    naming = CondaPublication.objects.filter(
        complete=True,
        repository_version__repository_id=OuterRef("repository_id"),
        repository_version__number__gte=OuterRef("added"),
        repository_version__number__lt=Coalesce(OuterRef("removed"), NEVER),
    )
    before = now() - timedelta(seconds=settings.DISTRIBUTED_PUBLICATION_RETENTION_PERIOD)
    return CondaShard.objects.filter(~Exists(naming), repository=repository, superseded__lt=before)


def _delete_in_batches(shards: QuerySet[CondaShard]) -> Iterator[int]:
    while keys := list(shards.values_list("pk", flat=True)[:_SHARDS_PER_BATCH]):
        CondaShard.objects.filter(pk__in=keys).delete()
        failpoint("shards deleted")
        yield len(keys)
