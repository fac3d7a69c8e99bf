"""Viewset of distributions, the URLs of channels."""

from typing import Any

from django.db.models import Q, QuerySet, TextField, Value
from django.db.models.functions import Replace
from pulpcore.plugin.util import get_objects_for_user
from pulpcore.plugin.viewsets import DistributionFilter, DistributionViewSet, RolesMixin

from pulp_conda.app.access import ROLE_ACTIONS, allow, policy, roles
from pulp_conda.app.models import (
    CondaDistribution,
    Right,
    of_owners,
    readable_repositories,
)
from pulp_conda.app.models.channel_name import SLASH_IN_BASE_PATH
from pulp_conda.app.serializers import CondaDistributionSerializer

from .boundary import BoundaryMixin


class CondaDistributionFilter(DistributionFilter):
    """Filters for distributions. `base_path` is compared with slashes, as users see it."""

    class Meta:
        model = CondaDistribution
        fields = {**DistributionFilter.Meta.fields, "owner__name": ["exact", "iexact", "in"]}

    def filter_queryset(self, queryset: QuerySet[CondaDistribution]) -> Any:
        """Filter channels by their paths with slashes."""
        for name, each in self.filters.items():
            if name.startswith("base_path"):
                each.field_name = "shown_path"
        shown = Replace(
            "base_path", Value(SLASH_IN_BASE_PATH), Value("/"), output_field=TextField()
        )
        return super().filter_queryset(queryset.annotate(shown_path=shown))


class CondaDistributionViewSet(BoundaryMixin, DistributionViewSet, RolesMixin):
    """A conda distribution is the URL at which clients find a channel."""

    endpoint_name = "conda"  # type: ignore[assignment]
    queryset = CondaDistribution.objects.all()
    serializer_class = CondaDistributionSerializer
    filterset_class = CondaDistributionFilter
    queryset_filtering_required_permission = "conda.view_condadistribution"

    DEFAULT_ACCESS_POLICY = policy(
        "condadistribution",
        create=("may_create_at_base_path", "may_serve"),
        update=("may_create_at_base_path", "may_serve"),
    )
    DEFAULT_ACCESS_POLICY["statements"] += [
        allow(["retrieve"], "has_right_to_distribution:view"),
        allow(
            ["update", "partial_update"],
            "has_right_to_distribution:configure",
            "may_create_at_base_path",
            "may_serve",
        ),
        allow(["set_label", "unset_label"], "has_right_to_distribution:configure"),
        allow(["destroy", *ROLE_ACTIONS], "has_right_to_distribution:manage_roles"),
    ]
    LOCKED_ROLES = roles("condadistribution", "view", "change", "delete")

    def scope_queryset(
        self, distributions: QuerySet[CondaDistribution]
    ) -> QuerySet[CondaDistribution]:
        """Return the distributions that the user may see by a role on them, owner or repository."""
        user = self.request.user
        if user.is_superuser:
            return distributions
        by_role = get_objects_for_user(user, "conda.view_condadistribution", distributions)
        repositories = readable_repositories(self.request.user).values("pk")
        return distributions.filter(
            Q(pk__in=by_role.values("pk"))
            | of_owners(user, Right.READ)
            | Q(repository__in=repositories)
            | Q(repository_version__repository__in=repositories)
            | Q(publication__repository_version__repository__in=repositories)
        )
