"""The REST face of the guard of private channels."""

from pulpcore.plugin.serializers import ContentGuardSerializer
from rest_framework import serializers

from pulp_conda.app.models import CondaContentGuard


class CondaContentGuardSerializer(ContentGuardSerializer):
    """Lets those read a channel who have the right to, by role on it or on its owner."""

    hidden = serializers.BooleanField(
        default=False,
        help_text="Whether those who may not read a channel are told that there is none (404).",
    )

    internal = serializers.BooleanField(
        default=False, help_text="Whether every signed-in user may read the channels."
    )

    class Meta:
        model = CondaContentGuard
        fields = (*ContentGuardSerializer.Meta.fields, "hidden", "internal")
