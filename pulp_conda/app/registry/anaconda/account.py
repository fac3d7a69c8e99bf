"""Whether there is a server, and who the client is to it."""

from django.http import Http404
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from pulp_conda.app.access import allow
from pulp_conda.app.registry.views import NativeView, RegistryView
from pulp_conda.formats.errors import InvalidIdentifier
from pulp_conda.formats.identifiers import check_owner

from .failures import TellsError


class AccountView(TellsError, NativeView):
    """What anaconda-client asks before it uploads."""

    DEFAULT_ACCESS_POLICY = {
        "statements": [allow(["root"], principal="*"), allow(["user", "owner"])]
    }
    authentication_classes = RegistryView.authentication_classes

    @classmethod
    def urlpattern(cls) -> str:
        """Name this view among the access policies."""
        return "conda/account"

    def root(self, _: Request) -> Response:
        """Say that this is the place."""
        return Response({})

    def user(self, request: Request) -> Response:
        """Say in whose name the client acts, and so whose packages it uploads by default."""
        user = request.user
        if not user.username:
            raise PermissionDenied("a CI job is nobody in particular; name the owner by --user")
        joined = getattr(user, "date_joined", None)
        return Response({"login": user.username, "name": user.username, "created_at": joined})

    def owner(self, _: Request, login: str) -> Response:
        """Say that there may be such an owner: what one may do there is told when one tries."""
        try:
            check_owner(login.partition("/")[0])
        except InvalidIdentifier as error:
            raise Http404(str(error)) from error
        return Response({"login": login, "name": login})
