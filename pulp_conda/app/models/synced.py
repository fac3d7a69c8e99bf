"""What a channel took from a remote: the state from which the next sync goes on."""

from django.db import models

from .remote import CondaRemote
from .repository import CondaRepository


class SyncedSubdir(models.Model):
    """The document of an upstream subdir that the last sync of a repository has read whole.

    A package of the repository that has no file yet is fetched from `files_url` and its file name.
    """

    repository = models.ForeignKey(CondaRepository, on_delete=models.CASCADE)
    remote = models.ForeignKey(CondaRemote, on_delete=models.CASCADE)
    subdir = models.CharField(max_length=32)
    version = models.IntegerField()
    """The number of the repository's version that has what the document named."""
    document = models.TextField()
    """The name of the document: the shard index, or a variant of `repodata.json`."""
    shards_refused = models.DateTimeField(null=True)
    """When the upstream's shards were absent or wrong. They are tried again after a while."""
    etag = models.TextField(default="")
    last_modified = models.TextField(default="")
    sha256 = models.CharField(max_length=64)
    """Of the document's bytes."""
    created = models.DateTimeField(null=True)
    """When the upstream made the document, if it says so."""
    files_url = models.TextField()
    """The URL of the folder with the package files. It ends with a slash and holds no secret."""
    digests = models.BinaryField()
    """By name, a digest of its records: msgpack in zstd."""
    options = models.CharField(max_length=64)
    """A digest of the options that decide what is taken from the document."""
    checked = models.DateTimeField()
    """When the upstream last answered that this is its newest document."""

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        unique_together = ("repository", "remote", "subdir")
