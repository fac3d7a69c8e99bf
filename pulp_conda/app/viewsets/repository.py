"""Viewsets of repositories, the contents of channels, and of their versions."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from pulpcore.plugin.actions import ModifyRepositoryActionMixin
from pulpcore.plugin.models import RepositoryContent, RepositoryVersion
from pulpcore.plugin.serializers import (
    AsyncOperationResponseSerializer,
    RepositoryAddRemoveContentSerializer,
)
from pulpcore.plugin.tasking import dispatch
from pulpcore.plugin.util import get_url
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

from pulp_conda.app.access import ROLE_ACTIONS, allow, policy, roles
from pulp_conda.app.channels.sync.request import SyncOptions
from pulp_conda.app.models import (
    CondaRemote,
    CondaRepository,
    published_versions,
    readable_repositories,
)
from pulp_conda.app.serializers import (
    CondaRepositorySerializer,
    FilesCheckSerializer,
    IndexCheckSerializer,
    RepositorySyncSerializer,
    SyncUnderWaySerializer,
)
from pulp_conda.app.tasks import (
    SyncUnderWay,
    check_files,
    check_index,
    dispatch_clean_up,
    dispatch_sync,
)

from .boundary import BoundaryMixin

_CONFIGURE = ("update", "partial_update", "set_label", "unset_label")
_CHECKS = ("check_index", "check_files")
_SHOWN = 10
_SYNC_UNDER_WAY = "A sync of the repository waits or runs."
_IN_REPOSITORY = "has_repository_model_or_domain_or_obj_perms:conda"


class CondaRepositoryViewSet(
    BoundaryMixin, RepositoryViewSet, ModifyRepositoryActionMixin, RolesMixin
):
    """A conda repository has the versions of a channel, each with its packages and patches."""

    endpoint_name = "conda"  # type: ignore[assignment]
    queryset = CondaRepository.objects.exclude(user_hidden=True)
    serializer_class = CondaRepositorySerializer
    queryset_filtering_required_permission = "conda.view_condarepository"
    # Without these, an API process may run update and delete tasks itself. It may hold a channel
    # only with its commit lock, which these tasks do not take. Deleting a large channel would also
    # take longer than pulpcore allows such a task.
    ALLOW_NON_BLOCKING_UPDATE = False
    ALLOW_NON_BLOCKING_DELETE = False

    DEFAULT_ACCESS_POLICY = policy(
        "condarepository",
        create=("may_create_named",),
        actions={
            "modify": "modify",
            "cleanup": "modify",
            "sync": "sync",
            "check_index": "repair",
            "check_files": "repair",
        },
    )
    DEFAULT_ACCESS_POLICY["statements"] += [
        allow(["modify", "cleanup", "sync"], "has_right_to_repository:modify"),
        allow(_CONFIGURE, "has_right_to_repository:configure"),
        allow(["destroy", *_CHECKS, *ROLE_ACTIONS], "has_right_to_repository:manage_roles"),
    ]
    LOCKED_ROLES = roles(
        "condarepository", "view", "change", "delete", "modify", "upload", "sync", "repair"
    )

    def scope_queryset(self, repositories: QuerySet[CondaRepository]) -> QuerySet[CondaRepository]:
        """Return the repositories that the user may see by a role on them or on their owner."""
        if self.request.user.is_superuser:
            return repositories
        return repositories.filter(pk__in=readable_repositories(self.request.user).values("pk"))

    @extend_schema(
        summary="Modify Repository Content",
        description="Trigger an asynchronous task to create a new repository version.",
        responses={202: AsyncOperationResponseSerializer},
    )
    @action(detail=True, methods=["post"], serializer_class=RepositoryAddRemoveContentSerializer)
    def modify(self, request: Request, pk: str, **kwargs: Any) -> Response:  # type: ignore[override]
        """Start the change of a repository. The user must be able to see all added content."""
        if not request.user.is_superuser:
            self._check_sources(request)
        answer: Response = super().modify(request, pk, **kwargs)  # type: ignore[arg-type]
        return answer

    def _check_sources(self, request: Request) -> None:
        """Refuse versions and content units that the user may not see.

        Raises:
            ValidationError: one of them is in no repository that the user may see. The message does
                not tell whether it exists.
        """
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        readable = readable_repositories(request.user).values("pk")
        base = serializer.validated_data.get("base_version")
        if base and not readable.filter(pk=base.repository_id).exists():
            raise ValidationError({"base_version": ["There is no such version."]})
        added = set(serializer.validated_data.get("add_content_units", ()))
        seen = RepositoryContent.objects.filter(repository__in=readable, content_id__in=added)
        if missing := added - {str(pk) for pk in seen.values_list("content_id", flat=True)}:
            unknown = ", ".join(sorted(missing)[:_SHOWN])
            raise ValidationError({"add_content_units": [f"There are no such units: {unknown}"]})

    @extend_schema(
        summary="Sync a channel",
        description=(
            "Trigger a task that brings the channel to the state of an upstream. Its result lists "
            "what was added, removed, replaced, held and at fault. If the upstream cannot be read, "
            "the task fails and the channel stays as it was. Uploads go on meanwhile. While a sync "
            "of the channel waits or runs, another one is refused (409) with the href of its task."
        ),
        responses={202: AsyncOperationResponseSerializer, 409: SyncUnderWaySerializer},
    )
    @action(detail=True, methods=["post"], serializer_class=RepositorySyncSerializer)
    def sync(self, request: Request, pk: str, **_: Any) -> Response:
        """Start the sync of a channel."""
        repository: CondaRepository = self.get_object()
        wanted: dict[str, object] = self._wanted(request)
        remote = wanted.pop("remote", None)
        if not isinstance(remote, CondaRemote):
            remote = _remote_of(repository)
        options = SyncOptions(**{"mode": repository.sync_mode, **wanted})  # type: ignore[arg-type]
        try:
            task = dispatch_sync(repository, remote, options)
        except SyncUnderWay as error:
            under_way = {"detail": _SYNC_UNDER_WAY, "task": get_url(error.task)}
            return Response(under_way, status=409)
        return OperationPostponedResponse(task, request)

    @extend_schema(
        summary="Clean up a channel",
        description=(
            "Trigger a task that deletes the versions beyond those that the repository retains, "
            "and the shards that no index has named for DISTRIBUTED_PUBLICATION_RETENTION_PERIOD "
            "seconds. Such a task also runs once a day."
        ),
        request=None,
        responses={202: AsyncOperationResponseSerializer},
    )
    @action(detail=True, methods=["post"], serializer_class=None)
    def cleanup(self, request: Request, pk: str, **_: Any) -> Response:
        """Start the clean-up of a channel."""
        return OperationPostponedResponse(dispatch_clean_up(self.get_object()), request)

    @extend_schema(
        summary="Check a channel's index",
        description=(
            "Trigger a task that builds the index of a version again from the stored packages and "
            "compares. Its result lists every document and shard that differs, or that the storage "
            "has lost or changed."
        ),
        responses={202: AsyncOperationResponseSerializer},
    )
    @action(detail=True, methods=["post"], serializer_class=IndexCheckSerializer)
    def check_index(self, request: Request, pk: str, **_: Any) -> Response:
        """Start the check of an index."""
        repository: CondaRepository = self.get_object()
        wanted = self._wanted(request)
        published = published_versions(repository.pk)
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
            "Trigger a task that checks the stored file of every package of a version. Its result "
            "lists the files that are missing or do not match their record."
        ),
        responses={202: AsyncOperationResponseSerializer},
    )
    @action(detail=True, methods=["post"], serializer_class=FilesCheckSerializer)
    def check_files(self, request: Request, pk: str, **_: Any) -> Response:
        """Start the check of files. It holds no resource, because it may read for hours."""
        repository, wanted = self.get_object(), self._wanted(request)
        version = _version(repository.versions.complete(), wanted, "that is complete")
        arguments = {"repository_version_pk": str(version.pk), "checksums": wanted["checksums"]}
        return OperationPostponedResponse(dispatch(check_files, kwargs=arguments), request)

    def _wanted(self, request: Request) -> Any:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data


def _remote_of(repository: CondaRepository) -> CondaRemote:
    """Return the remote that a repository is synced from."""
    remote = repository.remote and repository.remote.cast()
    if not isinstance(remote, CondaRemote):
        raise ValidationError({"remote": ["The repository has no remote, so name one."]})
    return remote


def _version(versions: QuerySet[RepositoryVersion], wanted: Any, kind: str) -> RepositoryVersion:
    """Return the version that a request names, or the newest."""
    if "version" in wanted:
        versions = versions.filter(number=wanted["version"])
    found = versions.order_by("number").last()
    if found is None:
        raise ValidationError({"version": [f"The repository has no such version {kind}."]})
    return found


class CondaRepositoryVersionViewSet(BoundaryMixin, RepositoryVersionViewSet):
    """A version of a conda repository: the content of a channel at one time."""

    parent_viewset = CondaRepositoryViewSet

    DEFAULT_ACCESS_POLICY = {
        "statements": [
            allow(["list", "retrieve"], f"{_IN_REPOSITORY}.view_condarepository"),
            allow(["list", "retrieve"], "has_right_to_repository:view"),
            allow(["destroy"], "has_right_to_repository:modify"),
            allow(["repair"], "has_right_to_repository:manage_roles"),
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
