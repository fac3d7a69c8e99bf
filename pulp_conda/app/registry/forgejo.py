"""The Forgejo and Gitea registry: `PUT /api/packages/{owner}/conda/[{channel}/]{file}`."""

from typing import Any

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from pulp_conda.app.access import allow
from pulp_conda.app.models import ChannelName, channel_named
from pulp_conda.formats.identifiers import extension_of

from .bodies import body_of
from .paths import parse_upload_path
from .views import RegistryView


class PackageView(RegistryView):
    """Packages as Forgejo's users know them."""

    DEFAULT_ACCESS_POLICY = {"statements": [allow(["upload"], "may_upload")]}

    def channel_of(self, **kwargs: Any) -> ChannelName:
        """Read the channel from the path behind `conda/`."""
        return channel_named(self.owner, parse_upload_path(kwargs["path"]).channel)

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
