"""Serializer of publications, the indexes of channels."""

from pulpcore.plugin.serializers import DetailRelatedField, PublicationSerializer
from rest_framework import serializers

from pulp_conda.app.models import CondaPublication


class CondaPublicationSerializer(PublicationSerializer):
    """The index of one version of a channel."""

    distributions = DetailRelatedField(
        help_text="The distributions that serve exactly this publication.",
        source="distribution_set",
        view_name=r"distributions(-.*/.*)?-detail",
        many=True,
        read_only=True,
    )
    checkpoint = serializers.BooleanField(
        required=False, help_text="Whether this is a checkpoint publication."
    )

    class Meta:
        model = CondaPublication
        fields = (*PublicationSerializer.Meta.fields, "distributions", "checkpoint")
