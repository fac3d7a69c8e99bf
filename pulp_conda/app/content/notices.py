"""`notices.json` of a channel (CEP 6), rendered for each request because notices expire."""

from aiohttp.web import Request

from pulp_conda.app.channels.reading.notices import notices_of
from pulp_conda.formats import layout

from .lookup import Channel, Index
from .rendered import Page


def notices(_request: Request, channel: Channel, _index: Index | None) -> Page:
    """Return the channel's notices. Never a redirect, because conda does not follow one here."""
    return Page(layout.content_type(layout.NOTICES), notices_of(channel.pk))
