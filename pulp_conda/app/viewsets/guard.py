"""Viewset of the content guard of private channels."""

from pulpcore.plugin.viewsets import ContentGuardViewSet, RolesMixin

from pulp_conda.app.access import policy, roles
from pulp_conda.app.models import CondaContentGuard
from pulp_conda.app.serializers import CondaContentGuardSerializer

from .boundary import BoundaryMixin


class CondaContentGuardViewSet(BoundaryMixin, ContentGuardViewSet, RolesMixin):
    """A conda content guard makes channels private: only users with a right may read them."""

    endpoint_name = "conda"  # type: ignore[assignment]
    queryset = CondaContentGuard.objects.all()
    serializer_class = CondaContentGuardSerializer
    queryset_filtering_required_permission = "conda.view_condacontentguard"

    DEFAULT_ACCESS_POLICY = policy("condacontentguard")
    LOCKED_ROLES = roles("condacontentguard", "view", "change", "delete")
