"""The REST face of a channel's URL."""

from pulpcore.plugin.models import Publication
from pulpcore.plugin.serializers import DetailRelatedField, DistributionSerializer
from rest_framework import serializers

from pulp_conda.app.models import CondaDistribution


class CondaDistributionSerializer(DistributionSerializer):
    """The URL of a channel and what it serves."""

    publication = DetailRelatedField(
        required=False,
        help_text="Publication to be served, for a channel that stays as it is.",
        view_name_pattern=r"publications(-.*/.*)?-detail",
        queryset=Publication.objects.exclude(complete=False),
        allow_null=True,
    )
    checkpoint = serializers.BooleanField(
        default=False, help_text="Whether this distribution serves checkpoint publications."
    )

    class Meta:
        model = CondaDistribution
        fields = (*DistributionSerializer.Meta.fields, "publication", "checkpoint")
