"""A change that waits to become part of a channel's next version."""

from django.db import models

from .package import CondaPackage
from .repository import CondaRepository

UPLOAD = "upload"
"""Kind: add `package`; with `replaces` it may replace a package of the same path."""
REMOVAL = "removal"
"""Kind: remove and withdraw packages.

The payload has two keys. `selection` maps fields to the values of the packages to remove. `newest`
is the number of the channel's latest version when the removal was asked for; packages that a later
version added are not removed.
"""

ADDED = "added"
"""Outcome: the channel's index names the package now."""
EXISTS = "exists"
"""Outcome: the channel already had a file of that name."""
RETIRED = "retired"
"""Outcome: the name belonged to other bytes until recently, and clients may still know these."""
FULL = "full"
"""Outcome: the channel or its owner has no room left."""
REMOVED = "removed"
"""Outcome: the channel's index names none of the packages any more."""


# Not pulpcore's BaseModel, because that looks for roles on a deleted row, which doubles the cost.
class PendingChange(models.Model):
    """A change of a channel that a client waits for.

    The task that holds the channel applies all pending changes in one version, in the order of
    their keys, and writes the outcome of each. The client's request reads the outcome and deletes
    the row. A change is not applied after `expires`, because no request waits for it any more.
    """

    repository = models.ForeignKey(CondaRepository, on_delete=models.CASCADE)
    kind = models.TextField(default=UPLOAD)
    package = models.ForeignKey(CondaPackage, on_delete=models.CASCADE, null=True)
    """The package of an upload; None for other kinds."""
    replaces = models.BooleanField(default=False)
    payload = models.JSONField(default=dict)
    """The arguments of a change of this kind, other than the package."""
    expires = models.DateTimeField()
    outcome = models.TextField(null=True)

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
