"""Failures at the registry's URLs are answered in JSON, as by the registry's API.

Failures at Pulp's own URLs of the content app are left unchanged.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from aiohttp.web import HTTPException, Request, Response, StreamResponse, middleware

_REGISTRY = re.compile(r"(?:/t/[^/]+)?/api/packages/")
_BODY_HEADERS = ("Content-Type", "Content-Length")

_MESSAGES: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "this channel can only be read with credentials",
    HTTPStatus.FORBIDDEN: "you may not read this channel",
    # One sentence for every 404, so that a hidden channel looks like an absent one.
    HTTPStatus.NOT_FOUND: "there is no such channel, or the channel has no such file",
    HTTPStatus.METHOD_NOT_ALLOWED: "files of a channel are read by GET and HEAD",
    HTTPStatus.PRECONDITION_FAILED: "the file has changed from the one that the request names",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: "the range begins after the end of the file",
}
"""Messages for failures that bring none."""


@middleware
async def explain_failures(
    request: Request, handler: Callable[[Request], Awaitable[StreamResponse]]
) -> StreamResponse:
    """Give every failure at the registry's URLs a JSON body with `reason` and `message`."""
    if not _REGISTRY.match(request.path):
        return await handler(request)
    try:
        answer = await handler(request)
    except HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return _failure(error.status, _message(error), error.headers)
    if isinstance(answer, Response) and answer.status >= HTTPStatus.BAD_REQUEST and not answer.body:
        return _failure(answer.status, "", answer.headers)
    return answer


def _message(error: HTTPException) -> str:
    """Return the text that an error was raised with, empty if it is aiohttp's default."""
    text = (error.text or "").strip()
    if text != f"{error.status}: {error.reason}":
        return text
    return "" if error.reason == HTTPStatus(error.status).phrase else error.reason


def _failure(status: int, message: str, headers: Mapping[str, str]) -> Response:
    reason = HTTPStatus(status).phrase
    body = {"reason": reason, "message": message or _MESSAGES.get(status, reason)}
    response = Response(body=json.dumps(body).encode(), status=status)
    response.content_type = "application/json"
    for name, value in headers.items():
        if name not in _BODY_HEADERS:
            response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")
    return response
