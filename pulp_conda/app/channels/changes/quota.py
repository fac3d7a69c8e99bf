"""How much a channel and its owner may hold."""

from dataclasses import dataclass, fields
from typing import Self

from django.conf import settings
from django.db.models import Count, Sum
from pulpcore.plugin.models import RepositoryContent

from pulp_conda.app.models import CondaPackage, CondaRepository


@dataclass
class Quota:
    """What may still be added; None stands for "without limit"."""

    packages: int | None = None
    channel_bytes: int | None = None
    owner_bytes: int | None = None

    @classmethod
    def of(cls, repository: CondaRepository) -> Self:
        """Return what may be added to a channel; asks the database only where limits are set.

        The owner's limit is exact for one channel at a time: the owner's other channels may grow
        while this one does.
        """
        quota = cls()
        if settings.CONDA_MAX_CHANNEL_PACKAGES or settings.CONDA_MAX_CHANNEL_BYTES:
            held = _held([repository])
            quota.packages = _left(settings.CONDA_MAX_CHANNEL_PACKAGES, held["packages"])
            quota.channel_bytes = _left(settings.CONDA_MAX_CHANNEL_BYTES, held["size"])
        if settings.CONDA_MAX_OWNER_BYTES:
            held = _held(_siblings(repository))
            quota.owner_bytes = _left(settings.CONDA_MAX_OWNER_BYTES, held["size"])
        return quota

    def take(self, package: CondaPackage) -> bool:
        """Count a package in if there is room for it; return whether there was."""
        room = self._room()
        cost = _cost(package)
        if any(room[name] < cost[name] for name in room):
            return False
        for name, left in room.items():
            setattr(self, name, left - cost[name])
        return True

    def release(self, package: CondaPackage) -> None:
        """Count a package out that the channel holds no longer."""
        cost = _cost(package)
        for name, left in self._room().items():
            setattr(self, name, left + cost[name])

    def _room(self) -> dict[str, int]:
        """Return what is left by the name of each limit that is set."""
        return {f.name: left for f in fields(self) if (left := getattr(self, f.name)) is not None}


def _cost(package: CondaPackage) -> dict[str, int]:
    return {"packages": 1, "channel_bytes": package.size, "owner_bytes": package.size}


def _left(limit: int, held: int) -> int | None:
    return limit - held if limit else None


def _held(repositories: list[CondaRepository]) -> dict[str, int]:
    """Return number and total size of what the newest versions of the repositories hold."""
    present = RepositoryContent.objects.filter(
        repository_id__in=[repository.pk for repository in repositories], version_removed=None
    )
    packages = CondaPackage.objects.filter(pk__in=present.values("content_id"))
    totals = packages.aggregate(packages=Count("pk"), size=Sum("size"))
    return {"packages": totals["packages"], "size": totals["size"] or 0}


def _siblings(repository: CondaRepository) -> list[CondaRepository]:
    """Return all repositories of the same owner."""
    if repository.owner_id is None:
        return [repository]
    return list(CondaRepository.objects.filter(owner_id=repository.owner_id))
