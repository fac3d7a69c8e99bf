"""Finding a channel by owner and name, and creating one with its first upload."""

from django.db import IntegrityError, transaction
from pulpcore.plugin.util import get_domain, get_domain_pk

from pulp_conda.app.models import ChannelName, CondaDistribution, CondaRepository


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
    """A channel's URL would lie inside another's, or another's inside it."""

    def __init__(self, channel: str) -> None:
        super().__init__(
            f"the channel {channel} cannot be created: its URL or its name overlaps with that "
            "of an existing distribution or repository"
        )


def find_repository(channel: ChannelName) -> CondaRepository | None:
    """Return the repository behind a channel's URL, None if the channel does not exist.

    Raises:
        ChannelPinned: the channel exists and follows no repository.
    """
    distribution = (
        CondaDistribution.objects.filter(
            base_path=channel.base_path, pulp_domain_id=get_domain_pk()
        )
        .select_related("repository")
        .first()
    )
    if distribution is None:
        return None
    if distribution.repository is None:
        raise ChannelPinned(str(channel))
    repository: CondaRepository = distribution.repository.cast()
    return repository


def find_or_create_repository(channel: ChannelName) -> CondaRepository:
    """Return the repository behind a channel's URL, made together with the URL if need be.

    Raises:
        ChannelPinned: the channel exists and follows no repository.
        ChannelOverlap: the URL is taken in part.
    """
    if repository := find_repository(channel):
        return repository
    name = channel.base_path
    try:
        with transaction.atomic():
            repository = CondaRepository.objects.create(name=name, pulp_domain=get_domain())
            CondaDistribution.objects.create(
                name=name, base_path=name, repository=repository, pulp_domain=get_domain()
            )
            return repository
    except IntegrityError as error:
        # Another upload may have created it in the meantime.
        if repository := find_repository(channel):
            return repository
        raise ChannelOverlap(str(channel)) from error
