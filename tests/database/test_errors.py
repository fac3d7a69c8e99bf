"""With which status and message each failure of the client APIs is answered."""

import errno
from dataclasses import fields

import pytest
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework.exceptions import NotAuthenticated, PermissionDenied, Throttled
from rest_framework.views import exception_handler

from pulp_conda.app.channels.changes.remove import NothingToRemove
from pulp_conda.app.channels.changes.task_outcome import CommitFailed, CommitTimeout
from pulp_conda.app.channels.changes.upload import ChannelFull, NameRetired, PackageExists
from pulp_conda.app.channels.intake.ingest import WrongDigest, WrongSubdir
from pulp_conda.app.channels.intake.streams import IncompleteBody
from pulp_conda.app.channels.intake.target_channel import ChannelOverlap, ChannelPinned
from pulp_conda.app.models import CondaPackage
from pulp_conda.app.registry.bodies import (
    BodyTooLarge,
    InvalidDocument,
    InvalidForm,
    InvalidUploadCheck,
)
from pulp_conda.app.registry.errors import explain
from pulp_conda.formats.errors import (
    DocumentTooLarge,
    InvalidPackage,
    LimitExceeded,
    MissingDocument,
    PackageTooLarge,
)

_PACKAGE = CondaPackage(subdir="noarch", filename="demo-1.0-0.conda", size=1234)

_ANSWERS = [
    (BodyTooLarge(9, 8), 413, "9 bytes"),
    (PackageTooLarge(9, 8), 413, "9"),
    (MissingDocument("info/index.json"), 400, "info/index.json"),
    (IncompleteBody(3, 9), 400, "9 bytes declared"),
    (IncompleteBody(3, None), 400, "after 3 bytes"),
    (WrongSubdir("noarch", "linux-64"), 400, "linux-64"),
    (WrongDigest("md5", "x", "y"), 400, "md5"),
    (InvalidForm("no file"), 400, "no file"),
    (InvalidDocument("no JSON"), 400, "no JSON"),
    (InvalidUploadCheck("no size"), 400, "no size"),
    (PackageExists(_PACKAGE), 409, "noarch/demo-1.0-0.conda"),
    (NameRetired(_PACKAGE), 409, "immutable_names"),
    (ChannelFull(_PACKAGE), 403, "1234 bytes"),
    (ChannelOverlap("org/main"), 409, "org/main"),
    (ChannelPinned("org/main"), 403, "fixed version"),
    (CommitTimeout(), 503, "try again"),
    (CommitFailed(), 503, "try again"),
    (NothingToRemove({"name": "demo"}), 404, "name 'demo'"),
    (Http404("no such channel"), 404, "no such channel"),
    (OperationalError("secret"), 503, "database"),
    (InterfaceError("secret"), 503, "database"),
    (OSError(errno.ENOSPC, "secret"), 507, "no room"),
    (OSError(errno.EDQUOT, "secret"), 507, "no room"),
    (OSError(errno.EIO, "secret"), 500, "log"),
    (RuntimeError("secret"), 500, "log"),
    (KeyError("secret"), 500, "log"),
]


def answer(failure: Exception) -> tuple[int, str, dict[str, str]]:
    """Return status, message and headers."""
    status, message, headers = explain(failure, lambda exc: exception_handler(exc, {}))
    return status, message, dict(headers)


@pytest.mark.parametrize(
    ("failure", "status", "part"), _ANSWERS, ids=[type(f).__name__ for f, _, _ in _ANSWERS]
)
def test_each_failure_has_its_status_and_says_what_is_wrong(
    failure: Exception, status: int, part: str
) -> None:
    found, message, headers = answer(failure)
    assert found == status
    assert part in message
    assert "secret" not in message
    assert headers == {}


def _subclasses(kind: type[InvalidPackage]) -> set[type[InvalidPackage]]:
    return {kind} | {each for child in kind.__subclasses__() for each in _subclasses(child)}


def test_a_package_that_breaks_a_limit_is_413_and_any_other_rule_400() -> None:
    limits = _subclasses(LimitExceeded)
    assert {PackageTooLarge, DocumentTooLarge} <= limits < _subclasses(InvalidPackage)
    for kind in _subclasses(InvalidPackage):
        failure = kind.__new__(kind)
        failure.__dict__.update({field.name: 0 for field in fields(kind)})
        assert answer(failure)[0] == (413 if kind in limits else 400), kind


def test_the_framework_answers_its_own_failures_with_their_headers() -> None:
    assert answer(PermissionDenied("not yours")) == (403, "not yours", {})
    throttled = Throttled(7, "slow down")
    status, message, headers = answer(throttled)
    assert (status, headers) == (429, {"Retry-After": "7"})
    assert message.startswith("slow down")
    refused = NotAuthenticated()
    refused.auth_header = 'Basic realm="conda"'  # type: ignore[attr-defined] # as the views set it
    assert answer(refused)[2] == {"WWW-Authenticate": 'Basic realm="conda"'}


def test_nothing_that_goes_wrong_with_a_package_makes_clients_send_it_again() -> None:
    """rattler sends a file again upon any status but these; 5xx says that another try may help."""
    final = {400, 401, 403, 404, 409, 413, 422}
    assert {status for _, status, _ in _ANSWERS if status < 500} <= final
