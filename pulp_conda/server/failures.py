"""How the proxy tells of a failure of its own: in the JSON that the registry's failures have."""

import http
import json

from aiohttp import web


def failure(
    status: int, message: str, *, retry_after: int | None = None, close: bool = False
) -> web.Response:
    """Return an answer with `reason` and `message`.

    `retry_after` is in seconds. With `close`, nothing more of the request is read.
    """
    body = {"reason": http.HTTPStatus(status).phrase, "message": message}
    response = web.Response(status=status, text=json.dumps(body), content_type="application/json")
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    if close:
        response.force_close()
    return response
