"""A file that was taken out of a channel in so many words, so that its URL is 404 at once."""

from django.db import models

from .repository import CondaRepository


class Withdrawal(models.Model):
    """Nobody is to be served a file any more by an index that the channel had before.

    It is about what came to bear the path with the numbered version or an earlier one: the file
    may be uploaded again, or come back by a rollback, and is served then. Kept for ever, as a
    distribution may be moved back to an old index at any time.
    """

    id = models.BigAutoField(primary_key=True)
    repository = models.ForeignKey(CondaRepository, on_delete=models.CASCADE)
    subdir = models.CharField(max_length=32)
    filename = models.CharField(max_length=211)
    version = models.IntegerField()
    """Number of the newest version whose files are meant."""

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        unique_together = ("repository", "subdir", "filename")
