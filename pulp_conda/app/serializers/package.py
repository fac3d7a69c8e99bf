"""Serializers of packages, and of their upload by Pulp's REST API."""

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
_FIELDS = {
    "sha256": "SHA-256 digest of the file, in hex.",
    "md5": "MD5 digest of the file, in hex.",
    "sha1": "SHA-1 digest of the file, in hex.",
    "size": "Size of the file in bytes.",
    "subdir": "Platform of the package, and the folder of its file in a channel.",
    "filename": "File name of the package: its name, version and build, and the extension.",
    "name": "Name of the package.",
    "version": "Version of the package.",
    "build": "Build string of the package.",
    "build_number": "Build number of the package.",
    "timestamp": "When it was built: milliseconds since the epoch, or seconds for old packages.",
    "extension": "Archive format: conda or tar.bz2.",
    "record_digest": "SHA-256 digest of the record's JSON, and of the run exports of a mirrored "
    "package if they are known.",
    "license": "Licence as the package states it.",
    "traits": "Flags of channeldata.json about scripts and prefixes in the package, and "
    "outside_links if symbolic links lead out of the package.",
}


class CondaPackageSerializer(SingleArtifactContentSerializer):
    """One file of a channel together with its repodata record."""

    relative_path = serializers.CharField(  # type: ignore[assignment]
        read_only=True, help_text="Path of the file below the URL of its channel."
    )
    record = serializers.DictField(
        read_only=True, help_text="The package's record in repodata.json, without patches."
    )
    about = serializers.DictField(
        read_only=True, help_text="Summary, description and links from info/about.json."
    )
    run_exports = serializers.DictField(
        read_only=True,
        allow_null=True,
        help_text=(
            "Requirements that packages built against this one get (CEP 12). Null if unknown: the "
            "package was mirrored from a channel that does not say."
        ),
    )

    class Meta:
        model = CondaPackage
        fields = (
            *SingleArtifactContentSerializer.Meta.fields,
            *_FIELDS,
            "record",
            "about",
            "run_exports",
        )
        read_only_fields = tuple(_FIELDS)
        extra_kwargs = {name: {"help_text": text} for name, text in _FIELDS.items()}


class CondaPackageUploadSerializer(CondaPackageSerializer, SingleArtifactContentUploadSerializer):
    """A package to upload: exactly one of file, upload, artifact and file_url."""

    file_url = serializers.CharField(
        required=False,
        write_only=True,
        help_text=(
            "A URL (http or https, without credentials) that the server fetches the package from. "
            "The setting CONDA_FILE_URL says who may give one."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().__init__(*args, **kwargs)  # parses labels that a form has as text
        except json.JSONDecodeError as error:
            message = f"The labels are not a JSON object: {error}"
            raise serializers.ValidationError({"pulp_labels": message}) from error

    def validate_file_url(self, value: str) -> str:
        """Refuse other URLs than http and https, and URLs with credentials.

        Raises:
            PermissionDenied: the user may not make the server fetch.
        """
        request = self.context.get("request")  # there is none in the task
        if request is not None and not _may_fetch(request.user):
            raise PermissionDenied("You may not make the server fetch a package from a URL.")
        if not _FILE_URL.fullmatch(value):
            raise serializers.ValidationError("It must be an http or https URL without credentials")
        return value

    def download(
        self, url: str, expected_digests: object = None, expected_size: object = None
    ) -> PulpTemporaryUploadedFile:
        """Return the file at a URL; pulpcore's method would connect to any address.

        Raises:
            FetchError: the URL cannot be fetched, or is not allowed.
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
        """Return the artifact of the package by its path."""
        return {validated_data.pop("relative_path"): validated_data.pop("artifact")}

    def retrieve(self, validated_data: dict[str, Any]) -> CondaPackage | None:
        """Return the package if it exists already. Uploading it again is not an error."""
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
                # downloader_config would let users set the proxy and headers of the server.
                if field not in (*CondaPackageSerializer.Meta.fields, "downloader_config")
            ),
        )


def _may_fetch(user: Any) -> bool:
    allowed = settings.CONDA_FILE_URL
    return allowed == "everybody" or (allowed == "administrators" and user.is_superuser)
