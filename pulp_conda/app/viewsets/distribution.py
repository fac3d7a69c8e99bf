"""Channels' URLs over REST."""

from typing import Any

from django.db.models import QuerySet, TextField, Value
from django.db.models.functions import Replace
from pulpcore.plugin.viewsets import DistributionFilter, DistributionViewSet, RolesMixin

from pulp_conda.app.access import policy, roles
from pulp_conda.app.models import CondaDistribution
from pulp_conda.app.models.channel import SLASH_IN_BASE_PATH
from pulp_conda.app.serializers import CondaDistributionSerializer

_SERVED = (
    "has_repo_or_repo_ver_param_model_or_domain_or_obj_perms:conda.view_condarepository",
    "has_publication_param_model_or_domain_or_obj_perms:conda.view_condapublication",
)


class CondaDistributionFilter(DistributionFilter):
    """Filters for distributions; a `base_path` is looked for as people see it."""

    class Meta:
        model = CondaDistribution
        fields = {**DistributionFilter.Meta.fields, "owner__name": ["exact", "iexact", "in"]}

    def filter_queryset(self, queryset: QuerySet[CondaDistribution]) -> Any:
        """Filter channels by their paths with slashes in them."""
        for name, each in self.filters.items():
            if name.startswith("base_path"):
                each.field_name = "shown_path"
        shown = Replace(
            "base_path", Value(SLASH_IN_BASE_PATH), Value("/"), output_field=TextField()
        )
        return super().filter_queryset(queryset.annotate(shown_path=shown))


class CondaDistributionViewSet(DistributionViewSet, RolesMixin):
    """A conda distribution is the URL at which clients find a channel."""

    endpoint_name = "conda"
    queryset = CondaDistribution.objects.all()
    serializer_class = CondaDistributionSerializer
    filterset_class = CondaDistributionFilter
    queryset_filtering_required_permission = "conda.view_condadistribution"

    DEFAULT_ACCESS_POLICY = policy("condadistribution", create=_SERVED, update=_SERVED)
    LOCKED_ROLES = roles("condadistribution", "view", "change", "delete")
