"""Decide the outcome of pending changes, and the packages that the next version changes.

Changes count in the order in which they arrived, as if each had a version of its own:

* A removal takes packages that the channel had when the removal was asked for. It takes none that
  is uploaded in the same batch, before or after it.
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
    """The outcome of each change by its key, and the packages to add and to remove."""

    outcomes: dict[int, str] = field(default_factory=dict)
    add: set[UUID] = field(default_factory=set)
    remove: set[UUID] = field(default_factory=set)


def decide(
    changes: Sequence[PendingChange], repository: CondaRepository, latest: RepositoryVersion
) -> Decision:
    """Decide changes in the order of their arrival. Nothing is written."""
    newest = {_uploaded(c).relative_path: c.pk for c in changes if c.kind == UPLOAD}
    before = {package.relative_path: package.pk for package in _packages_at(latest, newest)}
    channel = _Channel(repository, latest, newest, before)
    for change in changes:
        decide_one = channel.upload if change.kind == UPLOAD else channel.remove
        channel.decision.outcomes[change.pk] = decide_one(change)
    decision, after = channel.decision, channel.current
    decision.add = {pk for path, pk in after.items() if before.get(path) != pk}
    decision.remove |= {pk for path, pk in before.items() if after.get(path) != pk}
    return decision


class _Channel:
    """The state of a channel after the changes that were decided so far."""

    def __init__(
        self,
        repository: CondaRepository,
        latest: RepositoryVersion,
        newest: dict[str, int],
        current: dict[str, UUID],
    ) -> None:
        self.decision = Decision()
        self.current = dict(current)
        """The current package of each path that a change uploads to."""
        self._added: set[str] = set()
        """The paths whose current package came with a change."""
        self._repository = repository
        self._latest = latest
        self._newest = newest
        self._immutable = repository.immutable_names
        self._retired = _retired(repository, newest) if self._immutable and newest else {}
        # A package counts as new if its version was made but never published.
        packages = current.values()
        published = repository.autopublish
        self._published = _published(latest, packages) if published else {*packages}
        self._quota = Quota.of(repository)

    def upload(self, change: PendingChange) -> str:
        """Return the outcome of an upload; its package is current if that is `ADDED`."""
        package = _uploaded(change)
        path = package.relative_path
        current = self.current.get(path)
        if self._newest[path] != change.pk:
            return EXISTS
        if current == package.pk:
            return EXISTS if current in self._published and not change.replaces else ADDED
        if current is not None and (self._immutable or not change.replaces):
            return EXISTS
        if package.sha256 not in self._retired.get(path, (package.sha256,)):
            return RETIRED
        if not self._quota.take(package):
            return FULL
        self.current[path] = package.pk
        self._added.add(path)
        return ADDED

    def remove(self, change: PendingChange) -> str:
        """Remove the packages that a removal selects; return its outcome."""
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
        elif dropped := path not in self._added and self.current.get(path) == package.pk:
            del self.current[path]
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
    """Return, by path, the sha256 of the packages that were removed from it recently."""
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


def _packages_at(version: RepositoryVersion, paths: Collection[str]) -> Iterable[CondaPackage]:
    """Return the packages that a version has at the given paths."""
    return CondaPackage.objects.in_version(version).filter(_with_paths(paths)) if paths else ()


def _with_paths(paths: Iterable[str]) -> Q:
    query = Q(pk__in=[])
    for path in paths:
        subdir, filename = layout.split(path)
        query |= Q(subdir=subdir, filename=filename)
    return query


def _published(latest: RepositoryVersion, packages: Collection[UUID]) -> set[UUID]:
    """Return the packages that the newest published version has, out of those given."""
    if not packages:
        return set()
    version = published_version(latest.repository_id)
    if version is None:
        return set()
    published = CondaPackage.objects.in_version(version).filter(pk__in=list(packages))
    return set(published.values_list("pk", flat=True))
