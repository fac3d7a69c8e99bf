"""A package on its way into a channel."""

from django.db import models

from .package import CondaPackage
from .repository import CondaRepository

ADDED = "added"
"""Outcome: the channel's index names the package now."""
EXISTS = "exists"
"""Outcome: the channel already had a file of that name."""
RETIRED = "retired"
"""Outcome: the name was that of other bytes, which clients may still ask for."""
FULL = "full"
"""Outcome: the channel or its owner has no room left."""


# No BaseModel of pulpcore's: looking for the roles on a row doubles the cost of deleting it.
class PendingUpload(models.Model):
    """A client waits for this package to become part of a channel.

    Whoever next holds the channel takes all of them into one version and writes each one's
    outcome; the client's request reads it and deletes the row. One that is past `expires` has
    nobody waiting any more. With `replaces` it may take the place of a file of the same name.
    """

    repository = models.ForeignKey(CondaRepository, on_delete=models.CASCADE)
    package = models.ForeignKey(CondaPackage, on_delete=models.CASCADE)
    replaces = models.BooleanField(default=False)
    expires = models.DateTimeField()
    outcome = models.TextField(null=True)

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
