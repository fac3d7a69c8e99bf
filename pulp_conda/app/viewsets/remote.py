"""Viewset of remotes, the upstream channels."""

from typing import Any

from drf_spectacular.utils import extend_schema
from pulpcore.plugin.serializers import AsyncOperationResponseSerializer
from pulpcore.plugin.tasking import dispatch
from pulpcore.plugin.viewsets import (
    OperationPostponedResponse,
    RemoteFilter,
    RemoteViewSet,
    RolesMixin,
)
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from pulp_conda.app.access import policy, roles
from pulp_conda.app.models import CondaRemote
from pulp_conda.app.serializers import CondaRemoteSerializer
from pulp_conda.app.tasks import probe

from .boundary import BoundaryMixin


class CondaRemoteFilter(RemoteFilter):
    """Filters for remotes."""

    class Meta:
        model = CondaRemote
        fields = {
            **RemoteFilter.Meta.fields,
            "url": ["exact", "iexact", "in", "contains", "icontains", "startswith"],
            "policy": ["exact", "in"],
            "auth": ["exact", "in"],
        }


class CondaRemoteViewSet(BoundaryMixin, RemoteViewSet, RolesMixin):
    """A conda remote is a channel of another server, from which repositories are synced.

    A repository keeps its packages if its remote is deleted, but has no remote then: it is not
    synced any more, and package files that were never downloaded cannot be had.
    """

    endpoint_name = "conda"  # type: ignore[assignment]
    queryset = CondaRemote.objects.all()
    serializer_class = CondaRemoteSerializer
    filterset_class = CondaRemoteFilter
    queryset_filtering_required_permission = "conda.view_condaremote"

    DEFAULT_ACCESS_POLICY = policy("condaremote", actions={"probe": "change"})
    LOCKED_ROLES = roles("condaremote", "view", "change", "delete")

    @extend_schema(
        summary="Probe an upstream",
        description=(
            "Trigger a task that finds out, in seconds, what the upstream has. Its result says "
            "whether the credentials are accepted (`authentication`: none, accepted, not needed, "
            "refused or unknown), which `documents` of the channel and of each subdir there are "
            "and their sizes, whether a few sampled shards are what the shard index says, whether "
            "records have indexed_timestamp (CEP 47), whether a package file can be had, and what "
            "is at fault."
        ),
        request=None,
        responses={202: AsyncOperationResponseSerializer},
    )
    @action(detail=True, methods=["post"], serializer_class=None)
    def probe(self, request: Request, pk: str, **_: Any) -> Response:
        """Start a probe. It is a task, since an upstream may take longer than a request may."""
        remote: CondaRemote = self.get_object()
        task = dispatch(
            probe,
            kwargs={"remote_pk": str(remote.pk)},
            exclusive_resources=[f"conda:probe:{remote.pk}"],
            shared_resources=[remote],
        )
        return OperationPostponedResponse(task, request)
