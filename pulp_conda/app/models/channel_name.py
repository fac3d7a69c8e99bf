"""A channel's name: what its URLs say."""

from dataclasses import dataclass
from typing import Self

from django.conf import settings
from pulpcore.plugin.util import get_domain

from pulp_conda.formats.identifiers import check_channel, check_owner

SLASH_IN_BASE_PATH = ":"
"""Stands for a channel's slashes in `base_path`. Pulp lets no base path lie inside another, and
`top` and `top/sub` are two channels. No channel's name holds it."""


@dataclass(frozen=True, slots=True)
class ChannelName:
    """An owner's channel; with domains the owner is the domain."""

    owner: str
    name: str

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def path(self) -> str:
        """The path of the channel as people see it, below the content app's root."""
        return self.name if settings.DOMAIN_ENABLED else str(self)

    @property
    def base_path(self) -> str:
        """The path of the channel's distribution, as Pulp stores it."""
        return stored_base_path(self.path)

    @classmethod
    def of_base_path(cls, base_path: str) -> Self:
        """Return the name of the channel that a distribution of the current domain serves."""
        path = shown_base_path(base_path)
        if settings.DOMAIN_ENABLED:
            return cls(get_domain().name, path)
        owner, _, name = path.partition("/")
        return cls(owner, name)


def stored_base_path(path: str) -> str:
    """Return a channel's path as `base_path` stores it."""
    if settings.DOMAIN_ENABLED:
        return path.replace("/", SLASH_IN_BASE_PATH)
    owner, slash, name = path.partition("/")
    return owner + slash + name.replace("/", SLASH_IN_BASE_PATH)


def shown_base_path(base_path: str) -> str:
    """Return a channel's path as people see it."""
    return base_path.replace(SLASH_IN_BASE_PATH, "/")


def owner_part(repository_name: str) -> str | None:
    """Return the owner in whose namespace a repository of this name is created, None for none."""
    if settings.DOMAIN_ENABLED:
        name: str = get_domain().name
        return name
    owner, slash, _ = repository_name.partition("/")
    return owner if slash else None


def channel_named(owner: str, name: str | None) -> ChannelName:
    """Return the channel that an owner and an optional name mean.

    Raises:
        InvalidIdentifier: owner or name break their grammar.
    """
    return ChannelName(check_owner(owner), check_channel(name or settings.CONDA_DEFAULT_CHANNEL))
