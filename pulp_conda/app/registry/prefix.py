"""The upload of prefix.dev's clients: `POST /api/v1/upload/{owner}[/{channel}]`."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from pulp_conda.app.access import allow
from pulp_conda.formats.identifiers import check_extension

from .bodies import InvalidForm, body_of
from .views import RegistryView, wants


class PrefixView(RegistryView):
    """Packages as pixi and rattler-build upload them."""

    DEFAULT_ACCESS_POLICY = {"statements": [allow(["upload"], "may_upload", "may_replace")]}

    @property
    def replaces(self) -> bool:
        """Whether the client forces the upload."""
        return wants(self.request, "force")

    def upload(self, request: Request, **_: Any) -> Response:
        """Take the form's file as a package; 201 once clients of the channel can install it.

        The file's name, which decides on the format alone, and its digest stand in the headers
        of the form's part, or in those of the request where the body is the package itself. An
        attestation beside it is read and not kept.
        """
        body = body_of(request)
        declared = body.headers or request.headers
        filename = declared.get("x-file-name") or body.filename
        if not filename:
            raise InvalidForm("the package has no name: neither X-File-Name nor the form says it")
        package = self.store(body, check_extension(filename), sha256=declared.get("x-file-sha256"))
        return Response({"filename": package.filename, "subdir": package.subdir}, status=201)
