"""The three requests of an upload: stage (announce), upload, and commit (confirm)."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any
from xml.sax.saxutils import escape

from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import ParseError, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from pulp_conda.app.access import allow
from pulp_conda.app.channels.changes.upload import PackageExists
from pulp_conda.app.channels.intake.ingest import WrongDigest
from pulp_conda.app.models import ChannelName, channel_named
from pulp_conda.app.registry.bodies import InvalidDocument, UploadBody, document_of
from pulp_conda.app.registry.uploads import UploadView
from pulp_conda.formats.identifiers import Extension, check_extension

from .stage import Stage, StageAuthentication, identity
from .views import LoginView, label_of

_ROOT = "/api/anaconda/"
_MAX_LABELS = 10  # the stage with all labels has to fit into a URL
_SHA256 = re.compile("[0-9a-fA-F]{64}")


class StageView(LoginView):
    """Stages and commits an upload."""

    DEFAULT_ACCESS_POLICY = {"statements": [allow(["stage", "commit"], "may_upload")]}

    @property
    def channels(self) -> Sequence[ChannelName]:
        """The channels that the labels name."""
        return self.announced.targets

    @cached_property
    def announced(self) -> Stage:
        """The upload that the request announces or confirms."""
        document = document_of(self.request)
        if self.action == "commit":
            return Stage.from_signed(document.get("dist_id"))
        if document.get("distribution_type", "conda") != "conda":
            raise ParseError("a channel takes only conda packages")
        check_extension(self.kwargs["file"])
        channels = self._labelled(document.get("channels"))
        return Stage(
            owner=self.channel.owner,
            channels=[channel.name for channel in channels],
            subdir=self.kwargs["subdir"],
            filename=self.kwargs["file"],
            sha256=_digest(document.get("sha256")),
            **identity(self.requester),
        )

    def stage(self, request: Request, **_: Any) -> Response:
        """Return the URL to which the file is to be sent; 409 if one of the channels has it."""
        self.check_changeable()
        stage = self.announced
        found = self.find_packages(subdir=stage.subdir, filename=stage.filename)
        for channel in self.channels:
            if channel in found:
                raise PackageExists(found[channel][0])
        signed = stage.signed()
        url = f"{_site(request)}staged/{stage.owner}/{signed}"
        return Response({"post_url": url, "form_data": {}, "dist_id": signed})

    def commit(self, request: Request, **_: Any) -> Response:
        """Confirm that clients of all the channels can install the file."""
        stage = self.announced
        fields = {"sha256": stage.sha256} if stage.sha256 else {"filename": stage.filename}
        found = self.find_packages(subdir=stage.subdir, **fields)
        missing = [channel for channel in self.channels if channel not in found]
        if missing:
            raise Http404(f"{stage.filename} has not been uploaded to {missing[0]}")
        channel = stage.targets[0]
        package = found[channel][0]
        registry = _site(request).removesuffix("anaconda/") + f"packages/{channel.owner}/conda/"
        return Response(
            {
                "basename": package.relative_path,
                "labels": [label_of(channel) for channel in self.channels],
                "url": f"{registry}{channel.name}/{package.relative_path}",
            }
        )

    def _labelled(self, labels: object) -> Sequence[ChannelName]:
        """Return the channels that the labels name; `main` is the channel of the login.

        Raises:
            InvalidDocument: the labels are not a list of texts, or contradict the login.
            InvalidIdentifier: a label is not valid as a channel's name.
        """
        labels = labels or ["main"]
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise InvalidDocument("the labels are not a list of names")
        if len(labels) > _MAX_LABELS:
            raise InvalidDocument(f"there are more than {_MAX_LABELS} labels")
        named = {
            self.channel if label == "main" else channel_named(self.channel.owner, label): None
            for label in labels
        }
        if "channel" in self.kwargs and set(named) != {self.channel}:
            raise InvalidDocument(f"the login names {self.channel}; give no other label")
        return list(named)


class StagedUploadView(UploadView):
    """Receives a staged file."""

    authentication_classes = [StageAuthentication]
    DEFAULT_ACCESS_POLICY = {"statements": [allow(["upload"], "may_upload")]}

    @cached_property
    def staged(self) -> Stage:
        """The announcement in the URL."""
        return Stage.from_signed(self.kwargs["stage"])

    def channel_part(self, **_: Any) -> str | None:
        """Return the first target channel of the stage."""
        return self.staged.channels[0]

    def channel_of(self, **_: Any) -> ChannelName:
        """Return the first target channel of the stage."""
        if self.staged.owner != self.owner:
            raise PermissionDenied("the upload was staged for another owner")
        return self.staged.targets[0]

    @property
    def channels(self) -> Sequence[ChannelName]:
        """The target channels of the stage."""
        return self.staged.targets

    def extension(self) -> Extension:
        """Return the format given by the announced file name."""
        return check_extension(self.staged.filename)

    def take(self, body: UploadBody) -> Response:
        """Store the form's file as a package."""
        self.store(
            body,
            self.extension(),
            claimed_subdir=self.staged.subdir,
            sha256=self.staged.sha256,
            md5=_hexadecimal(body.fields.get("Content-MD5")),
        )
        return Response({}, status=201)

    def failure(
        self, cause: Exception, status: int, message: str, headers: Mapping[str, str]
    ) -> HttpResponseBase:
        """Answer in the XML of Amazon's S3, because anaconda-client fails on anything else."""
        answer: Any = super().failure(cause, status, message, headers)
        code = answer.data["reason"].replace(" ", "")
        if isinstance(cause, WrongDigest):
            code = "InvalidDigest"  # the client has a message of its own for this code
        xml = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        return HttpResponse(
            xml, status=status, content_type="application/xml", headers=dict(headers)
        )


def _hexadecimal(content_md5: str | None) -> str | None:
    """Convert a digest in the format of the header Content-MD5 to hex."""
    try:
        return base64.b64decode(content_md5, validate=True).hex() if content_md5 else None
    except binascii.Error as error:
        raise ParseError("Content-MD5 is not base64") from error


def _digest(declared: object) -> str | None:
    if declared in (None, ""):
        return None
    if not isinstance(declared, str) or not _SHA256.fullmatch(declared):
        raise InvalidDocument("sha256 is not a SHA-256 digest in hex")
    return declared.lower()


def _site(request: Request) -> str:
    """Return the URL of this API as the client sees it.

    The web server in front of Pulp reports by a header whether the client uses TLS. A client that
    forges the header only deceives itself.
    """
    before, _, _ = request.path.partition(_ROOT)
    forwarded = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip()
    scheme = forwarded if forwarded in ("http", "https") else request.scheme
    return f"{scheme}://{request.get_host()}{before}{_ROOT}"
