"""Keeping the shards that a channel's indexes name, each for as long as one does."""

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.timezone import now
from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.app.models import CondaPublication, CondaShard
from pulp_conda.formats.shards import ShardBytes

_BATCH = 500


class ShardKeeper:
    """Saves a subdir's shards as those of the index of a version.

    What equals the shard of before is not written again; what took its place, or no longer is,
    ends the one before. When a later version has an index already, that keeps its shards.
    """

    def __init__(self, version: RepositoryVersion, subdir: str) -> None:
        self._repository: UUID = version.repository_id
        self._subdir = subdir
        self._number = version.number
        others = CondaPublication.objects.filter(
            repository_version__repository_id=version.repository_id, complete=True
        ).order_by("-repository_version__number")
        newest = others.values_list("repository_version__number", flat=True).first()
        self._is_newest = newest is None or newest <= version.number
        # An earlier index of the same version still names its own shards.
        self._ends = version.number + 1 if newest == version.number else version.number
        self._batch: dict[str, ShardBytes] = {}

    def keep(self, name: str, shard: ShardBytes) -> None:
        """Take the shard of a name."""
        self._batch[name] = shard
        if len(self._batch) == _BATCH:
            self.flush()

    def flush(self) -> None:
        """Save what was taken."""
        batch, self._batch = self._batch, {}
        if not batch:
            return
        named = self._named().filter(name__in=list(batch)).values_list("name", "digest")
        there = set(named)
        new = {
            name: shard for name, shard in batch.items() if (name, shard.digest.hex()) not in there
        }
        if self._is_newest:
            self.end(new)
        CondaShard.objects.bulk_create(
            CondaShard(
                repository_id=self._repository,
                subdir=self._subdir,
                name=name,
                digest=shard.digest.hex(),
                data=shard.data,
                added=self._number,
                removed=None if self._is_newest else self._number + 1,
                superseded=None if self._is_newest else now(),
            )
            for name, shard in new.items()
        )

    def end(self, names: Iterable[str]) -> None:
        """End the shards that these names have had so far."""
        if self._is_newest:
            current = self._current().filter(name__in=list(names))
            current.update(removed=self._ends, superseded=now())

    def end_all_but(self, names: Collection[str]) -> None:
        """End the shards of all names but these."""
        if self._is_newest:
            self.end(set(self._current().values_list("name", flat=True)).difference(names))

    def _current(self) -> QuerySet[CondaShard]:
        return CondaShard.objects.filter(
            repository_id=self._repository, subdir=self._subdir, removed=None
        )

    def _named(self) -> QuerySet[CondaShard]:
        return CondaShard.objects.filter(
            Q(removed=None) | Q(removed__gt=self._number),
            repository_id=self._repository,
            subdir=self._subdir,
            added__lte=self._number,
        )
