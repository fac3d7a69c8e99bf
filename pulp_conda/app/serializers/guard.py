"""Serializer of the content guard of private channels."""

from pulpcore.plugin.serializers import ContentGuardSerializer
from rest_framework import serializers

from pulp_conda.app.models import CondaContentGuard


class CondaContentGuardSerializer(ContentGuardSerializer):
    """Lets users read a channel if a role on it or on its owner gives them the right."""

    hidden = serializers.BooleanField(
        default=False,
        help_text="Whether users who may not read a channel are told that there is none (404).",
    )

    internal = serializers.BooleanField(
        default=False, help_text="Whether every signed-in user may read the channels."
    )

    class Meta:
        model = CondaContentGuard
        fields = (*ContentGuardSerializer.Meta.fields, "hidden", "internal")
