"""Save shards, and record which versions each shard belongs to."""

from collections.abc import Iterable

from django.db import connection
from django.db.models import QuerySet
from django.utils.timezone import now
from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.app.models import CondaShard, published_versions, shards_of
from pulp_conda.formats.index.new_shards import NewShards
from pulp_conda.formats.index.shards import ShardBytes

_COPY = """
    COPY conda_condashard
         (repository_id, subdir, name, digest, data, added, removed, superseded) FROM STDIN
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
        published = published_versions(version.repository_id).order_by("-number")
        newest = published.values_list("number", flat=True).first()
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
        self._end_current(subdir, set(changed).difference(shards.names))

    def _save_batch(self, subdir: str, batch: dict[str, ShardBytes]) -> None:
        rows = self._in_version(subdir).filter(name__in=list(batch))
        saved = set(rows.values_list("name", "digest"))
        new = {
            name: shard for name, shard in batch.items() if (name, shard.digest.hex()) not in saved
        }
        if not new:
            return
        self._end_current(subdir, new)
        removed, superseded = (None, None) if self._is_newest else (self._number + 1, now())
        # COPY, because bulk_create took half of the time of publishing 40,000 shards.
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            for name, shard in new.items():
                content = (self._repository, subdir, name, shard.digest.hex(), shard.data)
                copy.write_row((*content, self._number, removed, superseded))

    def _end_current(self, subdir: str, names: Iterable[str]) -> None:
        """Set `removed` on the current shards of some names."""
        if self._is_newest and (ended := list(names)):
            current = self._current(subdir).filter(name__in=ended)
            current.update(removed=self._end, superseded=now())

    def _current(self, subdir: str) -> QuerySet[CondaShard]:
        return CondaShard.objects.filter(
            repository_id=self._repository, subdir=subdir, removed=None
        )

    def _in_version(self, subdir: str) -> QuerySet[CondaShard]:
        """Return the shards that belong to the version."""
        named = shards_of(self._repository, self._number)
        return CondaShard.objects.filter(named, subdir=subdir)
