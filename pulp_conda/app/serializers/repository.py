"""The REST face of what a channel holds."""

from pulpcore.plugin.serializers import RepositorySerializer
from rest_framework import serializers

from pulp_conda.app.models import CondaRepository


class CondaRepositorySerializer(RepositorySerializer):
    """What a channel holds, version by version."""

    autopublish = serializers.BooleanField(
        default=True,
        required=False,
        help_text=(
            "Whether every new version is published at once, so that the distributions of this "
            "repository serve it."
        ),
    )
    allow_replacing = serializers.BooleanField(
        default=False,
        required=False,
        help_text=(
            "Whether other bytes may be uploaded under a file name that was removed a short while "
            "ago. Clients and lock files may still hold the hash of what had the name."
        ),
    )

    class Meta:
        model = CondaRepository
        fields = (*RepositorySerializer.Meta.fields, "autopublish", "allow_replacing")
