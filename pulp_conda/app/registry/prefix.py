"""prefix.dev's upload API: `POST /api/v1/upload/{owner}[/{channel}]`."""

from rest_framework.response import Response

from pulp_conda.app.access import allow
from pulp_conda.formats.identifiers import Extension, check_extension

from .bodies import InvalidForm, UploadBody, is_form
from .uploads import UploadView
from .views import wants


class PrefixView(UploadView):
    """Uploads by pixi and rattler-build."""

    DEFAULT_ACCESS_POLICY = {"statements": [allow(["upload"], "may_upload", "may_replace")]}

    @property
    def replaces(self) -> bool:
        """Whether the client forces the upload."""
        return wants(self.request, "force")

    def extension(self) -> Extension | None:
        """Return the format given by a header, None if the body is a form."""
        filename = self.request.headers.get("X-File-Name")
        return None if is_form(self.request) or not filename else check_extension(filename)

    def take(self, body: UploadBody) -> Response:
        """Store the form's file as a package.

        The file's name and digest are in the headers of the form's part, or in those of the
        request if the body is the package itself. The name only decides on the format.
        """
        declared = body.headers or self.request.headers
        filename = declared.get("x-file-name") or body.filename
        if not filename:
            raise InvalidForm("neither X-File-Name nor the form gives the package's file name")
        package = self.store(body, check_extension(filename), sha256=declared.get("x-file-sha256"))
        return self.stored(filename=package.filename, subdir=package.subdir)
