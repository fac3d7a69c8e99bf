"""Keeping the shards that a channel's indexes name, each for as long as one does."""

from collections.abc import Iterable

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.timezone import now
from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.app.models import CondaPublication, CondaShard
from pulp_conda.formats.index.new_shards import NewShards
from pulp_conda.formats.index.shards import ShardBytes

_COPY = """
    COPY conda_condashard
         (repository_id, subdir, name, digest, data, added, removed, superseded) FROM STDIN
"""


class ShardKeeper:
    """Saves shards as those of the index of a version; to be used before that is complete.

    What equals the shard of before is not written again; what took its place, or no longer is,
    ends the one before. When a later version has an index already, that keeps its shards.
    """

    def __init__(self, version: RepositoryVersion, before: int | None) -> None:
        """Save for a version whose index is made from that of the version numbered `before`."""
        self._repository = version.repository_id
        self._number = version.number
        published = CondaPublication.objects.filter(
            repository_version__repository_id=version.repository_id, complete=True
        ).order_by("-repository_version__number")
        newest = published.values_list("repository_version__number", flat=True).first()
        self._is_newest = newest is None or newest <= version.number
        # An earlier index of the same version still names its own shards.
        self._end = version.number + 1 if newest == version.number else version.number
        if self._is_newest and before is not None and before + 1 < version.number:
            self._rewind(before)

    def _rewind(self, before: int) -> None:
        """Undo what indexes did that are there no more: of deleted versions or publications."""
        ours = CondaShard.objects.filter(repository_id=self._repository)
        since = ours.filter(removed__gt=before, removed__lte=self._number, added__lte=before)
        since.update(removed=None, superseded=None)
        lost = ours.filter(added__gt=before, added__lt=self._number, removed=None)
        lost.update(removed=self._number, superseded=now())

    def save(self, subdir: str, shards: NewShards) -> None:
        """Save the shards of a subdir."""
        for batch in shards.batches():
            self._save_batch(subdir, batch)
        changed = shards.changed
        if changed is None:
            changed = self._current(subdir).values_list("name", flat=True)
        self._finish(subdir, set(changed).difference(shards.names))

    def _save_batch(self, subdir: str, batch: dict[str, ShardBytes]) -> None:
        named = self._named(subdir).filter(name__in=list(batch)).values_list("name", "digest")
        there = set(named)
        new = {
            name: shard for name, shard in batch.items() if (name, shard.digest.hex()) not in there
        }
        if not new:
            return
        self._finish(subdir, new)
        removed, superseded = (None, None) if self._is_newest else (self._number + 1, now())
        # Of forty thousand shards, saving them one by one as models takes half of the time.
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            for name, shard in new.items():
                place = (self._repository, subdir, name, shard.digest.hex(), shard.data)
                copy.write_row((*place, self._number, removed, superseded))

    def _finish(self, subdir: str, names: Iterable[str]) -> None:
        """End the shards that names have had so far."""
        if self._is_newest and (found := list(names)):
            current = self._current(subdir).filter(name__in=found)
            current.update(removed=self._end, superseded=now())

    def _current(self, subdir: str) -> QuerySet[CondaShard]:
        return CondaShard.objects.filter(
            repository_id=self._repository, subdir=subdir, removed=None
        )

    def _named(self, subdir: str) -> QuerySet[CondaShard]:
        """Return the shards that the index of the version may name."""
        return CondaShard.objects.filter(
            Q(removed=None) | Q(removed__gt=self._number),
            repository_id=self._repository,
            subdir=subdir,
            added__lte=self._number,
        )
