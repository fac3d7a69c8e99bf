"""Serializer of notices."""

from typing import Any

from django.db import transaction
from pulpcore.plugin.serializers import DetailRelatedField, IdentityField, ModelSerializer
from pulpcore.plugin.util import get_domain_pk
from rest_framework import serializers

from pulp_conda.app.channels.reading.notices import has_room_for
from pulp_conda.app.models import CondaDistribution, CondaNotice
from pulp_conda.formats.notices import LEVELS, MAX_BYTES
from pulp_conda.formats.plain_text import is_plain_in_lines

_TOO_MUCH = f"With it the channel's notices would exceed the {MAX_BYTES} bytes that clients read."


class CondaNoticeSerializer(ModelSerializer):
    """A message to the users of a channel."""

    pulp_href = IdentityField(view_name="conda/notices-detail")
    distribution = DetailRelatedField(
        view_name_pattern=r"distributions(-.*/.*)?-detail",
        queryset=CondaDistribution.objects.all(),
        help_text="The channel's URL; it cannot be changed later.",
    )
    message = serializers.CharField(
        help_text="The text that clients print. It may have line breaks."
    )
    level = serializers.ChoiceField(
        choices=LEVELS, default="info", help_text="How clients mark it: info, warning, critical."
    )
    created_at = serializers.DateTimeField(
        required=False, help_text="The time that clients print with it; by default now."
    )
    expires_at = serializers.DateTimeField(
        required=False,
        allow_null=True,
        help_text="When it ceases to be served; null if only its deletion ends it.",
    )

    def validate_distribution(self, value: CondaDistribution) -> CondaDistribution:
        """Refuse a distribution of another domain, and a move to another channel."""
        if value.pulp_domain_id != get_domain_pk():
            raise serializers.ValidationError("There is no such distribution in this domain.")
        if self.instance is not None and self.instance.distribution_id != value.pk:
            raise serializers.ValidationError("A notice cannot be moved to another channel.")
        return value

    def validate_message(self, value: str) -> str:
        """Refuse characters that control a terminal or change the direction of text."""
        if not is_plain_in_lines(value):
            raise serializers.ValidationError(
                "The message must not contain characters that control a terminal or change the "
                "direction of text."
            )
        return value

    def create(self, validated_data: dict[str, Any]) -> CondaNotice:
        """Save a notice if the channel's notices stay small enough."""
        return self._saved(CondaNotice(**validated_data))

    def update(self, instance: CondaNotice, validated_data: dict[str, Any]) -> CondaNotice:
        """Change a notice if the channel's notices stay small enough."""
        for field, value in validated_data.items():
            setattr(instance, field, value)
        return self._saved(instance)

    def _saved(self, notice: CondaNotice) -> CondaNotice:
        with transaction.atomic():
            locked = CondaDistribution.objects.select_for_update()
            if not locked.filter(pk=notice.distribution_id).exists():
                raise serializers.ValidationError({"distribution": ["It was deleted."]})
            if not has_room_for(notice):
                raise serializers.ValidationError({"message": [_TOO_MUCH]})
            notice.save()
        return notice

    class Meta:
        model = CondaNotice
        fields = (
            *ModelSerializer.Meta.fields,
            "distribution",
            "message",
            "level",
            "created_at",
            "expires_at",
        )
