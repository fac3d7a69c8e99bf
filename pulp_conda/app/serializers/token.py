"""Serializers of access tokens."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.timezone import now
from pulpcore.plugin.serializers import IdentityField, ModelSerializer
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied

from pulp_conda.app.authentication.credentials import new_token
from pulp_conda.app.models import AccessToken
from pulp_conda.app.models.token import SCOPES, longest_life
from pulp_conda.formats.errors import InvalidIdentifier
from pulp_conda.formats.identifiers import check_channel, check_owner


class _OwnerOrChannelField(serializers.CharField):
    """The name of an owner, or of an owner and a channel."""

    def to_internal_value(self, data: Any) -> str:
        """Return the name.

        Raises:
            ValidationError: no owner or no channel can have it.
        """
        value: str = super().to_internal_value(data)
        owner, slash, channel = value.partition("/")
        try:
            check_owner(owner)
            if slash:
                check_channel(channel)
        except InvalidIdentifier as error:
            raise serializers.ValidationError(str(error)) from error
        return value


class AccessTokenSerializer(ModelSerializer):
    """A secret that lets a client act for a user, within its scopes."""

    pulp_href = IdentityField(view_name="conda/tokens-detail")
    name = serializers.CharField(
        max_length=200, help_text="The purpose of the token. It is unique among a user's tokens."
    )
    user = serializers.CharField(
        source="user.username", read_only=True, help_text="The user that it stands for."
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=SCOPES),
        default=["read"],
        allow_empty=False,
        help_text="The actions that the token allows: read, write (upload), delete.",
    )
    bound_to = serializers.ListField(
        child=_OwnerOrChannelField(),
        default=list,
        help_text='Owners ("acme") and channels ("acme/dev") that it is valid for; empty for all.',
    )
    expires = serializers.DateTimeField(
        required=False,
        allow_null=True,
        help_text=(
            "When the token expires; null for the latest time that the server allows. There is no "
            "limit unless CONDA_TOKEN_MAX_SECONDS sets one."
        ),
    )
    last_used = serializers.DateTimeField(
        read_only=True, help_text="When it was last used, exact to a minute."
    )

    class Meta:
        model = AccessToken
        fields = (
            *ModelSerializer.Meta.fields,
            "name",
            "user",
            "scopes",
            "bound_to",
            "expires",
            "last_used",
        )


class NewAccessTokenSerializer(AccessTokenSerializer):
    """A new token. This is the only answer that has the token itself."""

    token = serializers.CharField(
        read_only=True, help_text="The token. It is not stored and cannot be shown again."
    )

    def validate_expires(self, value: datetime | None) -> datetime | None:
        """Refuse a time in the past, and one that is later than the server allows."""
        if value is not None and value <= now():
            raise serializers.ValidationError("This time has passed.")
        longest = longest_life()
        if value is not None and longest is not None and value > now() + longest:
            raise serializers.ValidationError(f"A token lasts {longest} at most.")
        return value

    def create(self, validated_data: dict[str, Any]) -> AccessToken:
        """Save a token of the current user; delete their expired tokens first."""
        user = self.context["request"].user
        longest = longest_life()
        if longest is not None and validated_data.get("expires") is None:
            validated_data["expires"] = now() + longest
        secret = new_token()
        with transaction.atomic():
            # The lock makes the second of two concurrent requests see the token of the first.
            if not get_user_model().objects.select_for_update().filter(pk=user.pk).exists():
                raise PermissionDenied("Only users of this server can have tokens.")
            tokens = AccessToken.objects.filter(user_id=user.pk)
            tokens.filter(expires__lte=now()).delete()
            if tokens.filter(name=validated_data["name"]).exists():
                raise serializers.ValidationError({"name": ["You have a token of this name."]})
            most = settings.CONDA_MAX_USER_TOKENS
            if most and tokens.count() >= most:
                raise serializers.ValidationError(
                    {"name": [f"You have {most} tokens, the largest allowed number; revoke one."]}
                )
            token = AccessToken.create(secret, user=user, **validated_data)
        token.token = secret  # type: ignore[attr-defined] # for this answer only
        return token

    class Meta(AccessTokenSerializer.Meta):
        # Without its own name it would share the schema component of its parent, and generated
        # clients would not see `token`.
        ref_name = "conda.NewAccessToken"
        fields = (*AccessTokenSerializer.Meta.fields, "token")  # type: ignore[assignment]
