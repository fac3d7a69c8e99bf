"""Serializer of repositories, the contents of channels."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from pulpcore.plugin.serializers import RepositorySerializer
from rest_framework import serializers

from pulp_conda.app.models import (
    ADDITIVE,
    MIRROR,
    CondaRepository,
    all_documents,
    default_v3_documents,
    owner_part,
)
from pulp_conda.formats.index.options import OPTIONAL_DOCUMENTS, V3_DOCUMENTS

from .channel_name import check_same_owner, checked_channel
from .references import RemoteField

_SYNC_MODES = (
    (ADDITIVE, "Keep packages that the upstream does not have."),
    (MIRROR, "Remove packages that the upstream does not have."),
)
_SHORTEST_INTERVAL = timedelta(minutes=1)
_LONGEST_INTERVAL = timedelta(days=366)


class CondaRepositorySerializer(RepositorySerializer):
    """The versions of a channel, each with its packages and patches."""

    owner = serializers.CharField(
        source="owner.name",
        read_only=True,
        default=None,
        help_text="The owner of the namespace that it was created in: the first part of its name.",
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
            "Whether uploads cannot replace a file, and cannot use the name of a removed file for "
            "other bytes for CONDA_NAME_RETIREMENT_SECONDS. Clients and lock files may have the "
            "hash of the removed file. Caches may then keep packages for that time."
        ),
    )

    documents = serializers.ListField(
        child=serializers.ChoiceField(choices=OPTIONAL_DOCUMENTS),
        default=all_documents,
        help_text=(
            "Documents that the channel publishes in addition to repodata.json: current_repodata "
            "(conda's classic solver reads it first), run_exports, shards (current clients read "
            "them instead of repodata.json), channeldata (the channel's web page needs it), bz2 "
            "(compressed variants for clients that do not know .zst)."
        ),
    )

    v3_documents = serializers.ListField(
        child=serializers.ChoiceField(choices=V3_DOCUMENTS),
        default=default_v3_documents,
        help_text=(
            "Documents that have the records of packages of schema version 3 (CEP 48): repodata "
            "(repodata.json, where clients that do not know such records ignore them) and shards. "
            "The default is without shards, because conda 26.7 with its default solver installs no "
            "package of a name that has such a record in its shard. Clients that read shards, such "
            "as rattler and pixi, find these packages only in shards."
        ),
    )

    remote = RemoteField(
        required=False,
        allow_null=True,
        help_text="The remote that the channel is synced from, unless a sync names another.",
    )
    sync_mode = serializers.ChoiceField(
        choices=_SYNC_MODES,
        default=ADDITIVE,
        help_text=(
            "What a sync does with packages that the upstream does not have: it keeps them "
            "(additive), or removes them (mirror)."
        ),
    )
    sync_interval = serializers.DurationField(
        required=False,
        allow_null=True,
        min_value=_SHORTEST_INTERVAL,
        max_value=_LONGEST_INTERVAL,
        help_text=(
            "How often the channel is synced from its remote, such as 06:00:00 or 1 00:00:00 (a "
            "day); null for never. At least a minute."
        ),
    )

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        """Refuse to sync periodically without a remote."""
        data = super().validate(data)
        remote = data.get("remote", getattr(self.instance, "remote", None))
        if data.get("sync_interval") and remote is None:
            raise serializers.ValidationError(
                {"sync_interval": ["Only a repository with a remote is synced."]}
            )
        return data

    def validate_v3_documents(self, value: list[str]) -> list[str]:
        """Return each document once, in a fixed order, so that equal choices give equal indexes."""
        return [document for document in V3_DOCUMENTS if document in value]

    def validate_name(self, value: str) -> str:
        """Refuse a name that no channel can have, and a move to another owner."""
        owner = owner_part(value)
        if owner is not None and not settings.DOMAIN_ENABLED:
            channel = checked_channel(value)
            owner, value = channel.owner, channel.path
        if self.instance is not None:
            check_same_owner(self.instance.owner, owner)
        return value

    def validate_documents(self, value: list[str]) -> list[str]:
        """Return each document once, in a fixed order, so that equal choices give equal indexes."""
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
            "sync_mode",
            "sync_interval",
        )
