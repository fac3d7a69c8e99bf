"""Validation of channel names, for the serializers of repositories and distributions."""

from rest_framework.serializers import ValidationError

from pulp_conda.app.models import ChannelName, CondaOwner
from pulp_conda.formats.errors import InvalidIdentifier
from pulp_conda.formats.identifiers import check_channel, check_owner


def checked_channel(path: str) -> ChannelName:
    """Return the channel of a path `{owner}/{channel}`; with domains the path is the channel.

    The owner's name may be in any case.

    Raises:
        ValidationError: no registry URL can name such a channel.
    """
    name = ChannelName.of_base_path(path)
    if not name.name:
        raise ValidationError("A channel's path has the form owner/channel.")
    try:
        check_owner(name.owner)
        check_channel(name.name)
    except InvalidIdentifier as error:
        raise ValidationError(str(error)) from error
    return ChannelName(CondaOwner.objects.canonical(name.owner), name.name)


def check_same_owner(owner: CondaOwner | None, name: str | None) -> None:
    """Check that a new name leaves an object in the namespace that it was created in.

    Raises:
        ValidationError: `name` is not the name of `owner`.
    """
    if (owner.name if owner else None) != name:
        raise ValidationError("The owner's part of the name is fixed when it is created.")
