"""The state that a sync leaves for the next one."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.app.channels.index.version_packages import VersionPackages
from pulp_conda.app.models import CondaPackage, SyncedSubdir

from .request import SyncRequest

Names = Mapping[str, AbstractSet[str]]
"""Names by subdir."""


def previous_states(request: SyncRequest) -> dict[str, SyncedSubdir]:
    """Return what the last syncs of the repository from the remote have read, by subdir."""
    states = SyncedSubdir.objects.filter(repository=request.repository, remote=request.remote)
    return {state.subdir: state for state in states}


def changed_by_others(
    states: Mapping[str, SyncedSubdir], latest: RepositoryVersion
) -> dict[str, set[str]]:
    """Return the names that were changed in the channel since these syncs, by subdir."""
    changed: dict[str, set[str]] = {}
    packages = VersionPackages(latest)
    for number in {state.version for state in states.values()}:
        found = packages.changed_since(number) if number != latest.number else {}
        synced = {subdir for subdir, state in states.items() if state.version == number}
        changed |= {subdir: names for subdir, names in found.items() if subdir in synced}
    return changed


def names_in(version: RepositoryVersion, subdir: str) -> set[str]:
    """Return the names of the packages that a version has in a subdir."""
    packages = CondaPackage.objects.in_version(version).filter(subdir=subdir)
    return set(packages.values_list("name", flat=True).distinct())


def subdirs_in(version: RepositoryVersion) -> set[str]:
    """Return the subdirs in which a version has packages."""
    packages = CondaPackage.objects.in_version(version)
    return set(packages.values_list("subdir", flat=True).distinct())
