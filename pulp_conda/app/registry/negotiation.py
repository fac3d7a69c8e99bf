"""How bodies and answers are read and written, in place of what DRF would make of them."""

import json
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class PlainTextRenderer(BaseRenderer):
    """Writes answers that are a text; failures, which are none, as JSON all the same."""

    media_type = "text/plain"
    format = "txt"
    charset = "utf-8"

    def render(self, data: Any, *_: Any) -> bytes:
        """Return the body."""
        return data.encode() if isinstance(data, str) else json.dumps(data).encode()


class Unread(BaseParser):
    """Leaves the body to the view, also where Django looks into it for a session's CSRF token."""

    media_type = "*/*"

    def parse(self, *_: Any, **__: Any) -> dict[str, Any]:
        """Return nothing."""
        return {}


class WhateverAccepted(BaseContentNegotiation):
    """Answers in the one language that there is: packagers try again where they are told 406."""

    def select_parser(self, _request: Request, parsers: Any) -> Any:
        """Return the one parser."""
        return parsers[0]

    def select_renderer(self, _request: Request, renderers: Any, _suffix: Any = None) -> Any:
        """Return the one renderer."""
        return renderers[0], renderers[0].media_type
