"""Viewset of remotes, the upstream channels."""

from pulpcore.plugin.viewsets import RemoteFilter, RemoteViewSet, RolesMixin

from pulp_conda.app.access import policy, roles
from pulp_conda.app.models import CondaRemote
from pulp_conda.app.serializers import CondaRemoteSerializer

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

    DEFAULT_ACCESS_POLICY = policy("condaremote")
    LOCKED_ROLES = roles("condaremote", "view", "change", "delete")
