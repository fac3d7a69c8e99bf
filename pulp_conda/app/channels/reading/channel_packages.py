"""The channels of an owner that have given packages in their latest versions."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.db.models import QuerySet
from pulpcore.plugin.models import RepositoryContent
from pulpcore.plugin.util import get_domain_pk

from pulp_conda.app.models import ChannelName, CondaDistribution, CondaPackage, CondaRepository

_NOT_NEEDED = ("record_json", "run_exports")


class HostedChannel(NamedTuple):
    """A channel that follows a repository."""

    distribution: CondaDistribution
    repository: CondaRepository


def channels_of(owner: str) -> dict[ChannelName, HostedChannel]:
    """Return an owner's channels, without those that serve one fixed version."""
    served = CondaDistribution.objects.filter(
        owner__name__iexact=owner, pulp_domain_id=get_domain_pk(), repository__isnull=False
    )
    repositories = CondaRepository.objects.in_bulk([each.repository_id for each in served])
    # A conda distribution may serve another plugin's repository; the channel is empty then.
    return {
        each.channel: HostedChannel(each, repositories[each.repository_id])
        for each in served
        if each.repository_id in repositories
    }


def find_packages(
    channels: Mapping[ChannelName, HostedChannel], **fields: str
) -> dict[ChannelName, list[CondaPackage]]:
    """Return the packages with these fields by channel, without channels that have none."""
    packages = _packages(fields)
    memberships = RepositoryContent.objects.filter(
        version_removed=None,
        repository_id__in=[channel.repository.pk for channel in channels.values()],
        content_id__in=packages.values("pk"),
    ).values_list("repository_id", "content_id")
    found = packages.defer(*_NOT_NEEDED).in_bulk([content for _, content in memberships])
    by_channel = {
        name: [found[content] for key, content in memberships if key == repository.pk]
        for name, (_, repository) in channels.items()
    }
    return {name: packages for name, packages in by_channel.items() if packages}


def is_public(channels: Iterable[ChannelName]) -> bool:
    """Return whether everybody may read at least one of the channels."""
    paths = [channel.base_path for channel in channels]
    served = CondaDistribution.objects.filter(pulp_domain_id=get_domain_pk(), base_path__in=paths)
    return served.filter(content_guard=None).exists()


def _packages(fields: Mapping[str, str]) -> QuerySet[CondaPackage]:
    if any("\0" in value for value in fields.values()):  # PostgreSQL refuses to look for it
        return CondaPackage.objects.none()
    return CondaPackage.objects.filter(_pulp_domain=get_domain_pk(), **fields)
