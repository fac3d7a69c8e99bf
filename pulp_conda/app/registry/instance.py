"""The parts of Forgejo's and Gitea's API that describe the server and the client's user."""

from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from pulp_conda.app.access import allow

from .generic import DEFAULT_LIMIT, MAX_LIMIT, user_named
from .native import NativeView
from .views import RegistryView

_VERSION = "1.25.0+pulp-conda"
"""The release of Gitea whose package API this is; Gitea's SDK requires a minimum."""


class InstanceView(NativeView):
    """The server's version and limits, and the client's user."""

    DEFAULT_ACCESS_POLICY = {
        "statements": [allow(["version", "limits"], principal="*"), allow(["user"])]
    }
    authentication_classes = RegistryView.authentication_classes

    @classmethod
    def urlpattern(cls) -> str:
        """Return the name of this view's access policy."""
        return "conda/instance"

    def version(self, _: Request) -> Response:
        """Return the version. Gitea's SDK requests it first and fails without it."""
        return Response({"version": _VERSION})

    def limits(self, _: Request) -> Response:
        """Return the maximum and the default size of a page of a list."""
        return Response({"max_response_items": MAX_LIMIT, "default_paging_num": DEFAULT_LIMIT})

    def user(self, request: Request) -> Response:
        """Return the user whom the credentials belong to."""
        if not request.user.username:
            raise PermissionDenied("a CI job is not a user")
        return Response(user_named(request.user.username))
