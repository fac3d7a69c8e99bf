"""Planning a publication: which parts of an index have to be built, and from what."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.formats import layout
from pulp_conda.formats.index.context import Packages, PreviousIndex

from .documents import SavedDocument
from .fingerprint import Fingerprint, index_fingerprint
from .patches import Patches
from .previous_index import PreviousPublication, find_previous

ROOT = ""
"""The `subdir` of documents in the root of a channel."""


class PackageSource(Packages, Protocol):
    """Where the packages of an index come from, and what is known of their changes."""

    @property
    def patches(self) -> Patches:
        """The repodata patches that apply to the packages."""

    def subdirs(self) -> Collection[str]:
        """Return the subdirs that have packages, or had some once."""

    def changed_since(self, number: int) -> dict[str, set[str]]:
        """Return the names whose packages may differ from those in version `number`, by subdir."""

    def repatched_since(self, number: int) -> dict[str, set[str]]:
        """Return the names that patches may change otherwise than in version `number`."""


@dataclass(frozen=True)
class Plan:
    """What to build for a version, and what to take over from the previous publication."""

    version: RepositoryVersion
    packages: PackageSource
    fingerprint: Fingerprint
    previous: PreviousPublication | None
    """None if every document is built from the packages."""
    subdirs: frozenset[str]
    """The subdirs that the channel will have an index of."""
    changed: Mapping[str, frozenset[str]] | None
    """The names to build anew, by subdir; None for all names of all subdirs."""

    @property
    def built_subdirs(self) -> list[str]:
        """The subdirs whose documents are built; the documents of others are taken over."""
        return sorted(self.subdirs if self.changed is None else self.changed)

    @property
    def reused(self) -> dict[str, SavedDocument]:
        """The documents that are taken over, by path."""
        if self.previous is None:
            return {}
        # The documents in the root tell of all subdirs.
        built = {*self.built_subdirs, ROOT} if self.built_subdirs else set()
        return {
            path: document
            for path, document in self.previous.documents.items()
            if layout.split(path)[0] not in built
        }

    def changed_names(self, subdir: str) -> Collection[str] | None:
        """Return the names of a subdir to build anew, None for all of them."""
        if self.changed is None or not self._can_merge(subdir):
            return None
        return self.changed[subdir]

    def previous_index(self, subdir: str) -> PreviousIndex | None:
        """Return the index that is merged with new fragments, None if everything is built anew.

        Raises:
            DamagedDocument: the manifest of that index is not what was saved.
        """
        if self.previous is None or not self._can_merge(subdir):
            return None
        return self.previous.index_of(subdir)

    def _can_merge(self, subdir: str) -> bool:
        if self.previous is None or not self.previous.in_subdir(subdir):
            return False
        if subdir == ROOT:
            return True
        # With patches each record is kept twice, patched and not, and without them once. So the
        # first patch of a subdir and the end of its last one concern all names.
        was_patched = f"{subdir}/{layout.REPODATA_FROM_PACKAGES}" in self.previous.documents
        return was_patched is (self.packages.patches.of(subdir) is not None)


def plan(version: RepositoryVersion, packages: PackageSource, *, anew: bool = False) -> Plan:
    """Return what has to be built for a version whose packages come from `packages`.

    Reads the database and changes nothing. With `anew` no earlier publication is looked at.
    """
    fingerprint = index_fingerprint(version)
    previous = None if anew else find_previous(version, fingerprint)
    if previous is None:
        subdirs = frozenset({layout.NOARCH, *packages.subdirs()})
        return Plan(version, packages, fingerprint, None, subdirs, None)
    changed = packages.changed_since(previous.number)
    subdirs = frozenset({layout.NOARCH, *previous.subdirs, *changed})
    for subdir, names in packages.repatched_since(previous.number).items():
        if subdir in subdirs:  # a patch without packages gives a channel no new subdir
            changed.setdefault(subdir, set()).update(names)
    frozen = {subdir: frozenset(names) for subdir, names in changed.items()}
    return Plan(version, packages, fingerprint, previous, subdirs, frozen)
