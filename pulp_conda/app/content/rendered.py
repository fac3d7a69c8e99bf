"""Documents of a channel that are in no publication and are rendered for each request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus

from aiohttp.web import Request

from .lookup import Channel, Index


@dataclass(frozen=True, slots=True)
class Page:
    """A rendered document; the caller answers conditional and range requests.

    A `body` that is a function must not query the database. It is called in another thread, and
    only if the bytes are needed. An `etag` (without quotes, different for different bytes) lets
    a request that matches it be answered without rendering. Without one, the ETag is the digest
    of the bytes.
    """

    content_type: str
    body: bytes | Callable[[], bytes]
    etag: str = ""
    last_modified: datetime | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers of the document."""
    status: HTTPStatus = HTTPStatus.OK


Renderer = Callable[[Request, Channel, Index | None], Page | None]
"""Prepares a document of a channel; None if the channel has no such document.

It runs in the one thread that queries the database. Any other slow work belongs into `Page.body`.
"""

PAGES: dict[str, Renderer] = {}
"""The renderer of each rendered document, by its name in the channel's root (one of
`layout.ROOT_DOCUMENTS`)."""
