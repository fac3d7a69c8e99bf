"""A channel's name: what its URLs say."""

from dataclasses import dataclass
from typing import Self

from django.conf import settings
from pulpcore.plugin.util import get_domain

from pulp_conda.formats.identifiers import check_channel, check_owner


@dataclass(frozen=True, slots=True)
class ChannelName:
    """An owner's channel; with domains the owner is the domain."""

    owner: str
    name: str

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def base_path(self) -> str:
        """The path of the channel's distribution."""
        return self.name if settings.DOMAIN_ENABLED else str(self)

    @classmethod
    def of_base_path(cls, base_path: str) -> Self:
        """Return the name of the channel that a distribution of the current domain serves.

        The distribution may have been made over REST, where fewer rules hold for its path.
        """
        if settings.DOMAIN_ENABLED:
            return cls(get_domain().name, base_path)
        owner, _, name = base_path.partition("/")
        return cls(owner, name)


def channel_named(owner: str, name: str | None) -> ChannelName:
    """Return the channel that an owner and an optional name mean.

    Raises:
        InvalidIdentifier: owner or name break the grammar of CEP 26.
    """
    return ChannelName(check_owner(owner), check_channel(name or settings.CONDA_DEFAULT_CHANNEL))
