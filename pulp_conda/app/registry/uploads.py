"""Base of the uploads of all dialects: the headers are checked before the body is read.

A web server that buffers whole bodies has to know beforehand whether an upload may begin. It
sends the headers of the upload with ``X-Upload-Check`` and without a body. The server then makes
all checks of the upload that need no body, and answers 204 if they pass.
"""

from abc import abstractmethod

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from pulp_conda.app.access import allow
from pulp_conda.app.channels.storage.disk_space import check_room
from pulp_conda.formats.identifiers import Extension

from .bodies import (
    BodyTooLarge,
    UploadBody,
    body_of,
    declared_size,
    is_form,
    is_upload_check,
    largest_body,
)
from .native import NativeView
from .views import RegistryView

_LARGEST_BODY = "X-Upload-Limit"
_DISK_RESERVE = "X-Disk-Reserve"


class UploadView(RegistryView):
    """A view whose action `upload` takes a package."""

    @abstractmethod
    def extension(self) -> Extension | None:
        """Return the format of the package, None if only the body gives it.

        Raises:
            Http404, InvalidIdentifier: the file name is not that of a package.
        """

    @abstractmethod
    def take(self, body: UploadBody) -> Response:
        """Store the package in the body; the headers have been checked."""

    def upload(self, request: Request, **_: object) -> Response:
        """Take the body as a package; 201 once clients of the channel can install it.

        Raises:
            Http404, ChannelPinned: a target channel takes no packages.
            BodyTooLarge: the declared length exceeds that of the largest package.
            OSError: the disk has no room for the body.
        """
        self.check_changeable()
        self.extension()
        check_size(request)
        return may_begin(request) if is_upload_check(request) else self.take(body_of(request))


class UploadCheckView(NativeView):
    """Tells a web server whether to receive a large body for Pulp's own API.

    The view that takes the body checks the rights to use it. This view only ensures that
    anonymous clients cannot fill the disk.
    """

    DEFAULT_ACCESS_POLICY = {"statements": [allow(["check"])]}
    authentication_classes = RegistryView.authentication_classes

    @classmethod
    def urlpattern(cls) -> str:
        """Return the name of this view's access policy."""
        return "conda/upload-check"

    def check(self, request: Request) -> Response:
        """Answer 204 if the client is signed in and the body is not too large."""
        check_size(request)
        return may_begin(request)


def check_size(request: Request) -> None:
    """Check that a body of the declared length is not too long and fits on the disk.

    Raises:
        BodyTooLarge: the declared length exceeds that of the largest package.
        OSError: the disk has no room for the body.
    """
    size, limit = declared_size(request) or 0, _limit(request)
    if size > limit:
        raise BodyTooLarge(size, limit)
    check_room(size)


def may_begin(request: Request) -> Response:
    """Answer that the body may be sent, with the limits for a body of unknown length."""
    return Response(
        status=204,
        headers={
            _LARGEST_BODY: str(_limit(request)),
            _DISK_RESERVE: str(settings.CONDA_DISK_RESERVE_BYTES),
        },
    )


def _limit(request: Request) -> int:
    return largest_body(settings.CONDA_MAX_PACKAGE_BYTES, form=is_form(request))
