"""Serializers of requests for checks of a channel."""

from typing import Any

from rest_framework import serializers


class _CheckSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=2**31 - 1,
        help_text="Number of the version to check; by default the newest that can be checked.",
    )


class IndexCheckSerializer(_CheckSerializer):
    """A request to compare an index with the index that the stored packages give."""

    mend = serializers.BooleanField(
        default=False,
        help_text=(
            "Whether to delete damaged documents and, if anything differs, to publish the version "
            "again. Uploads to the channel wait meanwhile."
        ),
    )


class FilesCheckSerializer(_CheckSerializer):
    """A request to check the file of every package."""

    checksums = serializers.BooleanField(
        default=True,
        help_text="Whether to read every file and compare its sha256, and not only its size.",
    )
