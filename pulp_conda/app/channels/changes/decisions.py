"""Decide the outcome of pending changes, and what the next version adds and removes.

Changes count in the order in which they arrived, as if each had a version of its own:

* A removal takes packages that the channel held when the removal was asked for. It takes none
  that is uploaded in the same batch, before or after it.
* An upload after the removal of its path finds the path free. If names are immutable, the removed
  bytes retire the name at once.
* Of several uploads of one path the newest is added. An older one may belong to a client that is
  gone, and that client's retry must not be told that the file exists.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils.timezone import now
from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.app.models import (
    ADDED,
    EXISTS,
    FULL,
    REMOVED,
    RETIRED,
    UPLOAD,
    CondaPackage,
    CondaRepository,
    PendingChange,
    in_version,
    published_version,
)
from pulp_conda.formats import layout

from .quota import Quota
from .remove import selected_memberships


@dataclass
class Decision:
    """The outcome of each change by its key, and the packages that the next version changes."""

    outcomes: dict[int, str] = field(default_factory=dict)
    add: set[UUID] = field(default_factory=set)
    remove: set[UUID] = field(default_factory=set)


def decide(
    changes: Sequence[PendingChange], repository: CondaRepository, latest: RepositoryVersion
) -> Decision:
    """Decide changes that are given in the order of their arrival; nothing is written."""
    newest = {_uploaded(c).relative_path: c.pk for c in changes if c.kind == UPLOAD}
    held = {package.relative_path: package.pk for package in _held(latest, newest)}
    channel = _Channel(repository, latest, newest, held)
    for change in changes:
        decide_one = channel.upload if change.kind == UPLOAD else channel.remove
        channel.decision.outcomes[change.pk] = decide_one(change)
    decision, after = channel.decision, channel.held
    decision.add = {pk for path, pk in after.items() if held.get(path) != pk}
    decision.remove |= {pk for path, pk in held.items() if after.get(path) != pk}
    return decision


class _Channel:
    """A channel as the changes that were decided so far leave it."""

    def __init__(
        self,
        repository: CondaRepository,
        latest: RepositoryVersion,
        newest: dict[str, int],
        held: dict[str, UUID],
    ) -> None:
        self.decision = Decision()
        self.held = dict(held)
        """The package of each path that a change uploads."""
        self._repository = repository
        self._latest = latest
        self._newest = newest
        self._immutable = repository.immutable_names
        self._retired = _retired(repository, newest) if self._immutable and newest else {}
        # A package whose version was made but never published counts as new.
        published = repository.autopublish
        self._served = _served(latest, held.values()) if published else {*held.values()}
        self._quota = Quota.of(repository)

    def upload(self, change: PendingChange) -> str:
        """Return the outcome of an upload, and hold its package if that is `ADDED`."""
        package = _uploaded(change)
        path = package.relative_path
        holder = self.held.get(path)
        if self._newest[path] != change.pk:
            return EXISTS
        if holder == package.pk:
            return EXISTS if holder in self._served and not change.replaces else ADDED
        if holder is not None and (self._immutable or not change.replaces):
            return EXISTS
        if package.sha256 not in self._retired.get(path, (package.sha256,)):
            return RETIRED
        if not self._quota.take(package):
            return FULL
        self.held[path] = package.pk
        return ADDED

    def remove(self, change: PendingChange) -> str:
        """Stop holding the packages that a removal selects."""
        # A version that was never completed has removed nothing.
        present = selected_memberships(self._repository, change, self._latest).filter(
            in_version(self._latest.number)
        )
        for package in CondaPackage.objects.filter(pk__in=present.values("content_id")).only(
            "subdir", "filename", "sha256", "size"
        ):
            self._drop(package)
        return REMOVED

    def _drop(self, package: CondaPackage) -> None:
        path = package.relative_path
        if path not in self._newest:
            dropped = package.pk not in self.decision.remove
            self.decision.remove.add(package.pk)
        elif dropped := self.held.get(path) == package.pk:
            del self.held[path]
        if not dropped:
            return
        self._quota.release(package)
        if self._immutable and settings.CONDA_NAME_RETIREMENT_SECONDS:
            self._retired.setdefault(path, set()).add(package.sha256)


def _uploaded(change: PendingChange) -> CondaPackage:
    package: CondaPackage | None = change.package
    if package is None:
        raise ValueError(f"the upload {change.pk} has no package")
    return package


def _retired(repository: CondaRepository, paths: Iterable[str]) -> dict[str, set[str]]:
    """Return the sha256 of the packages that each path had until recently."""
    since = now() - timedelta(seconds=settings.CONDA_NAME_RETIREMENT_SECONDS)
    removed = CondaPackage.objects.filter(
        _with_paths(paths),
        version_memberships__repository=repository,
        version_memberships__version_removed__pulp_created__gte=since,
    )
    digests: dict[str, set[str]] = {}
    for package in removed:
        digests.setdefault(package.relative_path, set()).add(package.sha256)
    return digests


def _held(version: RepositoryVersion, paths: Collection[str]) -> Iterable[CondaPackage]:
    """Return the packages that a version holds at the given paths."""
    return CondaPackage.objects.in_version(version).filter(_with_paths(paths)) if paths else ()


def _with_paths(paths: Iterable[str]) -> Q:
    query = Q(pk__in=[])
    for path in paths:
        subdir, filename = layout.split(path)
        query |= Q(subdir=subdir, filename=filename)
    return query


def _served(latest: RepositoryVersion, packages: Collection[UUID]) -> set[UUID]:
    """Return which of the packages the channel's newest index names."""
    if not packages:
        return set()
    version = published_version(latest.repository_id)
    if version is None:
        return set()
    held = CondaPackage.objects.in_version(version).filter(pk__in=list(packages))
    return set(held.values_list("pk", flat=True))
