"""What a channel needs no more: old versions beyond those it retains, and old shards.

pulpcore deletes old versions whenever one is made, within an upload. Each time it moves every
membership that the deleted version began to the next version and counts all content: 57 s in a
channel of a million packages. Here versions that follow each other go together, in a task of
their own. What is left is the same, table by table (`tests/functional/test_cleanup.py`).
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

from pulp_conda.app.models import NEVER, CondaPublication, CondaRepository, CondaShard

_VERSIONS_PER_BATCH = 100
_SHARDS_PER_BATCH = 1000

# `old` are versions without another between them, `next` is the one that follows. A membership
# that lies within them is of no version any more.
_DROP = """
    DELETE FROM core_repositorycontent
     WHERE version_added_id = ANY (%(old)s)
       AND (version_removed_id = ANY (%(old)s) OR version_removed_id = %(next)s)
"""
# What one of them removed and a later one of them, or the next, added again was always there.
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
_FORGET_COUNTS = """
    DELETE FROM core_repositoryversioncontentdetails
     WHERE repository_version_id = %(next)s AND count_type IN ('A', 'R')
"""
# What the next version holds is what it held.
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
    """A version that was to be deleted is served by now; the next clean-up leaves it alone."""


def clean_up(repository: CondaRepository) -> None:
    """Delete what a channel needs no more; to be called in a task that holds the repository.

    Each batch is a transaction of its own, so an interruption leaves less to do.
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


def is_untidy(repository: CondaRepository) -> bool:
    """Tell whether there is anything for `clean_up` to do."""
    return bool(excess_versions(repository)) or old_shards(repository).exists()


def excess_versions(repository: CondaRepository) -> list[UUID]:
    """Return the versions beyond those that a channel retains, the oldest first.

    As pulpcore counts: of the complete ones that nothing protects the newest are retained.
    """
    if not repository.retain_repo_versions:
        return []
    versions = repository.versions.complete().exclude(pk__in=repository.protected_versions())
    newest_first = versions.order_by("-number").values_list("pk", flat=True)
    return list(newest_first[repository.retain_repo_versions :])[::-1]


def delete_versions(repository: CondaRepository, versions: Iterable[UUID]) -> Iterator[int]:
    """Delete complete versions, of which the newest is none, and yield how many at a time.

    Those that stay hold what they held.
    """
    for old, following in _runs(repository, set(versions)):
        # The newest first, so that each membership moves once.
        for end in range(len(old), 0, -_VERSIONS_PER_BATCH):
            batch = old[max(0, end - _VERSIONS_PER_BATCH) : end]
            _delete_run(repository, batch, following)
            yield len(batch)


def _runs(repository: CondaRepository, doomed: set[UUID]) -> Iterator[tuple[list[UUID], UUID]]:
    """Yield versions that have no other between them, and the one that follows."""
    complete = repository.versions.complete().order_by("number").values_list("pk", flat=True)
    old: list[UUID] = []
    for goes, run in groupby(complete, key=doomed.__contains__):
        members = list(run)
        if goes:
            old = members
        elif old:
            yield old, members[0]


def _delete_run(repository: CondaRepository, old: Sequence[UUID], following: UUID) -> None:
    names: dict[str, Any] = {"old": list(old), "next": following, "repository": repository.pk}
    with transaction.atomic():
        if repository.protected_versions().filter(pk__in=old).exists():
            raise VersionInUse  # a distribution has just been pointed at one
        PublishedArtifact.objects.filter(publication__repository_version__in=old).delete()
        with connection.cursor() as cursor:
            for statement in (_DROP, _JOIN, _MOVE_ADDED, _MOVE_REMOVED, _FORGET_COUNTS, _COUNT):
                cursor.execute(statement, names)
        # Without the arrays of all content ids, which a version's own deletion loads.
        RepositoryVersion.objects.filter(pk__in=old).only("pk").delete()


def old_shards(repository: CondaRepository) -> QuerySet[CondaShard]:
    """Return the shards of a channel that no index names, nor named for the retention period.

    What a channel served until recently is named by a publication that exists.
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
        yield len(keys)
