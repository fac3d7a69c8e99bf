"""Access tokens over REST."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from pulpcore.plugin.viewsets import NamedModelViewSet
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from pulp_conda.app.access import allow
from pulp_conda.app.models import AccessToken
from pulp_conda.app.serializers import AccessTokenSerializer, NewAccessTokenSerializer

from .boundary import BoundaryMixin


class AccessTokenViewSet(
    BoundaryMixin,
    NamedModelViewSet,
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.ListModelMixin,
    mixins.DestroyModelMixin,
):
    """An access token is what a client gets in place of a user's password.

    Users see and revoke their own; an administrator everybody's.
    """

    endpoint_name = "conda/tokens"  # type: ignore[assignment]
    queryset = AccessToken.objects.select_related("user").order_by("-pulp_created")
    serializer_class = AccessTokenSerializer
    filterset_fields = {
        "name": ["exact", "icontains"],
        "user__username": ["exact"],
        "expires": ["lt", "gt"],
        "last_used": ["lt", "gt"],
    }

    DEFAULT_ACCESS_POLICY = {
        "statements": [allow(["list", "retrieve", "create", "destroy"])],
        "queryset_scoping": {"function": "own_tokens"},
    }

    def own_tokens(self, tokens: QuerySet[AccessToken]) -> QuerySet[AccessToken]:
        """Return those of the tokens that the user may see."""
        user = self.request.user
        if user.is_superuser:
            return tokens
        return tokens.none() if user.pk is None else tokens.filter(user_id=user.pk)

    @extend_schema(
        description="Make a token for yourself. This answer is the only one that shows it.",
        request=NewAccessTokenSerializer,
        responses={201: NewAccessTokenSerializer},
    )
    def create(self, request: Request, **_: Any) -> Response:
        """Make a token and show it, this once."""
        serializer = NewAccessTokenSerializer(
            data=request.data, context=self.get_serializer_context()
        )
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(serializer.data, status=201, headers={"Cache-Control": "no-store"})
