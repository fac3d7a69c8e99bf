"""Decide the outcome of pending changes, and the packages that the next version changes.

Changes count in the order in which they arrived, as if each had a version of its own:

* A removal takes packages that the channel had when the removal was asked for. It takes none that
  is uploaded in the same batch, before or after it.
* An upload after the removal of its path finds the path free. If names are immutable, the removed
  bytes retire the name at once.
* Of several uploads of one path the newest is added. An older one may belong to a client that is
  gone, and that client's retry must not be told that the file exists.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q
from django.utils.timezone import now
from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.app.models import (
    ADDED,
    EXISTS,
    FULL,
    REMOVED,
    RETIRED,
    CondaPackage,
    CondaRepository,
    in_version,
    published_version,
)
from pulp_conda.formats import layout

from .quota import Quota
from .remove import selected_memberships
from .waiting import Removal, StoredPackage, Upload


@dataclass
class Decision:
    """The outcome of each change by its key, and the packages to add and to remove."""

    outcomes: dict[int, str] = field(default_factory=dict)
    add: set[UUID] = field(default_factory=set)
    remove: set[UUID] = field(default_factory=set)


def decide(
    changes: Sequence[Upload | Removal], repository: CondaRepository, latest: RepositoryVersion
) -> Decision:
    """Decide changes in the order of their arrival. Nothing is written."""
    channel = _Channel(repository, latest, [c for c in changes if isinstance(c, Upload)])
    for change in changes:
        outcome = channel.upload(change) if isinstance(change, Upload) else channel.remove(change)
        channel.decision.outcomes[change.key] = outcome
    return channel.decided()


class _Channel:
    """The state of a channel after the changes that were decided so far."""

    def __init__(
        self, repository: CondaRepository, latest: RepositoryVersion, uploads: Sequence[Upload]
    ) -> None:
        self.decision = Decision()
        self._held = {each.package.path: each.held for each in uploads if each.held}
        self._current = {path: held.pk for path, held in self._held.items()}
        """The current package of each path that a change uploads to."""
        self._added: set[str] = set()
        """The paths whose current package came with a change."""
        self._repository = repository
        self._latest = latest
        self._newest = {each.package.path: each.key for each in uploads}
        self._immutable = repository.immutable_names
        self._retired = _retired(repository, self._newest) if self._immutable and uploads else {}
        self._quota = Quota.of(repository)
        # A package counts as new if its version was made but never published.
        self._published = latest.number
        if self._held and repository.autopublish:
            self._published = _published_number(repository)

    def upload(self, change: Upload) -> str:
        """Return the outcome of an upload; its package is current if that is `ADDED`."""
        package = change.package
        path = package.path
        current = self._current.get(path)
        if self._newest[path] != change.key:
            return EXISTS
        if current == package.pk:
            return EXISTS if self._is_published(path) and not change.replaces else ADDED
        if current is not None and (self._immutable or not change.replaces):
            return EXISTS
        if package.sha256 not in self._retired.get(path, (package.sha256,)):
            return RETIRED
        if not self._quota.take(package.size):
            return FULL
        self._current[path] = package.pk
        self._added.add(path)
        return ADDED

    def remove(self, change: Removal) -> str:
        """Remove the packages that a removal selects; return its outcome."""
        # A version that was never completed has removed nothing.
        present = selected_memberships(self._repository, change, self._latest).filter(
            in_version(self._latest.number)
        )
        packages = CondaPackage.objects.filter(pk__in=present.values("content_id"))
        for package in packages.annotate(bytes_here=F("contentartifact__artifact__size")).only(
            "subdir", "filename", "sha256"
        ):
            size = package.bytes_here or 0
            self._drop(StoredPackage(package.pk, package.relative_path, package.sha256, size))
        return REMOVED

    def decided(self) -> Decision:
        """Return the outcomes, and the packages to add and to remove."""
        before = {path: held.pk for path, held in self._held.items()}
        after = self._current
        self.decision.add = {pk for path, pk in after.items() if before.get(path) != pk}
        self.decision.remove |= {pk for path, pk in before.items() if after.get(path) != pk}
        return self.decision

    def _is_published(self, path: str) -> bool:
        return path in self._held and self._held[path].since <= self._published

    def _drop(self, package: StoredPackage) -> None:
        path = package.path
        if path not in self._newest:
            dropped = package.pk not in self.decision.remove
            self.decision.remove.add(package.pk)
        elif dropped := path not in self._added and self._current.get(path) == package.pk:
            del self._current[path]
        if not dropped:
            return
        self._quota.release(package.size)
        if self._immutable and settings.CONDA_NAME_RETIREMENT_SECONDS:
            self._retired.setdefault(path, set()).add(package.sha256)


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


def _with_paths(paths: Iterable[str]) -> Q:
    query = Q(pk__in=[])
    for path in paths:
        subdir, filename = layout.split(path)
        query |= Q(subdir=subdir, filename=filename)
    return query


def _published_number(repository: CondaRepository) -> int:
    """Return the number of the newest version that has an index, 0 without any."""
    version = published_version(repository.pk)
    return version.number if version else 0
