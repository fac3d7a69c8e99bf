"""The records of single names, for choosing among them."""

from __future__ import annotations

from collections.abc import Iterable

from .context import Packages
from .current_repodata import Records
from .fragments import FragmentStore
from .sections import Section
from .shards import Patch, build_shards

_SECTIONS = (Section.PACKAGES, Section.PACKAGES_CONDA)


class NameRecords:
    """The records of the names of a subdir: new ones in the store, others in the database."""

    def __init__(
        self,
        packages: Packages,
        subdir: str,
        patch: Patch | None,
        store: FragmentStore,
        changed: set[str],
    ) -> None:
        """Find the records of `changed` names in the store."""
        self._packages = packages
        self._subdir = subdir
        self._patch = patch
        self._store = store
        self._changed = changed
        self._loaded: dict[str, Records] = {}

    def of(self, name: str) -> Records:
        """Return the records of a name."""
        if name in self._changed:
            return Records(*(self._store.fragments(section, name) for section in _SECTIONS))
        if name not in self._loaded:
            self.load([name])
        return self._loaded[name]

    def load(self, names: Iterable[str]) -> None:
        """Load the records of some names together."""
        wanted = sorted(set(names) - self._changed - self._loaded.keys())
        if not wanted:
            return
        for shard in build_shards(self._packages.of(self._subdir, wanted), self._patch):
            found = (shard.fragments.get(section, []) for section in _SECTIONS)
            self._loaded[shard.name] = Records(
                *([text.encode() for text in each] for each in found)
            )
