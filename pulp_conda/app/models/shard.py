"""The parts of a channel's index that outlive a publication: shards, and times of indexing."""

from django.db import models

from .repository import CondaRepository


class CondaShard(models.Model):
    """All records of one name in one subdir, as clients fetch them (CEP 16).

    The channel's indexes name a shard from version `added` on, up to the one before `removed`.
    Shards are rows and not files, because they are small, a large channel has tens of thousands of
    them, and a publication makes only a few new ones.
    """

    id = models.BigAutoField(primary_key=True)
    repository = models.ForeignKey(CondaRepository, on_delete=models.CASCADE)
    subdir = models.CharField(max_length=32)
    name = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    """SHA-256 of `data`, in hex. It is part of the shard's URL."""
    data = models.BinaryField()
    """The compressed document."""
    added = models.IntegerField()
    removed = models.IntegerField(null=True)
    superseded = models.DateTimeField(null=True)
    """When the first index was made that does not name it any more."""

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        indexes = [
            models.Index(fields=["repository", "digest"]),
            models.Index(fields=["repository", "subdir", "name", "added"]),
            models.Index(
                fields=["repository", "superseded"],
                condition=models.Q(superseded__isnull=False),
                name="conda_shard_superseded",
            ),
        ]


class IndexedFile(models.Model):
    """When a channel's index first named a file (CEP 47). Never changed, and never deleted.

    A file that comes back after its removal gets the same time again. Files that have a row here
    and are not in the channel any more are listed as removed.
    """

    id = models.BigAutoField(primary_key=True)
    # A first index adds a row for each package, and checking the foreign key takes longer than
    # adding the row. It is not needed, because the task that adds rows holds the repository.
    repository = models.ForeignKey(CondaRepository, on_delete=models.CASCADE, db_constraint=False)
    sha256 = models.CharField(max_length=64)
    subdir = models.CharField(max_length=32)
    name = models.CharField(max_length=64)
    filename = models.CharField(max_length=211)
    version = models.IntegerField()
    """Number of the version whose index named the file first."""
    timestamp = models.BigIntegerField()
    """Milliseconds since the epoch."""

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        # In this order of columns the index also finds all files of a name.
        unique_together = ("repository", "subdir", "name", "filename", "sha256")
