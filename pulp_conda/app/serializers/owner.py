"""The REST face of owners."""

from pulpcore.plugin.serializers import IdentityField, ModelSerializer
from pulpcore.plugin.util import get_domain_pk
from rest_framework import serializers

from pulp_conda.app.models import CondaOwner
from pulp_conda.formats.errors import InvalidIdentifier
from pulp_conda.formats.identifiers import check_owner


class CondaOwnerSerializer(ModelSerializer):
    """An organisation that owns channels."""

    pulp_href = IdentityField(view_name="conda/owners-detail")
    name = serializers.CharField(help_text="The name as it stands in the URLs of the channels.")
    description = serializers.CharField(
        required=False, allow_null=True, help_text="Who or what the owner is."
    )

    def validate_name(self, value: str) -> str:
        """Refuse what no URL can have, and a name that is taken."""
        try:
            check_owner(value)
        except InvalidIdentifier as error:
            raise serializers.ValidationError(str(error)) from error
        taken = CondaOwner.objects.filter(name=value, pulp_domain_id=get_domain_pk())
        if taken.exclude(pk=getattr(self.instance, "pk", None)).exists():
            raise serializers.ValidationError("There is an owner of this name.")
        return value

    class Meta:
        model = CondaOwner
        fields = (*ModelSerializer.Meta.fields, "name", "description")
