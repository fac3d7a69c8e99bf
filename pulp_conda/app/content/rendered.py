"""What a channel serves that no publication holds: documents rendered when they are asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus

from aiohttp.web import Request

from .lookup import Channel, Index


@dataclass(frozen=True, slots=True)
class Page:
    """A document for one request; HTTP's rules are seen to by those who ask for it.

    A `body` that is a function asks no database. It is called in a thread of its own, and only if
    the bytes are to be sent: an `etag` that is known beforehand (without quotes, and another one
    for other bytes) saves the rendering. Without one the digest of the bytes is the ETag.
    """

    content_type: str
    body: bytes | Callable[[], bytes]
    etag: str = ""
    last_modified: datetime | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those that are the document's own."""
    status: HTTPStatus = HTTPStatus.OK


Renderer = Callable[[Request, Channel, Index | None], Page | None]
"""Finds what a channel's page needs, None where there is no page. It may ask the database, and runs
in the one thread that does: what takes long otherwise is for the page's `body`."""

PAGES: dict[str, Renderer] = {}
"""Who renders a document, by its name in the channel's root (one of `layout.ROOT_DOCUMENTS`)."""
