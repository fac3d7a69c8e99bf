"""What the uploads of all dialects share: the head is judged first, then the body is read.

A web server that receives whole bodies before it passes them on has to know beforehand whether an
upload may begin. It sends the upload's head with the header ``X-Upload-Check`` and no body. The
answer is that of the upload itself up to the point where the body would be read, and 204 there.
"""

from abc import abstractmethod

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from pulp_conda.app.access import allow
from pulp_conda.app.channels.storage.disk_space import check_room
from pulp_conda.formats.identifiers import Extension

from .bodies import (
    Body,
    BodyTooLarge,
    body_of,
    declared_size,
    is_form,
    is_upload_check,
    largest_body,
)
from .views import NativeView, RegistryView

_LARGEST_BODY = "X-Upload-Limit"
_DISK_RESERVE = "X-Disk-Reserve"


class UploadView(RegistryView):
    """A view whose action `upload` takes a package."""

    @abstractmethod
    def extension(self) -> Extension | None:
        """Return the format of the package, None where not the head but the body says it.

        Raises:
            Http404, InvalidIdentifier: what the head names is no package.
        """

    @abstractmethod
    def take(self, body: Body) -> Response:
        """Store the package in a body whose head was found right."""

    def upload(self, request: Request, **_: object) -> Response:
        """Take the body as a package; 201 once clients of the channel can install it.

        Raises:
            Http404, ChannelPinned: no package can come into a channel.
            BodyTooLarge: the body declares to be longer than any with a package.
            OSError: there is no room for it.
        """
        self.check_changeable()
        self.extension()
        check_size(request)
        return may_begin(request) if is_upload_check(request) else self.take(body_of(request))


class UploadCheckView(NativeView):
    """Tells a web server whether to receive a large body for Pulp's own API.

    What may be done with the body is judged by the view that takes it. But nobody may fill the disk
    who is not known.
    """

    DEFAULT_ACCESS_POLICY = {"statements": [allow(["check"])]}
    authentication_classes = RegistryView.authentication_classes

    @classmethod
    def urlpattern(cls) -> str:
        """Name this view among the access policies."""
        return "conda/upload-check"

    def check(self, request: Request) -> Response:
        """Answer 204 if the client is known and the body not too large."""
        check_size(request)
        return may_begin(request)


def check_size(request: Request) -> None:
    """Check that a body of the declared length is small enough, and that there is room for it.

    Raises:
        BodyTooLarge: the body is longer than any with a package.
        OSError: the disk is full.
    """
    size, limit = declared_size(request) or 0, _limit(request)
    if size > limit:
        raise BodyTooLarge(size, limit)
    check_room(size)


def may_begin(request: Request) -> Response:
    """Answer that a body may come, and what bounds one of unknown length."""
    return Response(
        status=204,
        headers={
            _LARGEST_BODY: str(_limit(request)),
            _DISK_RESERVE: str(settings.CONDA_DISK_RESERVE_BYTES),
        },
    )


def _limit(request: Request) -> int:
    return largest_body(settings.CONDA_MAX_PACKAGE_BYTES, form=is_form(request))
