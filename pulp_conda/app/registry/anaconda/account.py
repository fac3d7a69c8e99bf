"""The requests by which anaconda-client finds the server and its own user."""

from django.http import Http404
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from pulp_conda.app.access import allow
from pulp_conda.app.registry.native import NativeView
from pulp_conda.app.registry.views import RegistryView
from pulp_conda.formats.errors import InvalidIdentifier
from pulp_conda.formats.identifiers import check_owner

from .failures import ErrorKeyMixin


class AccountView(ErrorKeyMixin, NativeView):
    """Answers the requests that anaconda-client sends before an upload."""

    DEFAULT_ACCESS_POLICY = {
        "statements": [allow(["root"], principal="*"), allow(["user", "owner"])]
    }
    authentication_classes = RegistryView.authentication_classes

    @classmethod
    def urlpattern(cls) -> str:
        """Return the name of this view's access policy."""
        return "conda/account"

    def root(self, _: Request) -> Response:
        """Answer that the API is here."""
        return Response({})

    def user(self, request: Request) -> Response:
        """Return the user of the credentials, who is the client's default owner for uploads."""
        user = request.user
        if not user.username:
            raise PermissionDenied("a CI job has no user name; name the owner by --user")
        joined = getattr(user, "date_joined", None)
        return Response({"login": user.username, "name": user.username, "created_at": joined})

    def owner(self, _: Request, login: str) -> Response:
        """Answer that the owner may exist; rights are checked by the requests that follow."""
        try:
            check_owner(login.partition("/")[0])
        except InvalidIdentifier as error:
            raise Http404(str(error)) from error
        return Response({"login": login, "name": login})
