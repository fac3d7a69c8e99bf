"""What the views of all dialects share: who asks, for which channel, and how failures are told."""

import errno
import http
import logging
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from pulp_conda.app.channels.channel import (
    ChannelName,
    ChannelOverlap,
    ChannelPinned,
    find_repository,
)
from pulp_conda.app.channels.commit import CommitFailed, CommitTimeout, PackageExists
from pulp_conda.app.channels.ingest import IncompleteBody, WrongSubdir
from pulp_conda.app.models import CondaRepository
from pulp_conda.formats.errors import InvalidPackage, LimitExceeded

_log = logging.getLogger(__name__)


_STATUS: dict[type[Exception], int] = {
    LimitExceeded: 413,
    InvalidPackage: 400,
    IncompleteBody: 400,
    WrongSubdir: 400,
    PackageExists: 409,
    ChannelOverlap: 409,
    ChannelPinned: 403,
    CommitTimeout: 503,
    CommitFailed: 503,
    Http404: 404,
}
"""The status of each expected failure; the first class that fits counts."""

_RETRY_AFTER_SECONDS = 5
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class RegistryView(ViewSet):
    """A view below `/api/packages/{owner}/conda/`; answers failures with `reason` and `message`."""

    renderer_classes = [JSONRenderer]
    channel: ChannelName | None = None

    def get_repository(self) -> CondaRepository | None:
        """Return the repository of the channel that the URL names, None where there is none."""
        return find_repository(self.channel) if self.channel else None

    def handle_exception(self, exc: Exception) -> Response:
        """Turn whatever went wrong into an answer that a packager understands."""
        if isinstance(exc, APIException | PermissionDenied):
            answer: Response = super().handle_exception(exc)
            return _failure(answer.status_code, str(exc.detail), answer.headers)
        for kind, status in _STATUS.items():
            if isinstance(exc, kind):
                return _failure(status, str(exc))
        if isinstance(exc, OperationalError | InterfaceError):
            _log.warning("The database did not answer: %s", exc)
            return _failure(503, "the database is not available; try again")
        if isinstance(exc, OSError) and exc.errno in _DISK_FULL:
            _log.error("The storage is full: %s", exc)
            return _failure(507, "the server has no room for the package")
        _log.exception("An upload failed unexpectedly")
        return _failure(500, "the server failed; its log says why")


def _failure(status: int, message: str, headers: Any = None) -> Response:
    kept = {key: value for key, value in (headers or {}).items() if key == "WWW-Authenticate"}
    if status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        kept["Retry-After"] = str(_RETRY_AFTER_SECONDS)
    reason = http.HTTPStatus(status).phrase
    return Response({"reason": reason, "message": message}, status=status, headers=kept)
