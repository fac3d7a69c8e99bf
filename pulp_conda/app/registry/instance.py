"""What clients of Forgejo's and Gitea's API ask of a server before they ask for packages."""

from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from pulp_conda.app.access import allow

from .generic import DEFAULT_LIMIT, MOST, user_named
from .views import NativeView, RegistryView

_VERSION = "1.25.0+pulp-conda"
"""The release of Gitea whose package API is answered; its SDK compares it with what it needs."""


class InstanceView(NativeView):
    """The server itself, and who the client is to it."""

    DEFAULT_ACCESS_POLICY = {
        "statements": [allow(["version", "limits"], principal="*"), allow(["user"])]
    }
    authentication_classes = RegistryView.authentication_classes

    @classmethod
    def urlpattern(cls) -> str:
        """Name this view among the access policies."""
        return "conda/instance"

    def version(self, _: Request) -> Response:
        """Answer what Gitea's SDK asks first; without an answer it makes no client."""
        return Response({"version": _VERSION})

    def limits(self, _: Request) -> Response:
        """Answer how long a page of a list may be, and how long it is unless a client says."""
        return Response({"max_response_items": MOST, "default_paging_num": DEFAULT_LIMIT})

    def user(self, request: Request) -> Response:
        """Answer in whose name the client acts."""
        if not request.user.username:
            raise PermissionDenied("a CI job is no user")
        return Response(user_named(request.user.username))
