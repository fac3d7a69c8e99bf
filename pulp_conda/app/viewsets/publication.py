"""Viewset of publications, the indexes of channels."""

from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from pulpcore.plugin.serializers import AsyncOperationResponseSerializer
from pulpcore.plugin.tasking import dispatch
from pulpcore.plugin.util import get_objects_for_user
from pulpcore.plugin.viewsets import OperationPostponedResponse, PublicationViewSet, RolesMixin
from rest_framework.request import Request

from pulp_conda.app import tasks
from pulp_conda.app.access import ROLE_ACTIONS, allow, policy, roles
from pulp_conda.app.models import CondaPublication, readable_repositories
from pulp_conda.app.serializers import CondaPublicationSerializer

from .boundary import BoundaryMixin


class CondaPublicationViewSet(BoundaryMixin, PublicationViewSet, RolesMixin):
    """A conda publication is the index of one version of a channel."""

    endpoint_name = "conda"  # type: ignore[assignment]
    queryset = CondaPublication.objects.exclude(complete=False)
    serializer_class = CondaPublicationSerializer
    queryset_filtering_required_permission = "conda.view_condapublication"

    DEFAULT_ACCESS_POLICY = policy(
        "condapublication",
        create=("has_right_to_named:modify",),
    )
    DEFAULT_ACCESS_POLICY["statements"] += [
        allow(["retrieve"], "has_right_to_published:view"),
        allow(["destroy"], "has_right_to_published:modify"),
        allow(ROLE_ACTIONS, "has_right_to_published:manage_roles"),
    ]
    LOCKED_ROLES = roles("condapublication", "view", "delete")

    def scope_queryset(
        self, publications: QuerySet[CondaPublication]
    ) -> QuerySet[CondaPublication]:
        """Return the publications that the user may see by a role on them or by the channel."""
        user = self.request.user
        if user.is_superuser:
            return publications
        by_role = get_objects_for_user(user, "conda.view_condapublication", publications)
        repositories = readable_repositories(self.request.user).values("pk")
        return publications.filter(
            Q(pk__in=by_role.values("pk")) | Q(repository_version__repository__in=repositories)
        )

    @extend_schema(
        description="Trigger a task that builds the index of a version of a channel.",
        responses={202: AsyncOperationResponseSerializer},
    )
    def create(self, request: Request, **_: Any) -> OperationPostponedResponse:
        """Publish the latest version of a repository, or the given version."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        version = serializer.validated_data["repository_version"]
        task = dispatch(
            tasks.publish,
            # Two tasks at the same time would both change the channel's shards.
            exclusive_resources=[version.repository],
            kwargs={
                "repository_version_pk": str(version.pk),
                "checkpoint": serializer.validated_data.get("checkpoint", False),
            },
        )
        return OperationPostponedResponse(task, request)
