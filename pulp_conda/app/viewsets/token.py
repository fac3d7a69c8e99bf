"""Viewset of access tokens."""

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
    """An access token lets a client act for a user without the user's password.

    Users see and revoke their own tokens. Administrators see and revoke all of them.
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
        """Return the tokens that the user may see."""
        user = self.request.user
        if user.is_superuser:
            return tokens
        return tokens.none() if user.pk is None else tokens.filter(user_id=user.pk)

    @extend_schema(
        description="Create a token for yourself. This answer is the only one that shows it.",
        request=NewAccessTokenSerializer,
        responses={201: NewAccessTokenSerializer},
    )
    def create(self, request: Request, **_: Any) -> Response:
        """Create a token, and return it this one time."""
        serializer = NewAccessTokenSerializer(
            data=request.data, context=self.get_serializer_context()
        )
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(serializer.data, status=201, headers={"Cache-Control": "no-store"})
