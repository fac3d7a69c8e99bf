"""Quetz's upload API: `POST /api/channels/{owner}[/{channel}]/upload/{file}`."""

from rest_framework.response import Response

from pulp_conda.app.access import allow
from pulp_conda.formats.identifiers import Extension, check_extension

from .bodies import UploadBody
from .uploads import UploadView
from .views import wants


class QuetzView(UploadView):
    """Uploads by Quetz's clients."""

    DEFAULT_ACCESS_POLICY = {"statements": [allow(["upload"], "may_upload", "may_replace")]}

    @property
    def replaces(self) -> bool:
        """Whether the client forces the upload."""
        return wants(self.request, "force")

    def extension(self) -> Extension:
        """Return the format given by the file name in the URL, which decides on nothing else."""
        return check_extension(self.kwargs["file"])

    def take(self, body: UploadBody) -> Response:
        """Store the body, or the file in it, as a package."""
        sha256 = self.request.query_params.get("sha256")
        package = self.store(body, self.extension(), sha256=sha256)
        return self.stored(filename=package.filename, subdir=package.subdir)
