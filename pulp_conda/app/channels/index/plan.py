"""Plan a publication: which parts of an index to build, and which to reuse."""

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
    """The packages of an index, and how they changed since an earlier version."""

    @property
    def patches(self) -> Patches:
        """The repodata patches that apply to the packages."""

    def subdirs(self) -> Collection[str]:
        """Return the subdirs that have packages, or had packages in an earlier version."""

    def changed_since(self, number: int) -> dict[str, set[str]]:
        """Return the names, by subdir, whose packages may differ from those of a version."""

    def repatched_since(self, number: int) -> dict[str, set[str]]:
        """Return the names, by subdir, whose patches may differ from those of a version."""


@dataclass(frozen=True)
class Plan:
    """The parts of an index to build, and the documents of the previous publication to reuse."""

    version: RepositoryVersion
    packages: PackageSource
    fingerprint: Fingerprint
    previous: PreviousPublication | None
    """None if every document is built anew."""
    subdirs: frozenset[str]
    """The subdirs that the index has."""
    changed: Mapping[str, frozenset[str]] | None
    """The names to build anew, by subdir; None means all names of all subdirs."""

    @property
    def built_subdirs(self) -> list[str]:
        """The subdirs whose documents are built. The documents of other subdirs are reused."""
        return sorted(self.subdirs if self.changed is None else self.changed)

    @property
    def reused(self) -> dict[str, SavedDocument]:
        """The documents that are reused, by path."""
        if self.previous is None:
            return {}
        # The documents in the root describe all subdirs.
        built = {*self.built_subdirs, ROOT} if self.built_subdirs else set()
        return {
            path: document
            for path, document in self.previous.documents.items()
            if layout.split(path)[0] not in built
        }

    def changed_names(self, subdir: str) -> Collection[str] | None:
        """Return the names of a subdir to build anew; None means all of them."""
        if self.changed is None or not self._can_merge(subdir):
            return None
        return self.changed[subdir]

    def previous_index(self, subdir: str) -> PreviousIndex | None:
        """Return the index to merge with new fragments, None if everything is built anew.

        Raises:
            DamagedDocument: the storage lost or changed the manifest of that index.
        """
        if self.previous is None or not self._can_merge(subdir):
            return None
        return self.previous.index_of(subdir)

    def _can_merge(self, subdir: str) -> bool:
        if self.previous is None or not self.previous.in_subdir(subdir):
            return False
        if subdir == ROOT:
            return True
        # A subdir with patches has each record twice, patched and unpatched. A subdir without
        # patches has it once. So its first patch, and the removal of its last one, concern all
        # names.
        original = f"{subdir}/{layout.REPODATA_FROM_PACKAGES}{layout.ZST}"
        was_patched = original in self.previous.documents
        return was_patched is (self.packages.patches.of(subdir) is not None)


def plan(version: RepositoryVersion, packages: PackageSource, *, anew: bool = False) -> Plan:
    """Return the plan for a version whose packages come from `packages`.

    Reads the database and changes nothing. With `anew` the previous publication is ignored.
    """
    fingerprint = index_fingerprint(version)
    previous = None if anew else find_previous(version, fingerprint)
    if previous is None:
        subdirs = frozenset({layout.NOARCH, *packages.subdirs()})
        return Plan(version, packages, fingerprint, None, subdirs, None)
    changed = packages.changed_since(previous.number)
    subdirs = frozenset({layout.NOARCH, *previous.subdirs, *changed})
    for subdir, names in packages.repatched_since(previous.number).items():
        if subdir in subdirs:  # a patch for a subdir without packages adds no subdir
            changed.setdefault(subdir, set()).update(names)
    frozen = {subdir: frozenset(names) for subdir, names in changed.items()}
    return Plan(version, packages, fingerprint, previous, subdirs, frozen)
