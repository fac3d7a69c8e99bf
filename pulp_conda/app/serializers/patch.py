"""Serializer of repodata patches."""

from typing import Any

from pulpcore.plugin.serializers import (
    SingleArtifactContentSerializer,
    SingleContentArtifactField,
)
from rest_framework import serializers

from pulp_conda.app.channels.intake.patch_uploads import is_package
from pulp_conda.app.models import CondaRepodataPatch
from pulp_conda.formats.errors import InvalidSubdir
from pulp_conda.formats.identifiers import check_subdir

_FIELDS = {
    "sha256": "SHA-256 digest of the instructions in their canonical form, in hex.",
    "instructions_version": "Version of the format: 1, or 2 with patches of run exports.",
    "changed": "How many entries change a record.",
    "revoked": "How many file names are marked as revoked.",
    "removed": "How many file names are left out of the index.",
}


class _InstructionsField(SingleContentArtifactField):
    """The artifact of a unit, which is read-only."""

    queryset = None  # type: ignore[assignment]


class CondaRepodataPatchSerializer(SingleArtifactContentSerializer):
    """Instructions that change the records of one subdir in the index of a channel."""

    subdir = serializers.CharField(
        required=False,
        help_text=(
            "The subdir of the channel whose index is patched. It is required with a "
            "patch_instructions.json, and not allowed with a package, which names its subdirs."
        ),
    )
    file = serializers.FileField(
        write_only=True,
        help_text=(
            "A patch_instructions.json, or a conda package with `<subdir>/patch_instructions.json` "
            "for any number of subdirs."
        ),
    )
    artifact = _InstructionsField(
        read_only=True, help_text="The instructions in their canonical form."
    )
    pulp_labels = serializers.DictField(  # type: ignore[assignment]
        child=serializers.CharField(allow_null=True),
        read_only=True,
        help_text="Labels of the unit. They are set by set_label and unset_label.",
    )
    relative_path = serializers.CharField(  # type: ignore[assignment]
        read_only=True, help_text="Name of the file in a package of patches."
    )

    def validate_subdir(self, value: str) -> str:
        """Refuse text that is not a subdir."""
        try:
            return check_subdir(value)
        except InvalidSubdir as error:
            raise serializers.ValidationError(str(error)) from error

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        """Require a subdir if the file is not a package, and refuse it if it is one."""
        data = super().validate(data)
        package = is_package(data["file"])
        if package and "subdir" in data:
            raise serializers.ValidationError(
                {"subdir": "it is not allowed with a package, which names its subdirs itself"}
            )
        if not package and "subdir" not in data:
            raise serializers.ValidationError(
                {"subdir": "it is required, unless the file is a .conda or .tar.bz2 package"}
            )
        return data

    class Meta:
        model = CondaRepodataPatch
        fields = (
            *(
                field
                for field in SingleArtifactContentSerializer.Meta.fields
                if field != "overwrite"
            ),
            "file",
            "subdir",
            *_FIELDS,
        )
        read_only_fields = tuple(_FIELDS)
        extra_kwargs = {name: {"help_text": text} for name, text in _FIELDS.items()}
