"""Make the version that a sync leads to, and publish it."""

from collections.abc import Collection, Iterable
from typing import Any, Final

from django.db import connection, transaction
from django.utils.timezone import now
from pulpcore.plugin.models import RepositoryContent, RepositoryVersion

from pulp_conda.app.channels.changes.delta import Delta
from pulp_conda.app.channels.changes.versions import base_version, change
from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.channels.index.version_packages import VersionPackages
from pulp_conda.app.channels.storage.durability import durable
from pulp_conda.app.failpoints import failpoint
from pulp_conda.app.models import (
    MIRROR,
    CondaPackage,
    CondaRepository,
    IndexedFile,
    SyncedSubdir,
    publication_of,
)

from .difference import DELTA, Difference, compare
from .request import SyncRequest
from .staging import STAGED
from .state import Names

_MANY_ROWS: Final = 5000
"""The number of changed packages from which on plans need new statistics."""

_MANY: Final = 100
"""The number of packages from which on a loss in percent says something."""

# In the order of the table's index, which then grows at its end.
_RECORD_TIMES: Final = f"""
    INSERT INTO conda_indexedfile
           (repository_id, sha256, subdir, name, filename, version, timestamp)
    SELECT %(repository)s, staged.sha256, subdir, staged.name, filename, %(number)s,
           COALESCE(staged.indexed, min(staged.indexed) OVER (PARTITION BY subdir), %(now)s)
      FROM {STAGED} staged JOIN {DELTA} delta USING (subdir, filename)
     WHERE delta.content_id = staged.unit AND delta.operation = 'A'
     ORDER BY subdir, staged.name, filename, staged.sha256
    ON CONFLICT DO NOTHING
"""  # noqa: S608 (of constants)


class Shrunk(Exception):
    """A channel would lose so many packages that its upstream is probably damaged."""

    def __init__(self, removed: int, present: int, percent: int) -> None:
        super().__init__(
            f"the channel would lose {removed:,} of {present:,} packages, and the remote's "
            f"max_shrink is {percent} %; sync with force if that is right"
        )


def apply(
    request: SyncRequest,
    states: Collection[SyncedSubdir],
    *,
    base: int,
    compared: Names,
) -> tuple[Difference, RepositoryVersion]:
    """Make a channel have what was staged, as one version, and publish it.

    The task holds the repository. Version, index and the state for the next sync become visible
    together or not at all. Without a difference there is no new version. `base` is the number of
    the version that the sync began with, `compared` are the names that were staged.

    Raises:
        Shrunk: more packages would go than the remote's `max_shrink` allows.
    """
    with transaction.atomic():
        durable()
        # Others may have changed it since the sync began.
        repository = CondaRepository.objects.get(pk=request.repository.pk)
        latest = base_version(repository)
        difference = compare(latest, mode=request.options.mode, holds=request.holds)
        _check_shrink(request, difference, latest)
        uncompared = _changed_meanwhile(latest, base, compared)
        if not difference.is_empty:
            latest = change(repository, Delta.staged(DELTA), latest)
            failpoint("version saved")
            _record_times(latest)
            if difference.size > _MANY_ROWS:
                _analyze()
        if repository.autopublish and (not difference.is_empty or publication_of(latest) is None):
            publish(latest)
        failpoint("index saved")
        for state in states:
            state.forget(uncompared.get(state.subdir, set()))
        save_states(states, latest)
    failpoint("committed")
    return difference, latest


def save_states(states: Iterable[SyncedSubdir], version: RepositoryVersion) -> None:
    """Save what a sync has read, whose outcome is in a version of the channel."""
    for state in states:
        state.version = version.number
        state.save()


def _check_shrink(request: SyncRequest, difference: Difference, latest: RepositoryVersion) -> None:
    removed, percent = difference.counts["removed"], request.remote.max_shrink
    if request.options.force or request.options.mode != MIRROR or removed < _MANY:
        return
    present = sum(latest.counts.filter(count_type="P").values_list("count", flat=True))
    if removed > present * percent / 100:
        raise Shrunk(removed, present, percent)


def _changed_meanwhile(
    latest: RepositoryVersion, base: int, compared: Names
) -> dict[str, set[str]]:
    """Return the names, by subdir, that were changed since `base` and not compared."""
    if latest.number == base:
        return {}
    changed = VersionPackages(latest).changed_since(base)
    return {subdir: names - compared.get(subdir, set()) for subdir, names in changed.items()}


def _record_times(version: RepositoryVersion) -> None:
    values: dict[str, Any] = {
        "repository": version.repository_id,
        "number": version.number,
        "now": int(now().timestamp() * 1000),
    }
    with connection.cursor() as cursor:
        cursor.execute(_RECORD_TIMES, values)


def _analyze() -> None:
    """Gather statistics of the tables that a large sync has filled.

    PostgreSQL does that by itself, a minute after the transaction has ended. Without statistics of
    these rows, the statement that reads 100,000 packages for the index did not end in ten minutes.
    """
    with connection.cursor() as cursor:
        for model in (CondaPackage, RepositoryContent, RepositoryVersion, IndexedFile):
            cursor.execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)}")
