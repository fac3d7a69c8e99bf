"""What a channel took from a remote: the state from which the next sync goes on."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property

import msgspec
from django.db import models
from django.db.models import Exists, OuterRef, Q
from pulpcore.plugin.models import RemoteArtifact, RepositoryContent

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
    """Of the document's bytes. Without it and the two above, the whole document is read again."""
    created = models.DateTimeField(null=True)
    """When the upstream made the document, if it says so."""
    files_url = models.TextField()
    """The URL of the folder with the package files. It ends with a slash and holds no secret."""
    digests = models.BinaryField()
    """By name, a digest of its records: msgpack."""
    options = models.CharField(max_length=64)
    """A digest of the options that decide what is taken from the document."""
    exports_document = models.TextField(default="")
    """The name of the run exports beside the document. Empty if the upstream has none."""
    exports_etag = models.TextField(default="")
    exports_sha256 = models.CharField(max_length=64, default="")
    checked = models.DateTimeField()
    """When the upstream last answered that this is its newest document."""

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        unique_together = ("repository", "remote", "subdir")

    @cached_property
    def names(self) -> dict[str, bytes]:
        """The digest of each name's records."""
        return msgspec.msgpack.decode(self.digests, type=dict[str, bytes])

    def forget(self, names: AbstractSet[str]) -> None:
        """Let the next sync compare names again, although the document may be the same then."""
        if not names:
            return
        kept = {name: digest for name, digest in self.names.items() if name not in names}
        self.digests = self.packed(kept)
        self.etag = self.last_modified = self.sha256 = ""

    @staticmethod
    def packed(names: Mapping[str, bytes]) -> bytes:
        """Return digests by name as they are stored."""
        return msgspec.msgpack.encode(names)


def can_be_fetched() -> Q:
    """Return the condition that an upstream is known to have the file of a package.

    The content app finds it in the same places (`content/fetch/origins`).
    """
    holders = RepositoryContent.objects.filter(content_id=OuterRef(OuterRef("pk")))
    synced = SyncedSubdir.objects.filter(
        subdir=OuterRef("subdir"), repository_id__in=holders.values("repository_id")
    )
    known = RemoteArtifact.objects.filter(
        content_artifact__content_id=OuterRef("pk"), remote__conda_condaremote__isnull=False
    )
    return Q(Exists(synced)) | Q(Exists(known))
