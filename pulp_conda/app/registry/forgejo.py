"""The Forgejo and Gitea registry: `PUT` and `DELETE` below `/api/packages/{owner}/conda/`."""

from typing import Any

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from pulp_conda.app.access import allow
from pulp_conda.app.models import ChannelName, channel_named
from pulp_conda.formats import layout
from pulp_conda.formats.identifiers import extension_of

from .bodies import body_of
from .paths import parse_download_path, parse_upload_path
from .views import RegistryView


class PackageView(RegistryView):
    """Packages as Forgejo's users know them."""

    DEFAULT_ACCESS_POLICY = {
        "statements": [allow(["upload"], "may_upload"), allow(["remove"], "may_remove")]
    }
    methods_of_content_app = ("GET", "HEAD")

    def channel_of(self, **kwargs: Any) -> ChannelName:
        """Read the channel from the path behind `conda/`."""
        path = kwargs["path"]
        if self.action == "remove":
            return channel_named(self.owner, parse_download_path(path)[0])
        return channel_named(self.owner, parse_upload_path(path).channel)

    def upload(self, request: Request, path: str, **_: Any) -> Response:
        """Take the body as a package; 201 once clients of the channel can install it.

        The stored name and the subdir come from the package. The URL decides on the channel and
        the format alone. Artifactory's clients declare digests in headers.
        """
        target = parse_upload_path(path)
        extension = extension_of(target.filename)
        if extension is None:
            raise Http404("a package's name ends in .conda or .tar.bz2")
        self.store(
            body_of(request),
            extension,
            claimed_subdir=target.subdir,
            sha256=request.headers.get("X-Checksum-Sha256"),
            md5=request.headers.get("X-Checksum-Md5"),
        )
        return Response(status=201)

    def remove(self, _: Request, path: str, **__: Any) -> Response:
        """Remove the file that a GET of the URL answers; 204 once the index does not name it."""
        subdir, filename = layout.split(parse_download_path(path)[1])
        self.withdraw(subdir=subdir, filename=filename)
        return Response(status=204)
