"""Viewset of notices."""

from django.db.models import QuerySet
from pulpcore.plugin.viewsets import BaseFilterSet, HyperlinkRelatedFilter, NamedModelViewSet
from rest_framework import mixins

from pulp_conda.app.access import allow
from pulp_conda.app.models import CondaDistribution, CondaNotice, readable_channels
from pulp_conda.app.serializers import CondaNoticeSerializer

from .boundary import BoundaryMixin

_TIME = ["lt", "lte", "gt", "gte", "range"]


class CondaNoticeFilter(BaseFilterSet):
    """Filters for notices."""

    distribution = HyperlinkRelatedFilter(help_text="The channel's URL, by its href or PRN.")

    class Meta:
        model = CondaNotice
        fields = {
            "distribution__base_path": ["exact", "in", "startswith"],
            "level": ["exact", "in"],
            "message": ["icontains"],
            "created_at": _TIME,
            "expires_at": [*_TIME, "isnull"],
        }


class CondaNoticeViewSet(
    BoundaryMixin,
    NamedModelViewSet,
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.ListModelMixin,
    mixins.DestroyModelMixin,
):
    """A notice is a message to the users of a channel; clients show it once (CEP 6).

    Users who may configure a channel manage its notices. Users who may read it see them.
    """

    endpoint_name = "conda/notices"  # type: ignore[assignment]
    queryset = CondaNotice.objects.order_by("-created_at", "pk")
    serializer_class = CondaNoticeSerializer
    filterset_class = CondaNoticeFilter

    DEFAULT_ACCESS_POLICY = {
        "statements": [
            allow(["list", "retrieve"]),
            allow(["create", "update", "partial_update", "destroy"], "may_announce"),
        ],
        "queryset_scoping": {"function": "of_readable_channels"},
    }

    def of_readable_channels(self, notices: QuerySet[CondaNotice]) -> QuerySet[CondaNotice]:
        """Return the notices of the channels that the user may read."""
        readable = CondaDistribution.objects.filter(readable_channels(self.request.user))
        return notices.filter(distribution__in=readable)
