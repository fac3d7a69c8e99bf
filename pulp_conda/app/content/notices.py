"""`notices.json` of a channel: made when it is asked for, since notices expire by themselves."""

from pulp_conda.app.channels.notices import notices_of

from .generated import Asked, Generated


def notices(asked: Asked) -> Generated:
    """Return the channel's notices; conda follows no redirect to them."""
    return Generated(notices_of(asked.channel), "application/json")
