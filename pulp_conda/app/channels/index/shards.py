"""Save shards, and record which versions each shard belongs to."""

from collections.abc import Mapping

from django.db.models import QuerySet
from django.utils.timezone import now
from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.app.core.prepared import prepared_cursor
from pulp_conda.app.models import CondaShard
from pulp_conda.formats.index.new_shards import NewShards
from pulp_conda.formats.index.shards import ShardBytes

_NEWEST_PUBLISHED = """
    SELECT number FROM core_repositoryversion version
     WHERE repository_id = %s AND EXISTS (
        SELECT FROM core_publication WHERE repository_version_id = version.pulp_id AND complete)
     ORDER BY number DESC LIMIT 1
"""

# A shard that the version has already keeps its row.
_SAVE = """
    WITH made AS MATERIALIZED (
        SELECT * FROM unnest(%(names)s::text[], %(digests)s::text[], %(data)s::bytea[])
                   AS made (name, digest, data)
         WHERE NOT EXISTS (
            SELECT FROM conda_condashard shard
             WHERE repository_id = %(repository)s AND subdir = %(subdir)s
               AND shard.name = made.name AND shard.digest = made.digest
               AND added <= %(number)s AND (removed IS NULL OR removed > %(number)s))
    ), ended AS (
        UPDATE conda_condashard shard SET removed = %(end)s, superseded = %(now)s FROM made
         WHERE repository_id = %(repository)s AND subdir = %(subdir)s
           AND shard.name = made.name AND removed IS NULL AND %(is_newest)s
    )
    INSERT INTO conda_condashard
           (repository_id, subdir, name, digest, data, added, removed, superseded)
    SELECT %(repository)s, %(subdir)s, name, digest, data, %(number)s, %(removed)s, %(superseded)s
      FROM made
"""


class ShardStore:
    """Saves the shards of one version's index, in the transaction that saves its publication.

    For each name: keep the row if the digest is unchanged; else insert the new shard and set
    `removed` on the old one. A name without a shard only ends its old one. If a later version is
    published already, its shards stay current, and new rows get `removed = number + 1` at once.
    """

    def __init__(self, version: RepositoryVersion, previous: int | None) -> None:
        """Save shards of `version`, whose index was built from that of version `previous`."""
        self._repository = version.repository_id
        self._number = version.number
        with prepared_cursor() as cursor:
            cursor.execute(_NEWEST_PUBLISHED, [self._repository])
            (newest,) = cursor.fetchone() or (None,)
        self._is_newest = newest is None or newest <= version.number
        # If the version has a publication already, that one still names its shards.
        self._end = version.number + 1 if newest == version.number else version.number
        if self._is_newest and previous is not None and previous + 1 < version.number:
            self._undo_lost_indexes(previous)

    def _undo_lost_indexes(self, previous: int) -> None:
        """Undo the changes of publications between `previous` and this version.

        These publications were deleted, so the index at hand does not follow from them.
        """
        ours = CondaShard.objects.filter(repository_id=self._repository)
        since = ours.filter(removed__gt=previous, removed__lte=self._number, added__lte=previous)
        since.update(removed=None, superseded=None)
        lost = ours.filter(added__gt=previous, added__lt=self._number, removed=None)
        lost.update(removed=self._number, superseded=now())

    def save(self, subdir: str, shards: NewShards) -> None:
        """Save the shards of a subdir."""
        for batch in shards.batches():
            self._save_batch(subdir, batch)
        changed = shards.changed
        if changed is None:
            changed = self._current(subdir).values_list("name", flat=True)
        gone = set(changed).difference(shards.names)
        if self._is_newest and gone:
            current = self._current(subdir).filter(name__in=gone)
            current.update(removed=self._end, superseded=now())

    def _save_batch(self, subdir: str, batch: Mapping[str, ShardBytes]) -> None:
        moment = now()
        values = {
            "repository": self._repository,
            "subdir": subdir,
            "number": self._number,
            "end": self._end,
            "is_newest": self._is_newest,
            "removed": None if self._is_newest else self._number + 1,
            "superseded": None if self._is_newest else moment,
            "now": moment,
            "names": list(batch),
            "digests": [shard.digest.hex() for shard in batch.values()],
            "data": [shard.data for shard in batch.values()],
        }
        with prepared_cursor(len(batch)) as cursor:
            cursor.execute(_SAVE, values)

    def _current(self, subdir: str) -> QuerySet[CondaShard]:
        return CondaShard.objects.filter(
            repository_id=self._repository, subdir=subdir, removed=None
        )
