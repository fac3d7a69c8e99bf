"""Serializer of requests to sync a channel."""

from typing import Any

from pulpcore.plugin.serializers import ValidateFieldsMixin
from rest_framework import serializers

from pulp_conda.app.models import SYNC_MODES

from .references import RemoteField


class RepositorySyncSerializer(ValidateFieldsMixin, serializers.Serializer[Any]):
    """A request to bring a channel to the state of an upstream."""

    remote = RemoteField(
        required=False, help_text="The remote to sync from; by default the repository's own."
    )
    mode = serializers.ChoiceField(
        choices=SYNC_MODES,
        required=False,
        help_text=(
            "Whether the channel keeps packages that the upstream does not have (additive), or has "
            "the packages of the upstream and no others (mirror). By default the `sync_mode` of "
            "the repository."
        ),
    )
    optimize = serializers.BooleanField(
        default=True,
        help_text=(
            "Whether to look only at what changed upstream since the last sync. Without it "
            "everything is read and compared again."
        ),
    )
    force = serializers.BooleanField(
        default=False,
        help_text=(
            "Whether to accept that a subdir shrinks by more than the remote's `max_shrink`, is "
            "empty now, or is older than at the last sync."
        ),
    )
    dry_run = serializers.BooleanField(
        default=False,
        help_text="Whether to report only what a sync would add, remove and replace.",
    )


class SyncUnderWaySerializer(serializers.Serializer[Any]):
    """The answer to a request for a sync while another one waits or runs."""

    detail = serializers.CharField(help_text="That a sync waits or runs.")
    task = serializers.CharField(help_text="The href of its task.")
