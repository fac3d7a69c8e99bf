"""Channels' contents over REST."""

from pulpcore.plugin.actions import ModifyRepositoryActionMixin
from pulpcore.plugin.viewsets import RepositoryVersionViewSet, RepositoryViewSet, RolesMixin

from pulp_conda.app.access import allow, policy, roles
from pulp_conda.app.models import CondaRepository
from pulp_conda.app.serializers import CondaRepositorySerializer

_IN_REPOSITORY = "has_repository_model_or_domain_or_obj_perms:conda"


class CondaRepositoryViewSet(RepositoryViewSet, ModifyRepositoryActionMixin, RolesMixin):
    """A conda repository is what a channel holds, version by version."""

    endpoint_name = "conda"
    queryset = CondaRepository.objects.exclude(user_hidden=True)
    serializer_class = CondaRepositorySerializer
    queryset_filtering_required_permission = "conda.view_condarepository"

    DEFAULT_ACCESS_POLICY = policy("condarepository", actions={"modify": "modify"})
    LOCKED_ROLES = roles(
        "condarepository", "view", "change", "delete", "modify", "upload", "repair"
    )


class CondaRepositoryVersionViewSet(RepositoryVersionViewSet):
    """A version of a conda repository: what a channel held at one time."""

    parent_viewset = CondaRepositoryViewSet

    DEFAULT_ACCESS_POLICY = {
        "statements": [
            allow(["list", "retrieve"], f"{_IN_REPOSITORY}.view_condarepository"),
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
