"""Files that were removed from a channel on request. Their URLs are 404 at once."""

from django.db import models

from .repository import CondaRepository


class Withdrawal(models.Model):
    """A path whose file is not served any more, although an older index names it.

    It concerns files that version `version`, or an earlier one, added at that path. A file that is
    uploaded there later, or that a rollback brings back, is served. Never deleted, because a
    distribution may be changed to serve an old index at any time.
    """

    id = models.BigAutoField(primary_key=True)
    repository = models.ForeignKey(CondaRepository, on_delete=models.CASCADE)
    subdir = models.CharField(max_length=32)
    filename = models.CharField(max_length=211)
    version = models.IntegerField()
    """Number of the newest version that this concerns."""

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        unique_together = ("repository", "subdir", "filename")
