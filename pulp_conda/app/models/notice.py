"""Messages from the maintainers of a channel to its users (CEP 6)."""

from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.timezone import now
from pulpcore.plugin.models import BaseModel
from pulpcore.plugin.util import get_domain_pk

from .distribution import CondaDistribution


class NoticeManager(models.Manager["CondaNotice"]):
    """Finds notices."""

    def current(self, distribution_pk: UUID) -> "models.QuerySet[CondaNotice]":
        """Return the notices of a channel that have not expired, oldest first."""
        return self.filter(
            Q(expires_at=None) | Q(expires_at__gt=now()), distribution_id=distribution_pk
        ).order_by("created_at", "pk")


class CondaNotice(BaseModel):
    """A message that clients show to the users of a channel, once or until it expires.

    It belongs to the distribution and not to the repository. `prod` and `dev` may serve the same
    repository, and a message about one need not be true of the other.
    """

    distribution = models.ForeignKey(CondaDistribution, on_delete=models.CASCADE)
    message = models.TextField()
    level = models.CharField(max_length=16, default="info")
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField(null=True)
    pulp_domain = models.ForeignKey("core.Domain", default=get_domain_pk, on_delete=models.PROTECT)

    objects = NoticeManager()

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
