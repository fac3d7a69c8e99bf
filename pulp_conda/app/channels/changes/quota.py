"""How much a channel and its owner may hold."""

from dataclasses import dataclass
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

        The owner's share is exact for one channel at a time: his other channels may grow while
        this one does.
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
        """Count a package in if there is room for it; tell whether there was."""
        cost = {"packages": 1, "channel_bytes": package.size, "owner_bytes": package.size}
        left = {name: getattr(self, name) for name in cost}
        if any(left[name] is not None and left[name] < cost[name] for name in cost):
            return False
        for name, before in left.items():
            if before is not None:
                setattr(self, name, before - cost[name])
        return True


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
