"""Channels' contents over REST."""

from django.db.models import Q, QuerySet
from pulpcore.plugin.actions import ModifyRepositoryActionMixin
from pulpcore.plugin.viewsets import RepositoryVersionViewSet, RepositoryViewSet, RolesMixin

from pulp_conda.app.access import allow, policy, roles
from pulp_conda.app.models import CondaRepository, owned_repositories
from pulp_conda.app.serializers import CondaRepositorySerializer

_SETTING = ("update", "partial_update", "set_label", "unset_label")
_ROLES = ("list_roles", "add_role", "remove_role")
_IN_REPOSITORY = "has_repository_model_or_domain_or_obj_perms:conda"


class CondaRepositoryViewSet(RepositoryViewSet, ModifyRepositoryActionMixin, RolesMixin):
    """A conda repository is what a channel holds, version by version."""

    endpoint_name = "conda"
    queryset = CondaRepository.objects.exclude(user_hidden=True)
    serializer_class = CondaRepositorySerializer
    queryset_filtering_required_permission = "conda.view_condarepository"

    DEFAULT_ACCESS_POLICY = policy("condarepository", actions={"modify": "modify"})
    DEFAULT_ACCESS_POLICY["statements"] += [
        allow(["modify", *_SETTING], "has_owner_role:modify"),
        allow(["destroy", *_ROLES], "has_owner_role:create"),
    ]
    LOCKED_ROLES = roles(
        "condarepository", "view", "change", "delete", "modify", "upload", "repair"
    )

    def scope_queryset(self, repositories: QuerySet[CondaRepository]) -> QuerySet[CondaRepository]:
        """Return those that the user may see, by a role on them or on their owner."""
        by_role = super().scope_queryset(repositories)
        user = self.request.user
        if user.is_superuser:
            return by_role
        return repositories.filter(Q(pk__in=by_role.values("pk")) | owned_repositories(user))


class CondaRepositoryVersionViewSet(RepositoryVersionViewSet):
    """A version of a conda repository: what a channel held at one time."""

    parent_viewset = CondaRepositoryViewSet

    DEFAULT_ACCESS_POLICY = {
        "statements": [
            allow(["list", "retrieve"], f"{_IN_REPOSITORY}.view_condarepository"),
            allow(["list", "retrieve"], "has_owner_role:view"),
            allow(
                ["destroy"],
                f"{_IN_REPOSITORY}.delete_condarepository",
                f"{_IN_REPOSITORY}.view_condarepository",
            ),
            allow(
                ["repair"],
                f"{_IN_REPOSITORY}.repair_condarepository",
                f"{_IN_REPOSITORY}.view_condarepository",
            ),
        ]
    }
