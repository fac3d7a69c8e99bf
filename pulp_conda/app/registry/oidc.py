"""Short-lived tokens for CI jobs: `POST /api/oidc/mint_token`, as in prefix.dev's API.

pulpcore's setting `WORKLOAD_IDENTITY` says which jobs get which rights.
"""

from datetime import timedelta

from django.conf import settings
from django.utils.timezone import now
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response

from pulp_conda.app.access import allow
from pulp_conda.app.authentication.credentials import new_token
from pulp_conda.app.core.identity import WorkloadIdentityAuthentication, verified
from pulp_conda.app.models import AccessToken
from pulp_conda.app.models.token import READ, WRITE

from .bodies import document_of
from .native import NativeView
from .negotiation import PlainTextRenderer

_LONGEST_SUBJECT = 200
_MAX_IDENTITY_BYTES = 64 * 1024  # identities of the large providers have about 2,000


class MintView(NativeView):
    """Exchanges the identity of a CI job for an access token."""

    DEFAULT_ACCESS_POLICY = {"statements": [allow(["mint"], principal="*")]}
    # The identity is in the body; other credentials are ignored.
    authentication_classes = [WorkloadIdentityAuthentication]
    renderer_classes = [PlainTextRenderer]

    @classmethod
    def urlpattern(cls) -> str:
        """Return the name of this view's access policy."""
        return "conda/oidc"

    def mint(self, request: Request) -> Response:
        """Return a token with the rights that the settings grant to the job's claims.

        It expires after `CONDA_CI_TOKEN_SECONDS`.

        Raises:
            BodyTooLarge, InvalidDocument: the body is too long, or not a JSON object.
            AuthenticationFailed: this server does not trust the identity.
        """
        identity = document_of(request, _MAX_IDENTITY_BYTES).get("token")
        if not isinstance(identity, str):
            raise AuthenticationFailed('the body must be of the form {"token": "..."}')
        found = verified(identity)
        if found is None:
            raise AuthenticationFailed(
                "the token is not an identity token, or this server does not trust its issuer"
            )
        principal, claims = found
        AccessToken.objects.filter(user=None, expires__lt=now()).delete()
        secret = new_token()
        AccessToken.create(
            secret,
            grants=principal.grants,
            name=str(claims.get("sub", ""))[:_LONGEST_SUBJECT],
            scopes=[READ, WRITE],
            expires=now() + timedelta(seconds=settings.CONDA_CI_TOKEN_SECONDS),
        )
        return Response(secret, headers={"Cache-Control": "no-store"})
