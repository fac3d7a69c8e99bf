"""Serializer of distributions, the URLs of channels."""

from typing import Any

from django.conf import settings
from pulpcore.plugin.models import Publication
from pulpcore.plugin.serializers import DetailRelatedField, DistributionSerializer
from rest_framework import serializers

from pulp_conda.app.models import CondaContentGuard, CondaDistribution, CondaOwner, shown_base_path

from .channel_name import check_same_owner, checked_channel


class CondaDistributionSerializer(DistributionSerializer):
    """The URL of a channel, and the repository, version or publication that it serves."""

    owner = serializers.CharField(
        source="owner.name",
        read_only=True,
        help_text="The owner of the channel: the first part of its path, or the domain.",
    )
    registry_url = serializers.SerializerMethodField(
        help_text="The channel's URL in the registry, to which packages are uploaded."
    )
    publication = DetailRelatedField(
        required=False,
        help_text="The publication to serve, for a channel that does not change.",
        view_name_pattern=r"publications(-.*/.*)?-detail",
        queryset=Publication.objects.exclude(complete=False),
        allow_null=True,
    )
    checkpoint = serializers.BooleanField(
        default=False, help_text="Whether this distribution serves checkpoint publications."
    )

    def get_registry_url(self, distribution: CondaDistribution) -> str:
        """Return the URL of the channel; without `CONTENT_ORIGIN` it has no host."""
        channel = distribution.channel
        origin = (settings.CONTENT_ORIGIN or "").rstrip("/")
        return f"{origin}/api/packages/{channel.owner}/conda/{channel.name}"

    def validate_base_path(self, path: str) -> str:
        """Return the path as it is stored; refuse a path that no registry URL can have."""
        channel = checked_channel(path)
        if self.instance is not None:
            check_same_owner(self.instance.owner, channel.owner)
        return super().validate_base_path(channel.base_path)

    def create(self, validated_data: dict[str, Any]) -> CondaDistribution:
        """Create a channel with the visibility that its owner sets for new ones."""
        owner = CondaOwner.objects.get_or_create_named(
            CondaDistribution(base_path=validated_data["base_path"]).channel.owner
        )
        guard = CondaContentGuard.objects.of_new_channels(owner)
        return super().create({"content_guard": guard, **validated_data, "owner": owner})

    def to_representation(self, instance: CondaDistribution) -> dict[str, Any]:
        """Return the fields, with slashes in the channel's path."""
        shown = super().to_representation(instance)
        for field in {"base_path", "base_url"} & shown.keys():  # ?fields= may leave them out
            shown[field] = shown[field].replace(
                instance.base_path, shown_base_path(instance.base_path)
            )
        return shown

    class Meta:
        model = CondaDistribution
        fields = (
            *DistributionSerializer.Meta.fields,
            "owner",
            "registry_url",
            "publication",
            "checkpoint",
        )
