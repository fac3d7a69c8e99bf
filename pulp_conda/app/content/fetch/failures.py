"""What clients are told of a file that could not be fetched."""

from http import HTTPStatus

from aiohttp.web import (
    HTTPBadGateway,
    HTTPException,
    HTTPNotFound,
    HTTPServiceUnavailable,
)

from pulp_conda.app.channels.transfer.failure import FetchFailed
from pulp_conda.app.models import ABSENT, BUSY, REFUSED, UNAVAILABLE, WRONG

_NOT_STORED = {"Cache-Control": "no-store"}

_ANSWERS: dict[str, tuple[HTTPStatus, str]] = {
    ABSENT: (HTTPStatus.NOT_FOUND, "the index names this file, but the upstream does not have it"),
    REFUSED: (HTTPStatus.SERVICE_UNAVAILABLE, "the upstream refuses this server"),
    UNAVAILABLE: (HTTPStatus.SERVICE_UNAVAILABLE, "the file cannot be fetched now; try again"),
    BUSY: (HTTPStatus.SERVICE_UNAVAILABLE, "the upstream is busy; try again later"),
    WRONG: (HTTPStatus.BAD_GATEWAY, "the upstream's file is not the one that its index names"),
}
_CLASSES: dict[HTTPStatus, type[HTTPException]] = {
    HTTPStatus.NOT_FOUND: HTTPNotFound,
    HTTPStatus.BAD_GATEWAY: HTTPBadGateway,
    HTTPStatus.SERVICE_UNAVAILABLE: HTTPServiceUnavailable,
}
_BY_IMPORTANCE = (UNAVAILABLE, BUSY, REFUSED, WRONG, ABSENT)


def worst(failures: list[FetchFailed]) -> FetchFailed:
    """Return the failure to tell of several upstreams' ones: that which may pass soonest."""
    return min(failures, key=lambda each: (_BY_IMPORTANCE.index(each.status), each.retry_after))


def http_error(failure: FetchFailed) -> HTTPException:
    """Return the answer for a client. It does not say where the file was to come from."""
    status, text = _ANSWERS[failure.status]
    seconds = max(1, round(failure.retry_after.total_seconds()))
    again = {} if status is HTTPStatus.NOT_FOUND else {"Retry-After": str(seconds)}
    return _CLASSES[status](text=text, headers={**_NOT_STORED, **again})
