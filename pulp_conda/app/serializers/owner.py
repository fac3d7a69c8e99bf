"""Serializer of owners."""

from typing import Any

from django.db import IntegrityError, transaction
from pulpcore.plugin.serializers import IdentityField, ModelSerializer
from rest_framework import serializers

from pulp_conda.app.models import VISIBILITIES, CondaOwner, namesake
from pulp_conda.formats.errors import InvalidIdentifier
from pulp_conda.formats.identifiers import check_owner

_TAKEN = "There is an owner of this name already."


class CondaOwnerSerializer(ModelSerializer):
    """The namespace of an organisation or a user, in which channels are created."""

    pulp_href = IdentityField(view_name="conda/owners-detail")
    name = serializers.CharField(
        help_text="The name, which is part of the URLs of the channels. It never changes."
    )
    user = serializers.CharField(
        source="user.username",
        read_only=True,
        default=None,
        help_text="The user whose own namespace this is; null for an organisation.",
    )
    visibility = serializers.ChoiceField(
        choices=VISIBILITIES,
        required=False,
        help_text=(
            "Who may read the channels that are created from now on: public (everybody), internal "
            "(every signed-in user) or private (those with a role on the channel or its owner). "
            "Channels that exist keep their content guard."
        ),
    )
    description = serializers.CharField(
        required=False, allow_null=True, help_text="Who or what the owner is."
    )

    def validate_name(self, value: str) -> str:
        """Refuse a name that no URL can have or that is taken in any case, and a change of name."""
        if self.instance is not None:
            if value != self.instance.name:
                raise serializers.ValidationError("The name of an owner never changes.")
            return value
        try:
            check_owner(value)
        except InvalidIdentifier as error:
            raise serializers.ValidationError(str(error)) from error
        if CondaOwner.objects.named(value) is not None:
            raise serializers.ValidationError(_TAKEN)
        return value

    def create(self, validated_data: dict[str, Any]) -> CondaOwner:
        """Create an organisation's namespace, or the user's own if it has their name.

        Raises:
            ValidationError: another request has created an owner of this name.
        """
        user = self.context["request"].user
        try:
            with transaction.atomic():
                if namesake(validated_data["name"]) == user:
                    return CondaOwner.objects.create_own(user, **validated_data)
                owner: CondaOwner = super().create(validated_data)
                return owner
        except IntegrityError as error:
            raise serializers.ValidationError({"name": [_TAKEN]}) from error

    class Meta:
        model = CondaOwner
        fields = (*ModelSerializer.Meta.fields, "name", "user", "visibility", "description")
