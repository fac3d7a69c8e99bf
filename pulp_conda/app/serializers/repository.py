"""The REST face of what a channel holds."""

from django.conf import settings
from pulpcore.plugin.serializers import RepositorySerializer
from rest_framework import serializers

from pulp_conda.app.models import CondaRepository, all_documents, default_v3_documents, owner_part
from pulp_conda.formats.index.options import OPTIONAL_DOCUMENTS, V3_DOCUMENTS

from .channel_name import check_same_owner, checked_channel


class CondaRepositorySerializer(RepositorySerializer):
    """What a channel holds, version by version."""

    owner = serializers.CharField(
        source="owner.name",
        read_only=True,
        default=None,
        help_text="The owner in whose namespace it was created: the first part of its name.",
    )
    autopublish = serializers.BooleanField(
        default=True,
        required=False,
        help_text=(
            "Whether every new version is published at once, so that the distributions of this "
            "repository serve it."
        ),
    )
    immutable_names = serializers.BooleanField(
        default=False,
        required=False,
        help_text=(
            "Whether the name of a removed file is closed to uploads of other bytes for "
            "CONDA_NAME_RETIREMENT_SECONDS, and no upload replaces a file: clients and lock files "
            "may hold the hash of what had the name. Caches may then keep packages that long."
        ),
    )

    documents = serializers.ListField(
        child=serializers.ChoiceField(choices=OPTIONAL_DOCUMENTS),
        default=all_documents,
        help_text=(
            "What the channel publishes beside repodata.json: current_repodata (conda's classic "
            "solver asks for it first), run_exports, shards (current clients fetch them in place "
            "of repodata.json), channeldata (and with it the channel's page for people), bz2 "
            "(twins for clients older than .zst)."
        ),
    )

    v3_documents = serializers.ListField(
        child=serializers.ChoiceField(choices=V3_DOCUMENTS),
        default=default_v3_documents,
        help_text=(
            "Which documents hold the records of packages of schema version 3 (CEP 48): repodata "
            "(repodata.json, where clients that do not know them see nothing of them) and shards. "
            "Not in shards by default: conda 26.7 with its default solver installs nothing of a "
            "name that has such a record in its shard. Clients that use shards, as rattler and "
            "pixi do, find those packages only with shards."
        ),
    )

    def validate_v3_documents(self, value: list[str]) -> list[str]:
        """Return each document once, in one order: equal choices make equal indexes."""
        return [document for document in V3_DOCUMENTS if document in value]

    def validate_name(self, value: str) -> str:
        """Refuse what no channel's name can be, and a move to another owner."""
        owner = owner_part(value)
        if owner is not None and not settings.DOMAIN_ENABLED:
            channel = checked_channel(value)
            owner, value = channel.owner, channel.path
        if self.instance is not None:
            check_same_owner(self.instance.owner, owner)
        return value

    def validate_documents(self, value: list[str]) -> list[str]:
        """Return each document once, in one order: equal choices make equal indexes."""
        return [document for document in OPTIONAL_DOCUMENTS if document in value]

    class Meta:
        model = CondaRepository
        fields = (
            *RepositorySerializer.Meta.fields,
            "owner",
            "autopublish",
            "immutable_names",
            "documents",
            "v3_documents",
        )
