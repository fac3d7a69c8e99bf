"""Viewset of repodata patches."""

from typing import Any

from drf_spectacular.utils import extend_schema
from pulpcore.plugin.models import PulpTemporaryFile
from pulpcore.plugin.serializers import AsyncOperationResponseSerializer
from pulpcore.plugin.tasking import dispatch
from pulpcore.plugin.viewsets import ContentFilter, ContentViewSet, OperationPostponedResponse
from rest_framework.request import Request

from pulp_conda.app import tasks
from pulp_conda.app.access import allow
from pulp_conda.app.models import CondaRepodataPatch, CondaRepository
from pulp_conda.app.serializers import CondaRepodataPatchSerializer

from .boundary import BoundaryMixin


class CondaRepodataPatchFilter(ContentFilter):
    """Filters for repodata patches."""

    class Meta:
        model = CondaRepodataPatch
        fields = {"subdir": ["exact", "in"], "sha256": ["exact", "in"]}


class CondaRepodataPatchViewSet(BoundaryMixin, ContentViewSet):
    """A repodata patch changes the records of one subdir in the index of a channel."""

    endpoint_name = "repodata_patches"  # type: ignore[assignment]
    queryset = CondaRepodataPatch.objects.prefetch_related("_artifacts")
    serializer_class = CondaRepodataPatchSerializer
    filterset_class = CondaRepodataPatchFilter

    DEFAULT_ACCESS_POLICY = {
        "statements": [
            allow(["list", "retrieve"]),
            allow(
                ["create"],
                "has_right_to_named:modify",
            ),
            allow(
                ["set_label", "unset_label"],
                "has_model_or_domain_perms:core.manage_content_labels",
            ),
        ],
        "queryset_scoping": {"function": "scope_queryset"},
    }

    @extend_schema(
        description=(
            "Trigger a task that saves the patches of a file, one for each subdir, and adds them "
            "to a repository in one new version. They replace previous patches of their subdirs."
        ),
        responses={202: AsyncOperationResponseSerializer},
    )
    def create(self, request: Request, **_: Any) -> OperationPostponedResponse:
        """Start the task that saves an upload of patches."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        repository: CondaRepository | None = data.get("repository")
        data["file"].seek(0)
        uploaded = PulpTemporaryFile.init_and_validate(data["file"])
        uploaded.save()
        task = dispatch(
            tasks.upload_patches,
            exclusive_resources=[repository] if repository else [],
            kwargs={
                "temporary_file_pk": str(uploaded.pk),
                "subdir": data.get("subdir"),
                "repository_pk": str(repository.pk) if repository else None,
            },
        )
        return OperationPostponedResponse(task, request)
