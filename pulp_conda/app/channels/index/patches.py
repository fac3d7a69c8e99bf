"""The repodata patches of a version, and the names whose patches differ between two versions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self
from uuid import UUID

from pulp_conda.app.models import CondaRepodataPatch
from pulp_conda.formats.index.channeldata import ChannelPackage
from pulp_conda.formats.index.patches import NOTHING, Instructions, changed_names


class Patches:
    """The patch instructions of a version by subdir, parsed at first use."""

    def __init__(self, patches: Iterable[CondaRepodataPatch]) -> None:
        self._by_subdir = {patch.subdir: patch for patch in patches if not patch.is_empty}
        self._parsed: dict[str, Instructions] = {}

    @classmethod
    def of_version(cls, repository: UUID, number: int) -> Self:
        """Return the patches of version `number` of a repository."""
        return cls(CondaRepodataPatch.objects.in_numbered(repository, number))

    def of(self, subdir: str) -> Instructions | None:
        """Return the instructions for a subdir; None if there are none, or if they are empty."""
        if subdir in self._by_subdir and subdir not in self._parsed:
            self._parsed[subdir] = self._by_subdir[subdir].instructions()
        return self._parsed.get(subdir)

    def describe(self, filename: str, package: ChannelPackage) -> ChannelPackage | None:
        """Return a package as channeldata describes it, None if a patch removes it."""
        instructions = self.of(package.subdir)
        return instructions.describe(filename, package) if instructions else package

    def changed_names(self, later: Patches) -> dict[str, set[str]]:
        """Return the names, by subdir, that the patches of a later version may change."""
        changed: dict[str, set[str]] = {}
        for subdir in self._by_subdir.keys() | later._by_subdir.keys():
            if self._by_subdir.get(subdir) != later._by_subdir.get(subdir):
                changed[subdir] = changed_names(
                    self.of(subdir) or NOTHING, later.of(subdir) or NOTHING
                )
        return changed
