"""What of a channel's index outlives one publication: its shards, and when each file first came."""

from django.db import models

from .repository import CondaRepository


class CondaShard(models.Model):
    """All records of one name in one subdir, as clients fetch them (CEP 16).

    A shard belongs to the channel whose index names it: from the version `added` on, and not any
    more from the version `removed` on. It lies in the database since it is small, there are tens
    of thousands in a large channel, and one publication makes but a few anew.
    """

    id = models.BigAutoField(primary_key=True)
    repository = models.ForeignKey(CondaRepository, on_delete=models.CASCADE)
    subdir = models.CharField(max_length=32)
    name = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    """SHA-256 of `data`, in hex: what clients ask for."""
    data = models.BinaryField()
    """The compressed document."""
    added = models.IntegerField()
    removed = models.IntegerField(null=True)
    superseded = models.DateTimeField(null=True)
    """When the index that names it no more was made."""

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
    """When a channel's index first named a file (CEP 47); never changed, and kept for ever.

    A file that comes back after its removal has its first time again, and what was once named
    and is no more is listed as removed.
    """

    id = models.BigAutoField(primary_key=True)
    # A first index adds a row for each package, and looking the repository up for each takes
    # longer than adding it. Whoever adds rows holds the repository.
    repository = models.ForeignKey(CondaRepository, on_delete=models.CASCADE, db_constraint=False)
    sha256 = models.CharField(max_length=64)
    subdir = models.CharField(max_length=32)
    name = models.CharField(max_length=64)
    filename = models.CharField(max_length=211)
    version = models.IntegerField()
    """Number of the version whose index named it first."""
    timestamp = models.BigIntegerField()
    """Milliseconds since the epoch."""

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        # In this order the index also finds all files of a name, and grows at its end.
        unique_together = ("repository", "subdir", "name", "filename", "sha256")
