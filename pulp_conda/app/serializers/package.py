"""The REST face of packages: reading them, and uploading by Pulp's own means."""

import json
import re
from typing import Any, BinaryIO, cast

from django.conf import settings
from pulpcore.plugin.files import PulpTemporaryUploadedFile
from pulpcore.plugin.models import Artifact
from pulpcore.plugin.serializers import (
    SingleArtifactContentSerializer,
    SingleArtifactContentUploadSerializer,
)
from pulpcore.plugin.util import get_domain_pk
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied

from pulp_conda.app.channels.intake.fetch import fetch
from pulp_conda.app.channels.intake.ingest import read_attributes
from pulp_conda.app.models import CondaPackage
from pulp_conda.formats.archives import sniff
from pulp_conda.formats.errors import InvalidPackage

_FILE_URL = re.compile(r"https?://(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::\d+)?(?:[/?]\S*)?")
_DESCRIBED = {
    "sha256": "SHA-256 digest of the file, in hex.",
    "md5": "MD5 digest of the file, in hex.",
    "sha1": "SHA-1 digest of the file, in hex.",
    "size": "Size of the file in bytes.",
    "subdir": "Platform folder of the channel that the package belongs to.",
    "filename": "The package's file name, made of its name, version and build.",
    "name": "Name of the package.",
    "version": "Version of the package.",
    "build": "Build string of the package.",
    "build_number": "Build number of the package.",
    "timestamp": "When it was built, in milliseconds since the epoch; in seconds if it is old.",
    "extension": "Archive format: conda or tar.bz2.",
    "record_digest": "SHA-256 digest of the record's canonical JSON.",
    "license": "Licence as the package states it.",
    "traits": "What channeldata says of the package's scripts and prefixes, and outside_links "
    "for symbolic links that lead out of the package.",
}


class CondaPackageSerializer(SingleArtifactContentSerializer):
    """One file of a channel together with its repodata record."""

    relative_path = serializers.CharField(  # type: ignore[assignment]
        read_only=True, help_text="Path of the file below the URL of its channel."
    )
    record = serializers.DictField(
        read_only=True, help_text="The object that stands for the package in repodata.json."
    )
    about = serializers.DictField(
        read_only=True, help_text="Summary, description and links out of info/about.json."
    )
    run_exports = serializers.DictField(
        read_only=True, help_text="What the package adds to the requirements of its dependants."
    )

    class Meta:
        model = CondaPackage
        fields = (
            *SingleArtifactContentSerializer.Meta.fields,
            *_DESCRIBED,
            "record",
            "about",
            "run_exports",
        )
        read_only_fields = tuple(_DESCRIBED)
        extra_kwargs = {name: {"help_text": text} for name, text in _DESCRIBED.items()}


class CondaPackageUploadSerializer(CondaPackageSerializer, SingleArtifactContentUploadSerializer):
    """A package to upload: exactly one of file, upload, artifact and file_url."""

    file_url = serializers.CharField(
        required=False,
        write_only=True,
        help_text=(
            "A URL (http or https, without credentials) that the server fetches the package from; "
            "who may give one is a setting (CONDA_FILE_URL)."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().__init__(*args, **kwargs)  # reads labels that a form has as text
        except json.JSONDecodeError as error:
            message = f"The labels are no JSON object: {error}"
            raise serializers.ValidationError({"pulp_labels": message}) from error

    def validate_file_url(self, value: str) -> str:
        """Refuse what is no URL to fetch from, and whoever may not have the server fetch.

        Raises:
            PermissionDenied: the user may not.
        """
        request = self.context.get("request")  # there is none in the task
        if request is not None and not _may_have_fetched(request.user):
            raise PermissionDenied("You may not have the server fetch a package from a URL.")
        if not _FILE_URL.fullmatch(value):
            raise serializers.ValidationError("An http or https URL without credentials is wanted.")
        return value

    def download(
        self, url: str, expected_digests: object = None, expected_size: object = None
    ) -> PulpTemporaryUploadedFile:
        """Return what a URL answers; pulpcore's way would connect to anything.

        Raises:
            FetchError: it cannot be had.
        """
        return PulpTemporaryUploadedFile.from_file(fetch(url))

    def deferred_validate(self, data: dict[str, Any]) -> dict[str, Any]:
        """Validate the archive and read the unit's fields from it; runs in the task."""
        data = super().deferred_validate(data)
        artifact: Artifact = data["artifact"]
        try:
            with artifact.file.open("rb") as opened:
                file = cast("BinaryIO", opened)
                attributes = read_attributes(
                    file, sniff(file), sha256=str(artifact.sha256), size=artifact.size
                )
        except InvalidPackage as error:
            raise serializers.ValidationError({"file": f"{error} ({error.code})"}) from error
        data.update(attributes)
        data["relative_path"] = f"{attributes['subdir']}/{attributes['filename']}"
        return data

    def get_artifacts(self, validated_data: dict[str, Any]) -> dict[str, Artifact]:
        """Return the one file of the package by its path."""
        return {validated_data.pop("relative_path"): validated_data.pop("artifact")}

    def retrieve(self, validated_data: dict[str, Any]) -> CondaPackage | None:
        """Return the package if it was uploaded before: uploading it again is no error."""
        identity = ("subdir", "filename", "sha256", "record_digest")
        return CondaPackage.objects.filter(
            **{field: validated_data[field] for field in identity}, _pulp_domain=get_domain_pk()
        ).first()

    class Meta(CondaPackageSerializer.Meta):
        fields = (
            *CondaPackageSerializer.Meta.fields,
            *(
                field
                for field in SingleArtifactContentUploadSerializer.Meta.fields
                # downloader_config would say which proxy and headers the server uses.
                if field not in (*CondaPackageSerializer.Meta.fields, "downloader_config")
            ),
        )


def _may_have_fetched(user: Any) -> bool:
    allowed = settings.CONDA_FILE_URL
    return allowed == "everybody" or (allowed == "administrators" and user.is_superuser)
