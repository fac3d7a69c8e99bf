"""References to objects that the user of a request may see."""

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Q, QuerySet
from pulpcore.plugin.serializers import DetailRelatedField
from pulpcore.plugin.util import get_domain_pk

from pulp_conda.app.models import CondaRemote, readable_remotes


class RemoteField(DetailRelatedField):
    """A reference to a remote that the user may see, or that the object refers to already.

    Others are refused as if they did not exist. In a task there is no request, and the reference
    was checked before.
    """

    def __init__(self, **options: object) -> None:
        super().__init__(
            view_name_pattern=r"remotes(-.*/.*)-detail",
            queryset=CondaRemote.objects.all(),
            **options,
        )

    def get_queryset(self) -> QuerySet[CondaRemote]:
        """Return the remotes that may be referred to."""
        remotes = CondaRemote.objects.filter(pulp_domain_id=get_domain_pk())
        request = self.context.get("request")
        if request is None:
            return remotes
        current = getattr(getattr(self.parent, "instance", None), "remote_id", None)
        return remotes.filter(Q(pk__in=readable_remotes(request.user).values("pk")) | Q(pk=current))

    def to_internal_value(self, data: object) -> CondaRemote:
        """Return the remote.

        Raises:
            ValidationError: there is no such remote that the user may see.
        """
        try:
            return super().to_internal_value(data)
        except ObjectDoesNotExist:  # by a PRN
            self.fail("does_not_exist")
            raise
