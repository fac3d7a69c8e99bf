"""The Forgejo and Gitea registry: `PUT` and `DELETE` below `/api/packages/{owner}/conda/`."""

from typing import Any

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from pulp_conda.app.access import allow
from pulp_conda.formats import layout
from pulp_conda.formats.identifiers import Extension, extension_of

from .bodies import UploadBody
from .paths import UploadPath, parse_download_path, parse_upload_path
from .uploads import UploadView


class PackageView(UploadView):
    """Uploads and removals by Forgejo's and Gitea's API."""

    DEFAULT_ACCESS_POLICY = {
        "statements": [allow(["upload"], "may_upload"), allow(["remove"], "may_remove")]
    }
    methods_of_content_app = ("GET", "HEAD")

    def channel_part(self, **kwargs: Any) -> str | None:
        """Return the channel in the path after `conda/`."""
        if self.action == "remove":
            return parse_download_path(kwargs["path"])[0]
        return self.target.channel

    @property
    def target(self) -> UploadPath:
        """The channel, subdir and file name in an upload's URL."""
        return parse_upload_path(self.kwargs["path"])

    def extension(self) -> Extension:
        """Return the format given by the file name in the URL."""
        extension = extension_of(self.target.filename)
        if extension is None:
            raise Http404("a package's name ends in .conda or .tar.bz2")
        return extension

    def take(self, body: UploadBody) -> Response:
        """Store the body as a package.

        The stored file name and the subdir come from the package. The URL only decides on the
        channel and the format. Artifactory's clients declare digests in headers.
        """
        headers = self.request.headers
        self.store(
            body,
            self.extension(),
            claimed_subdir=self.target.subdir,
            sha256=headers.get("X-Checksum-Sha256"),
            md5=headers.get("X-Checksum-Md5"),
        )
        return self.stored()

    def remove(self, _: Request, path: str, **__: Any) -> Response:
        """Remove the file that a GET of this URL returns; 204 once the index no longer has it."""
        subdir, filename = layout.split(parse_download_path(path)[1])
        self.withdraw(subdir=subdir, filename=filename)
        return Response(status=204)
