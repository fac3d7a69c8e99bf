"""`notices.json` of a channel: made when it is asked for, since notices expire by themselves."""

from aiohttp.web import Request

from pulp_conda.app.channels.reading.notices import notices_of
from pulp_conda.formats import layout

from .lookup import Channel, Index
from .rendered import Page


def notices(_request: Request, channel: Channel, _index: Index | None) -> Page:
    """Return the channel's notices; conda follows no redirect to them."""
    return Page(layout.content_type(layout.NOTICES), notices_of(channel.pk))
