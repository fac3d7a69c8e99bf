"""Finding a channel by owner and name, and creating one with its first upload."""

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
    """A channel cannot take part in what was asked; says why."""


class ChannelPinned(ChannelError):
    """The channel serves one fixed publication or version, so an upload would not show."""

    def __init__(self, channel: str) -> None:
        super().__init__(
            f"the channel {channel} serves a fixed version and takes no uploads; "
            "point its distribution at a repository first"
        )


class ChannelOverlap(ChannelError):
    """A channel's URL would lie inside that of another plugin's distribution, or around it."""

    def __init__(self, channel: str) -> None:
        super().__init__(
            f"the channel {channel} cannot be created: its URL overlaps with that of a "
            "distribution of another kind"
        )


def find_distribution(channel: ChannelName) -> CondaDistribution | None:
    """Return the distribution behind a channel's URL, None where there is no such channel."""
    return _distributions(channel).first()


def repository_of(distribution: CondaDistribution | None) -> CondaRepository | None:
    """Return the repository that a channel serves, by which rights to the channel are judged.

    None if the channel serves none yet, or no more. A channel that serves a fixed version does not
    follow its repository: `check_not_pinned` tells.
    """
    served = distribution and distribution.served_repository
    return served if isinstance(served, CondaRepository) else None


def check_not_pinned(distribution: CondaDistribution | None) -> None:
    """Check that what happens in the repository that a channel serves would show.

    That it does not is for those alone who have a right to the channel.

    Raises:
        ChannelPinned: the channel exists and follows no repository.
    """
    if distribution is None or distribution.repository_id or _serves_nothing(distribution):
        return
    raise ChannelPinned(str(distribution.channel))


def find_or_create_repository(channel: ChannelName) -> CondaRepository:
    """Return the repository behind a channel's URL, made together with the URL if need be.

    Raises:
        ChannelPinned: the channel exists and follows no repository.
        ChannelOverlap: the URL is taken in part.
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
    owner = CondaOwner.objects.found(channel.owner)
    # Whoever makes the owner private waits for this channel, or this channel is private.
    owner = CondaOwner.objects.select_for_update().get(pk=owner.pk)
    repository = CondaRepository.objects.create(
        name=_free_name(Repository, channel), owner=owner, pulp_domain=get_domain()
    )
    if left := _left_behind(channel):
        left.repository = repository
        left.save()
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
    """Tell whether a channel's URL is all that is left of it, its repository being deleted."""
    served = (
        distribution.repository_id,
        distribution.publication_id,
        distribution.repository_version_id,
    )
    return not any(served) and not distribution.checkpoint


def _left_behind(channel: ChannelName) -> CondaDistribution | None:
    """Return the channel's URL, locked, if it is there and serves nothing."""
    distribution = _distributions(channel).select_for_update(of=("self",)).first()
    return distribution if distribution and _serves_nothing(distribution) else None


def _free_name(model: type[Repository | Distribution], channel: ChannelName) -> str:
    """Return the channel's path, or a name like it where somebody else has used that.

    Names are unique in a domain, across all plugins and users: a name that is taken must not keep
    a channel from being created.
    """
    taken = model.objects.filter(name=channel.path, pulp_domain_id=get_domain_pk()).exists()
    return f"{channel.path} ({uuid4()})" if taken else channel.path
