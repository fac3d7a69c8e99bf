"""The REST face of access tokens."""

import re
from typing import Any

from django.utils.timezone import now
from pulpcore.plugin.serializers import IdentityField, ModelSerializer
from rest_framework import serializers

from pulp_conda.app.authentication.credentials import new_token
from pulp_conda.app.models import AccessToken
from pulp_conda.app.models.token import SCOPES

_BOUND_TO = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[a-z0-9_.-]+)*")


class AccessTokenSerializer(ModelSerializer):
    """What a client may do in a user's name."""

    pulp_href = IdentityField(view_name="conda/tokens-detail")
    name = serializers.CharField(
        max_length=200, help_text="What the token is for; each of a user's has its own name."
    )
    user = serializers.CharField(
        source="user.username", read_only=True, help_text="The user in whose name it acts."
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=SCOPES),
        default=["read"],
        allow_empty=False,
        help_text="What the token is good for: read, write (upload), delete.",
    )
    bound_to = serializers.ListField(
        child=serializers.RegexField(_BOUND_TO, max_length=200),
        default=list,
        help_text='Owners ("acme") and channels ("acme/dev") it is good for; empty for all.',
    )
    expires = serializers.DateTimeField(
        required=False, allow_null=True, help_text="When the token ceases to be good; null: never."
    )
    last_used = serializers.DateTimeField(
        read_only=True, help_text="When it was last used, exact to a minute."
    )

    def validate_expires(self, value: Any) -> Any:
        """Refuse a token that could never be used."""
        if value is not None and value <= now():
            raise serializers.ValidationError("This time has passed.")
        return value

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
    """A token just made: the only time that the token itself is shown."""

    token = serializers.CharField(
        read_only=True, help_text="The token; it is not kept and cannot be shown again."
    )

    def validate_name(self, value: str) -> str:
        """Refuse a name that another token of the user has."""
        user = self.context["request"].user
        if AccessToken.objects.filter(user_id=user.pk, name=value).exists():
            raise serializers.ValidationError("You have a token of this name.")
        return value

    def create(self, validated_data: dict[str, Any]) -> AccessToken:
        """Save a token of the user who asks."""
        secret = new_token()
        token = AccessToken.create(secret, user=self.context["request"].user, **validated_data)
        token.token = secret
        return token

    class Meta(AccessTokenSerializer.Meta):
        fields = (*AccessTokenSerializer.Meta.fields, "token")
