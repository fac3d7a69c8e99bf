"""The limits on the number and the size of packages in a channel and of an owner."""

from dataclasses import dataclass, fields
from typing import Self

from django.conf import settings
from django.db.models import Count, Sum
from pulpcore.plugin.models import RepositoryContent

from pulp_conda.app.models import CondaPackage, CondaRepository


@dataclass
class Quota:
    """The numbers of packages and bytes that may still be added. None means "without limit"."""

    packages: int | None = None
    channel_bytes: int | None = None
    owner_bytes: int | None = None

    @classmethod
    def of(cls, repository: CondaRepository) -> Self:
        """Return the quota of a channel. The database is queried only if limits are set.

        The limit of an owner may be exceeded if several channels of the owner change at once, since
        each counts only its own changes.
        """
        quota = cls()
        if settings.CONDA_MAX_CHANNEL_PACKAGES or settings.CONDA_MAX_CHANNEL_BYTES:
            used = _usage([repository])
            quota.packages = _left(settings.CONDA_MAX_CHANNEL_PACKAGES, used["packages"])
            quota.channel_bytes = _left(settings.CONDA_MAX_CHANNEL_BYTES, used["size"])
        if settings.CONDA_MAX_OWNER_BYTES:
            used = _usage(_channels_of_owner(repository))
            quota.owner_bytes = _left(settings.CONDA_MAX_OWNER_BYTES, used["size"])
        return quota

    def take(self, size: int) -> bool:
        """Subtract a package of a size if all limits allow it; return whether they do."""
        room = self._room()
        cost = _cost(size)
        if any(room[name] < cost[name] for name in room):
            return False
        for name, left in room.items():
            setattr(self, name, left - cost[name])
        return True

    def release(self, size: int) -> None:
        """Add a package of a size back that is removed from the channel."""
        cost = _cost(size)
        for name, left in self._room().items():
            setattr(self, name, left + cost[name])

    def _room(self) -> dict[str, int]:
        """Return what is left of each limit that is set, by its name."""
        return {f.name: left for f in fields(self) if (left := getattr(self, f.name)) is not None}


def _cost(size: int) -> dict[str, int]:
    return {"packages": 1, "channel_bytes": size, "owner_bytes": size}


def _left(limit: int, used: int) -> int | None:
    return limit - used if limit else None


def _usage(repositories: list[CondaRepository]) -> dict[str, int]:
    """Return the number of packages in the latest versions of repositories, and their bytes here.

    The file of a mirrored package counts from its fetch on.
    """
    present = RepositoryContent.objects.filter(
        repository_id__in=[repository.pk for repository in repositories], version_removed=None
    )
    packages = CondaPackage.objects.filter(pk__in=present.values("content_id"))
    totals = packages.aggregate(packages=Count("pk"), size=Sum("contentartifact__artifact__size"))
    return {"packages": totals["packages"], "size": totals["size"] or 0}


def _channels_of_owner(repository: CondaRepository) -> list[CondaRepository]:
    """Return all repositories of a repository's owner."""
    if repository.owner_id is None:
        return [repository]
    return list(CondaRepository.objects.filter(owner_id=repository.owner_id))
