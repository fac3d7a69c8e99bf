"""The REST face of access tokens."""

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
    """The name of an owner, or of a channel with its owner's."""

    def to_internal_value(self, data: Any) -> str:
        """Return the name.

        Raises:
            ValidationError: no owner, or no channel, can have it.
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
        child=_OwnerOrChannelField(),
        default=list,
        help_text='Owners ("acme") and channels ("acme/dev") it is good for; empty for all.',
    )
    expires = serializers.DateTimeField(
        required=False,
        allow_null=True,
        help_text=(
            "When the token ceases to be good; null: as late as the server allows, which sets no "
            "limit unless CONDA_TOKEN_MAX_SECONDS does."
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
    """A token just made: the only time that the token itself is shown."""

    token = serializers.CharField(
        read_only=True, help_text="The token; it is not kept and cannot be shown again."
    )

    def validate_expires(self, value: datetime | None) -> datetime | None:
        """Refuse a token that could never be used, or that outlives what the server allows."""
        if value is not None and value <= now():
            raise serializers.ValidationError("This time has passed.")
        longest = longest_life()
        if value is not None and longest is not None and value > now() + longest:
            raise serializers.ValidationError(f"A token lasts {longest} at most.")
        return value

    def create(self, validated_data: dict[str, Any]) -> AccessToken:
        """Save a token of the user who asks; those of theirs that have expired make room."""
        user = self.context["request"].user
        longest = longest_life()
        if longest is not None and validated_data.get("expires") is None:
            validated_data["expires"] = now() + longest
        secret = new_token()
        with transaction.atomic():
            # Of two requests at once, the second has to see what the first one made.
            if not get_user_model().objects.select_for_update().filter(pk=user.pk).exists():
                raise PermissionDenied("A token takes a user; you are none of this server's.")
            tokens = AccessToken.objects.filter(user_id=user.pk)
            tokens.filter(expires__lte=now()).delete()
            if tokens.filter(name=validated_data["name"]).exists():
                raise serializers.ValidationError({"name": ["You have a token of this name."]})
            most = settings.CONDA_MAX_USER_TOKENS
            if most and tokens.count() >= most:
                raise serializers.ValidationError(
                    {"name": [f"You have {most} tokens, as many as there may be; revoke one."]}
                )
            token = AccessToken.create(secret, user=user, **validated_data)
        token.token = secret  # type: ignore[attr-defined] # for this answer alone
        return token

    class Meta(AccessTokenSerializer.Meta):
        # Without a name of its own it is one component with its parent, and clients generated
        # from the schema see no `token`.
        ref_name = "conda.NewAccessToken"
        fields = (*AccessTokenSerializer.Meta.fields, "token")  # type: ignore[assignment]
