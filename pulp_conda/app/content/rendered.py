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

    `body` is called only if it is to be sent, so an `etag` that can be told beforehand (without
    quotes, and another one for other bytes) saves the rendering. Without one it is the digest of
    the bytes.
    """

    content_type: str
    body: bytes | Callable[[], bytes]
    etag: str = ""
    last_modified: datetime | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those that are the document's own."""
    status: HTTPStatus = HTTPStatus.OK


Renderer = Callable[[Request, Channel, Index | None], Page | None]
"""Makes a channel's page, None where it has none; may ask the database, and runs in its thread."""

PAGES: dict[str, Renderer] = {}
"""Who renders a document, by its name in the channel's root (one of `layout.ROOT_DOCUMENTS`)."""
