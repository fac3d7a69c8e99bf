"""Answers to the proxy's own failures, in the same JSON as those of the registry."""

import http
import json

from aiohttp import web


def failure(
    status: int, message: str, *, retry_after: int | None = None, close: bool = False
) -> web.Response:
    """Return a JSON answer with `reason` and `message`.

    `retry_after` is in seconds. With `close`, the rest of the request is not read.
    """
    body = {"reason": http.HTTPStatus(status).phrase, "message": message}
    response = web.Response(status=status, text=json.dumps(body), content_type="application/json")
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    if close:
        response.force_close()
    return response
