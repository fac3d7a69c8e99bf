"""Channels' contents over REST."""

from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from pulpcore.plugin.actions import ModifyRepositoryActionMixin
from pulpcore.plugin.models import RepositoryVersion
from pulpcore.plugin.serializers import AsyncOperationResponseSerializer
from pulpcore.plugin.tasking import dispatch
from pulpcore.plugin.viewsets import (
    OperationPostponedResponse,
    RepositoryVersionViewSet,
    RepositoryViewSet,
    RolesMixin,
)
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from pulp_conda.app.access import allow, policy, roles
from pulp_conda.app.models import CondaRepository, Right, of_owners
from pulp_conda.app.serializers import (
    CondaRepositorySerializer,
    FilesCheckSerializer,
    IndexCheckSerializer,
)
from pulp_conda.app.tasks import check_files, check_index, dispatch_clean_up

_SETTING = ("update", "partial_update", "set_label", "unset_label")
_CHECKS = ("check_index", "check_files")
_ROLES = ("list_roles", "add_role", "remove_role")
_IN_REPOSITORY = "has_repository_model_or_domain_or_obj_perms:conda"


class CondaRepositoryViewSet(RepositoryViewSet, ModifyRepositoryActionMixin, RolesMixin):
    """A conda repository is what a channel holds, version by version."""

    endpoint_name = "conda"
    queryset = CondaRepository.objects.exclude(user_hidden=True)
    serializer_class = CondaRepositorySerializer
    queryset_filtering_required_permission = "conda.view_condarepository"

    DEFAULT_ACCESS_POLICY = policy(
        "condarepository",
        actions={
            "modify": "modify",
            "cleanup": "modify",
            "check_index": "repair",
            "check_files": "repair",
        },
    )
    DEFAULT_ACCESS_POLICY["statements"] += [
        allow(["modify", "cleanup", *_SETTING], "has_owner_role:modify"),
        allow(["destroy", *_CHECKS, *_ROLES], "has_owner_role:create"),
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
        return repositories.filter(Q(pk__in=by_role.values("pk")) | of_owners(user, Right.READ))

    @extend_schema(
        summary="Clean up a channel",
        description=(
            "Deletes the versions beyond those that the repository retains, and shards that no "
            "index names and none named for DISTRIBUTED_PUBLICATION_RETENTION_PERIOD seconds. "
            "This happens once a day by itself."
        ),
        request=None,
        responses={202: AsyncOperationResponseSerializer},
    )
    @action(detail=True, methods=["post"], serializer_class=None)  # type: ignore[untyped-decorator, unused-ignore]
    def cleanup(self, request: Request, pk: str, **_: Any) -> Response:
        """Start the clean-up of a channel."""
        return OperationPostponedResponse(dispatch_clean_up(self.get_object()), request)

    @extend_schema(
        summary="Check a channel's index",
        description=(
            "Makes the index of a version once more from the stored packages and compares: the "
            "task's result lists every document and shard that differs, or that the storage has "
            "lost or changed."
        ),
        responses={202: AsyncOperationResponseSerializer},
    )
    @action(detail=True, methods=["post"], serializer_class=IndexCheckSerializer)  # type: ignore[untyped-decorator, unused-ignore]
    def check_index(self, request: Request, pk: str, **_: Any) -> Response:
        """Start the check of an index."""
        repository, wanted = self.get_object(), self._wanted(request)
        published = repository.versions.complete().filter(publication__complete=True)
        version = _version(published, wanted, "that is published")
        mend = wanted["mend"]
        task = dispatch(
            check_index,
            kwargs={"repository_version_pk": str(version.pk), "mend": mend},
            exclusive_resources=[repository] if mend else [],
        )
        return OperationPostponedResponse(task, request)

    @extend_schema(
        summary="Check a channel's files",
        description=(
            "Looks in the storage for the file of every package of a version: the task's result "
            "lists those that are missing or not what the record says."
        ),
        responses={202: AsyncOperationResponseSerializer},
    )
    @action(detail=True, methods=["post"], serializer_class=FilesCheckSerializer)  # type: ignore[untyped-decorator, unused-ignore]
    def check_files(self, request: Request, pk: str, **_: Any) -> Response:
        """Start the check of files, which holds nothing: it may read for hours."""
        repository, wanted = self.get_object(), self._wanted(request)
        version = _version(repository.versions.complete(), wanted, "that is complete")
        arguments = {"repository_version_pk": str(version.pk), "checksums": wanted["checksums"]}
        return OperationPostponedResponse(dispatch(check_files, kwargs=arguments), request)

    def _wanted(self, request: Request) -> Any:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data


def _version(versions: QuerySet[RepositoryVersion], wanted: Any, kind: str) -> RepositoryVersion:
    """Return the version that is wanted, or the newest."""
    if "version" in wanted:
        versions = versions.filter(number=wanted["version"])
    found = versions.defer("content_ids").order_by("number").last()
    if found is None:
        raise ValidationError({"version": [f"The repository has no such version {kind}."]})
    return found


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
