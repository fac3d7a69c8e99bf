"""The Quetz upload: `POST /api/channels/{owner}[/{channel}]/upload/{file}`."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from pulp_conda.app.access import allow
from pulp_conda.formats.identifiers import check_extension

from .bodies import body_of
from .views import RegistryView, wants


class QuetzView(RegistryView):
    """Packages as Quetz's users upload them."""

    DEFAULT_ACCESS_POLICY = {"statements": [allow(["upload"], "may_upload", "may_replace")]}

    @property
    def replaces(self) -> bool:
        """Whether the client forces the upload."""
        return wants(self.request, "force")

    def upload(self, request: Request, file: str, **_: Any) -> Response:
        """Take the body as a package; 201 once clients of the channel can install it.

        The name in the URL decides on the format alone.
        """
        package = self.store(
            body_of(request), check_extension(file), sha256=request.query_params.get("sha256")
        )
        return Response({"filename": package.filename, "subdir": package.subdir}, status=201)
