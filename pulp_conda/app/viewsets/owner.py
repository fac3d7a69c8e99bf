"""Viewset of owners, and of the roles that hold for all channels of an owner."""

from collections.abc import Iterable
from typing import Any

from django.db.models import ProtectedError, Q, QuerySet
from pulpcore.plugin.viewsets import NAME_FILTER_OPTIONS, NamedModelViewSet, RolesMixin
from rest_framework import mixins
from rest_framework.exceptions import ValidationError

from pulp_conda.app.access import CHANNEL_ROLES, allow, policy
from pulp_conda.app.models import PRIVATE, CondaOwner, Right, owners_with
from pulp_conda.app.serializers import CondaOwnerSerializer

from .boundary import BoundaryMixin

_SHOWN = 10


class CondaOwnerViewSet(
    BoundaryMixin,
    NamedModelViewSet,
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.ListModelMixin,
    mixins.DestroyModelMixin,
    RolesMixin,
):
    """An owner is a namespace of channels: an organisation's, or a user's own."""

    endpoint_name = "conda/owners"  # type: ignore[assignment]
    queryset = CondaOwner.objects.order_by("name")
    serializer_class = CondaOwnerSerializer
    filterset_fields = {"name": NAME_FILTER_OPTIONS}
    queryset_filtering_required_permission = "conda.view_condaowner"

    DEFAULT_ACCESS_POLICY = policy("condaowner", creator="conda.channel_owner")
    DEFAULT_ACCESS_POLICY["statements"] += [
        allow(["create"], "may_create_own_namespace"),
        allow(["update", "partial_update"], "has_own_namespace"),
    ]
    LOCKED_ROLES = CHANNEL_ROLES

    def scope_queryset(self, owners: QuerySet[CondaOwner]) -> QuerySet[CondaOwner]:
        """Return all owners that are not private, and private ones that the user may read."""
        user = self.request.user
        if user.is_superuser:
            return owners
        readable = owners_with(user, Right.READ).values("pk")
        return owners.filter(~Q(visibility=PRIVATE) | Q(pk__in=readable))

    def perform_destroy(self, instance: CondaOwner) -> None:
        """Delete an owner that owns nothing.

        Raises:
            ValidationError: it owns repositories or distributions.
        """
        try:
            instance.delete()
        except ProtectedError as error:
            protected: Iterable[Any] = error.protected_objects
            names = ", ".join(sorted(each.name for each in protected)[:_SHOWN])
            raise ValidationError(
                f"The owner still has repositories or distributions, such as {names}."
            ) from error
