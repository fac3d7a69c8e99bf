"""The name of a channel, as its URLs contain it."""

from dataclasses import dataclass
from typing import Self

from django.conf import settings
from pulpcore.plugin.util import get_domain

from pulp_conda.formats.identifiers import check_channel, check_owner

SLASH_IN_BASE_PATH = ":"
"""Replaces the slashes of a channel's name in `base_path`.

Pulp does not allow one base path inside another, but `top` and `top/sub` may be two channels. No
channel's name contains this character.
"""


@dataclass(frozen=True, slots=True)
class ChannelName:
    """An owner and a channel of that owner. With domains the owner is the domain."""

    owner: str
    name: str

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def path(self) -> str:
        """The path of the channel below the content app's root, as users see it."""
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
    """Return the `base_path` of a channel's path."""
    if settings.DOMAIN_ENABLED:
        return path.replace("/", SLASH_IN_BASE_PATH)
    owner, slash, name = path.partition("/")
    return owner + slash + name.replace("/", SLASH_IN_BASE_PATH)


def shown_base_path(base_path: str) -> str:
    """Return the path of a channel, as users see it, from its `base_path`."""
    return base_path.replace(SLASH_IN_BASE_PATH, "/")


def owner_part(repository_name: str) -> str | None:
    """Return the owner that the name of a new repository states, None if it states none."""
    if settings.DOMAIN_ENABLED:
        name: str = get_domain().name
        return name
    owner, slash, _ = repository_name.partition("/")
    return owner if slash else None


def channel_named(owner: str, name: str | None) -> ChannelName:
    """Return the channel of an owner and a name; without a name, the default channel.

    Raises:
        InvalidIdentifier: the owner or the name is not valid.
    """
    return ChannelName(check_owner(owner), check_channel(name or settings.CONDA_DEFAULT_CHANNEL))
