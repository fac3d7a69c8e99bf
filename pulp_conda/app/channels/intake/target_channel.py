"""Find the channel that an upload goes to, or create it with its first upload."""

from uuid import uuid4

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from pulpcore.plugin.models import Distribution, Repository
from pulpcore.plugin.util import get_domain, get_domain_pk

from pulp_conda.app.models import (
    ChannelName,
    CondaContentGuard,
    CondaDistribution,
    CondaOwner,
    CondaRepository,
)


class ChannelError(Exception):
    """The channel cannot be used for the request. The message says why."""


class ChannelPinned(ChannelError):
    """The channel serves one fixed publication or version, so an upload would not appear in it."""

    def __init__(self, channel: str) -> None:
        super().__init__(
            f"the channel {channel} serves a fixed version and takes no uploads; "
            "point its distribution at a repository first"
        )


class ChannelOverlap(ChannelError):
    """The channel's URL would be inside that of another plugin's distribution, or the reverse."""

    def __init__(self, channel: str) -> None:
        super().__init__(
            f"the channel {channel} cannot be created: its URL overlaps with that of a "
            "distribution of another kind"
        )


def find_distribution(channel: ChannelName) -> CondaDistribution | None:
    """Return the distribution of a channel, None if there is no such channel."""
    return _distributions(channel).first()


def repository_of(distribution: CondaDistribution | None) -> CondaRepository | None:
    """Return the repository that a channel serves, None if it serves none.

    Rights to the channel are judged by this repository. A channel that serves a fixed version does
    not follow its repository; `check_not_pinned` checks that.
    """
    served = distribution and distribution.served_repository
    return served if isinstance(served, CondaRepository) else None


def check_not_pinned(distribution: CondaDistribution | None) -> None:
    """Check that clients of the channel will see new versions of its repository.

    Only users with a right to the channel may be told the result.

    Raises:
        ChannelPinned: the channel exists, and serves a fixed publication or version.
    """
    if distribution is None or distribution.repository_id or _serves_nothing(distribution):
        return
    raise ChannelPinned(str(distribution.channel))


def find_or_create_repository(channel: ChannelName) -> CondaRepository:
    """Return the repository of a channel; create repository and distribution if there is none.

    Raises:
        ChannelPinned: the channel exists, and serves a fixed publication or version.
        ChannelOverlap: the channel's URL overlaps with that of another distribution.
    """
    if repository := _followed_repository(channel):
        return repository
    try:
        with transaction.atomic():
            return _create(channel)
    except IntegrityError as error:
        # Another upload may have created it in the meantime.
        if repository := _followed_repository(channel):
            return repository
        raise ChannelOverlap(str(channel)) from error


def _followed_repository(channel: ChannelName) -> CondaRepository | None:
    distribution = find_distribution(channel)
    check_not_pinned(distribution)
    return repository_of(distribution)


def _create(channel: ChannelName) -> CondaRepository:
    owner = CondaOwner.objects.get_or_create_named(channel.owner)
    # The lock orders this with a change of the owner's visibility. A channel that is created after
    # the change gets the new guard, and the change finds a channel that was created before it.
    owner = CondaOwner.objects.select_for_update().get(pk=owner.pk)
    repository = CondaRepository.objects.create(
        name=_free_name(Repository, channel), owner=owner, pulp_domain=get_domain()
    )
    if distribution := _empty_distribution(channel):
        distribution.repository = repository
        distribution.save()
        return repository
    CondaDistribution.objects.create(
        name=_free_name(Distribution, channel),
        base_path=channel.base_path,
        repository=repository,
        owner=owner,
        content_guard=CondaContentGuard.objects.of_new_channels(owner),
        pulp_domain=get_domain(),
    )
    return repository


def _distributions(channel: ChannelName) -> QuerySet[CondaDistribution]:
    return CondaDistribution.objects.filter(
        base_path=channel.base_path, pulp_domain_id=get_domain_pk()
    )


def _serves_nothing(distribution: CondaDistribution) -> bool:
    """Return whether a distribution serves nothing, because its repository was deleted."""
    served = (
        distribution.repository_id,
        distribution.publication_id,
        distribution.repository_version_id,
    )
    return not any(served) and not distribution.checkpoint


def _empty_distribution(channel: ChannelName) -> CondaDistribution | None:
    """Return the channel's distribution, locked, if there is one and it serves nothing."""
    distribution = _distributions(channel).select_for_update(of=("self",)).first()
    return distribution if distribution and _serves_nothing(distribution) else None


def _free_name(model: type[Repository | Distribution], channel: ChannelName) -> str:
    """Return the channel's path, or the path and a random suffix if that name is taken.

    Names are unique in a domain, across all plugins and users. A name that somebody else took must
    not prevent the creation of a channel.
    """
    taken = model.objects.filter(name=channel.path, pulp_domain_id=get_domain_pk()).exists()
    return f"{channel.path} ({uuid4()})" if taken else channel.path
