"""Authentication of the native client APIs' views."""

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from pulp_conda.app.models import CHALLENGE, AccessToken, Requester

from .credentials import Password, Token
from .identity import WrongCredentials, check, recognise


class CondaAuthentication(BaseAuthentication):
    """Accepts access tokens in every place, and passwords without hashing each one again.

    The view has the `credentials` of the request and the `facts` about their user.
    """

    def authenticate(self, request: Request) -> tuple[Any, AccessToken | None] | None:
        """Return the user and the token; None lets DRF try the other authentication classes.

        Raises:
            AuthenticationFailed: the credentials are wrong.
            TooManyChecks: the password needs a hash, and too many are being computed.
        """
        view = request.parser_context["view"]
        credentials = view.credentials
        if not isinstance(credentials, Token | Password):
            return None
        try:
            known = recognise(credentials, view.facts)
            requester = known if isinstance(known, Requester) else check(known)
        except WrongCredentials as error:
            raise AuthenticationFailed(str(error)) from error
        return requester.user, requester.token

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge; without one DRF would answer 403 instead of 401."""
        return CHALLENGE
