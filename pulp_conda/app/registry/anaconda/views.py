"""What the views of an owner's packages share."""

from typing import Any

from django.conf import settings

from pulp_conda.app.channels.reading.channel_packages import channels_of, find_packages
from pulp_conda.app.models import ChannelName, CondaPackage, Right, channel_named
from pulp_conda.app.registry.views import RegistryView

from .failures import TellsError


class LoginView(TellsError, RegistryView):
    """A view of an owner's packages, or of one channel's where the login names one."""

    def held(self, **fields: Any) -> dict[ChannelName, list[CondaPackage]]:
        """Return the login's channels that hold such packages, and the packages.

        Only channels that the one who asks may read or upload to: also a token that is good for
        uploading alone finds out what has been uploaded.
        """
        channels = channels_of(self.owner)
        if "channel" in self.kwargs:
            meant = channel_named(self.owner, self.kwargs["channel"])
            channels = {name: each for name, each in channels.items() if name == meant}
        return {
            name: packages
            for name, packages in find_packages(channels, **fields).items()
            if self.requester.may_read(channels[name].distribution)
            or self.requester.may(Right.UPLOAD, name, channels[name].repository)
        }


def label_of(channel: ChannelName) -> str:
    """Return the label that stands for a channel among its owner's."""
    return "main" if channel.name == settings.CONDA_DEFAULT_CHANNEL else channel.name
