"""A package on its way into a channel."""

from django.db import models
from pulpcore.plugin.models import BaseModel

from .package import CondaPackage
from .repository import CondaRepository


class PendingUpload(BaseModel):
    """A client waits for this package to become part of a channel.

    Whoever next holds the channel takes all of them into one version and writes each one's
    outcome; the client's request reads it and deletes the row. One that is past `expires` has
    nobody waiting any more.
    """

    class Outcome(models.TextChoices):
        """How an upload ended."""

        ADDED = "added", "The channel's index names the package now."
        EXISTS = "exists", "The channel already had a file of that name."

    repository = models.ForeignKey(CondaRepository, on_delete=models.CASCADE)
    package = models.ForeignKey(CondaPackage, on_delete=models.CASCADE)
    expires = models.DateTimeField()
    outcome = models.TextField(null=True, choices=Outcome.choices)

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
