"""The status and message with which each error is answered."""

import errno
import logging
from collections.abc import Mapping
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework.exceptions import APIException, PermissionDenied

from pulp_conda.app.channels.changes.remove import NothingToRemove
from pulp_conda.app.channels.changes.task_outcome import CommitFailed, CommitTimeout
from pulp_conda.app.channels.changes.upload import ChannelFull, NameRetired, PackageExists
from pulp_conda.app.channels.intake.ingest import WrongDigest, WrongSubdir
from pulp_conda.app.channels.intake.streams import IncompleteBody
from pulp_conda.app.channels.intake.target_channel import ChannelOverlap, ChannelPinned
from pulp_conda.formats.errors import InvalidPackage, LimitExceeded

from .bodies import BodyTooLarge, InvalidDocument, InvalidForm, InvalidUploadCheck

_log = logging.getLogger(__name__)

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)

_STATUS: dict[type[Exception], int] = {
    BodyTooLarge: 413,
    LimitExceeded: 413,
    InvalidPackage: 400,
    IncompleteBody: 400,
    WrongSubdir: 400,
    WrongDigest: 400,
    InvalidForm: 400,
    InvalidDocument: 400,
    InvalidUploadCheck: 400,
    PackageExists: 409,
    NameRetired: 409,
    ChannelFull: 403,
    ChannelOverlap: 409,
    ChannelPinned: 403,
    CommitTimeout: 503,
    CommitFailed: 503,
    NothingToRemove: 404,
    Http404: 404,
}
"""The status of each expected failure; the first class that matches counts."""


def explain(exc: Exception, framework_handler: Any) -> tuple[int, str, Mapping[str, str]]:
    """Return the status, message and headers with which a failure is answered.

    `framework_handler` is Django REST framework's handler of its own exceptions.
    """
    if isinstance(exc, APIException | PermissionDenied):
        answer = framework_handler(exc)
        kept = ("WWW-Authenticate", "Retry-After")
        headers = {name: answer.headers[name] for name in kept if name in answer.headers}
        return answer.status_code, str(exc.detail), headers
    for kind, status in _STATUS.items():
        if isinstance(exc, kind):
            return status, str(exc), {}
    if isinstance(exc, OperationalError | InterfaceError):
        _log.warning("The database did not answer: %s", exc)
        return 503, "the database is not available; try again", {}
    if isinstance(exc, OSError) and exc.errno in _DISK_FULL:
        _log.error("The storage is full: %s", exc)
        return 507, "the server has no room for the package", {}
    _log.exception("An upload failed unexpectedly")
    return 500, "the server failed; its log says why", {}
