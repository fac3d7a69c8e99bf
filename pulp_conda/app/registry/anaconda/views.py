"""Base view of the look-ups and uploads of one login."""

from typing import Any

from django.conf import settings

from pulp_conda.app.channels.reading.channel_packages import channels_of, find_packages
from pulp_conda.app.models import ChannelName, CondaPackage, Right, channel_named
from pulp_conda.app.registry.views import RegistryView

from .failures import ErrorKeyMixin


class LoginView(ErrorKeyMixin, RegistryView):
    """A view of an owner's packages, or of one channel's if the login names a channel."""

    def find_packages(self, **fields: Any) -> dict[ChannelName, list[CondaPackage]]:
        """Return the packages with the given fields in each of the login's channels.

        Channels are left out that have none, or that the requester may neither read nor upload
        to. A token that may only upload can thus find out what has been uploaded.
        """
        channels = channels_of(self.owner)
        if "channel" in self.kwargs:
            wanted = channel_named(self.owner, self.kwargs["channel"])
            channels = {name: each for name, each in channels.items() if name == wanted}
        return {
            name: packages
            for name, packages in find_packages(channels, **fields).items()
            if self.requester.may_read(channels[name].distribution)
            or self.requester.may(Right.UPLOAD, name, channels[name].repository)
        }


def label_of(channel: ChannelName) -> str:
    """Return the label that stands for a channel."""
    return "main" if channel.name == settings.CONDA_DEFAULT_CHANNEL else channel.name
