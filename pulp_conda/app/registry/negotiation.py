"""Parser, renderers and content negotiation of the native client APIs, in place of DRF's."""

import json
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class PlainTextRenderer(BaseRenderer):
    """Renders text as it is, and anything else (failures) as JSON."""

    media_type = "text/plain"
    format = "txt"
    charset = "utf-8"

    def render(self, data: Any, *_: Any) -> bytes:
        """Return the encoded body."""
        return data.encode() if isinstance(data, str) else json.dumps(data).encode()


class NoParser(BaseParser):
    """Leaves the body to the view, even when Django looks in it for a CSRF token."""

    media_type = "*/*"

    def parse(self, *_: Any, **__: Any) -> dict[str, Any]:
        """Return nothing."""
        return {}


class NoNegotiation(BaseContentNegotiation):
    """Ignores `Accept`: uploading clients would try again after a 406."""

    def select_parser(self, _request: Request, parsers: Any) -> Any:
        """Return the view's only parser."""
        return parsers[0]

    def select_renderer(self, _request: Request, renderers: Any, _suffix: Any = None) -> Any:
        """Return the view's only renderer."""
        return renderers[0], renderers[0].media_type
