"""Viewset of packages."""

from django.db.models import QuerySet
from django_filters import CharFilter
from pulpcore.plugin.viewsets import ContentFilter, SingleArtifactContentUploadViewSet

from pulp_conda.app.access import allow
from pulp_conda.app.models import CondaPackage
from pulp_conda.app.serializers import CondaPackageSerializer, CondaPackageUploadSerializer

from .boundary import BoundaryMixin

_TEXT = ["exact", "iexact", "in", "contains", "icontains", "startswith"]
_NUMBER = ["exact", "gt", "gte", "lt", "lte"]


class CondaPackageFilter(ContentFilter):
    """Filters for packages."""

    summary__icontains = CharFilter(
        field_name="about__summary",
        lookup_expr="icontains",
        help_text="Filter packages whose summary contains a text, in any case.",
    )

    trait = CharFilter(
        field_name="traits",
        method="with_trait",
        help_text="Filter packages that have a trait, such as outside_links.",
    )

    def with_trait(
        self, packages: QuerySet[CondaPackage], field: str, trait: str
    ) -> QuerySet[CondaPackage]:
        """Return the packages that have a trait."""
        return packages.filter(**{f"{field}__contains": [trait]})

    class Meta:
        model = CondaPackage
        fields = {
            "name": _TEXT,
            "version": _TEXT,
            "build": _TEXT,
            "build_number": _NUMBER,
            "timestamp": _NUMBER,
            "subdir": ["exact", "in"],
            "filename": _TEXT,
            "extension": ["exact"],
            "license": _TEXT,
            "sha256": ["exact", "in"],
            "md5": ["exact", "in"],
            "size": _NUMBER,
            "record_digest": ["exact"],
        }


class CondaPackageViewSet(BoundaryMixin, SingleArtifactContentUploadViewSet):
    """A conda package is one file of a channel together with its repodata record."""

    endpoint_name = "packages"  # type: ignore[assignment]
    queryset = CondaPackage.objects.prefetch_related("_artifacts")
    serializer_class = CondaPackageUploadSerializer
    minimal_serializer_class = CondaPackageSerializer
    filterset_class = CondaPackageFilter

    DEFAULT_ACCESS_POLICY = {
        "statements": [
            allow(["list", "retrieve"]),
            allow(
                ["create"],
                "has_right_to_named:upload",
                "may_replace_in_named",
                "may_use_artifact",
                "has_upload_param_model_or_domain_or_obj_perms:core.change_upload",
            ),
            allow(
                ["set_label", "unset_label"],
                "has_model_or_domain_perms:core.manage_content_labels",
            ),
        ],
        "queryset_scoping": {"function": "scope_queryset"},
    }
