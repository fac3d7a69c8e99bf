"""Channels' URLs over REST."""

from pulpcore.plugin.viewsets import DistributionViewSet, RolesMixin

from pulp_conda.app.access import policy, roles
from pulp_conda.app.models import CondaDistribution
from pulp_conda.app.serializers import CondaDistributionSerializer

_SERVED = (
    "has_repo_or_repo_ver_param_model_or_domain_or_obj_perms:conda.view_condarepository",
    "has_publication_param_model_or_domain_or_obj_perms:conda.view_condapublication",
)


class CondaDistributionViewSet(DistributionViewSet, RolesMixin):
    """A conda distribution is the URL at which clients find a channel."""

    endpoint_name = "conda"
    queryset = CondaDistribution.objects.all()
    serializer_class = CondaDistributionSerializer
    queryset_filtering_required_permission = "conda.view_condadistribution"

    DEFAULT_ACCESS_POLICY = policy("condadistribution", create=_SERVED, update=_SERVED)
    LOCKED_ROLES = roles("condadistribution", "view", "change", "delete")
