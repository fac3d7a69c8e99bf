"""The repodata patches of a version of a channel, and where two versions differ in them."""

from uuid import UUID

from pulp_conda.app.models import CondaRepodataPatch
from pulp_conda.formats.patches import NOTHING, Instructions, changed_names


class Patches:
    """The instructions that a version holds; they are read when they are asked for."""

    def __init__(self, repository: UUID, number: int) -> None:
        held = CondaRepodataPatch.objects.in_numbered(repository, number)
        self._by_subdir = {patch.subdir: patch for patch in held if not patch.is_empty}
        self._read: dict[str, Instructions] = {}

    def of(self, subdir: str) -> Instructions | None:
        """Return the instructions for a subdir, None if there are none that say anything."""
        if subdir in self._by_subdir and subdir not in self._read:
            self._read[subdir] = self._by_subdir[subdir].instructions()
        return self._read.get(subdir)

    def changed_names(self, later: "Patches") -> dict[str, set[str]]:
        """Return the names whose records may differ for a later version's patches, by subdir."""
        changed: dict[str, set[str]] = {}
        for subdir in self._by_subdir.keys() | later._by_subdir.keys():
            if self._by_subdir.get(subdir) != later._by_subdir.get(subdir):
                changed[subdir] = changed_names(
                    self.of(subdir) or NOTHING, later.of(subdir) or NOTHING
                )
        return changed
