"""A fetch of one file from an upstream: who does it, and why nobody may ask for it again yet."""

from django.db import models

from .remote import CondaRemote

FETCHING = "fetching"
ABSENT = "absent"
"""The upstream does not have the file, although its index named it."""
REFUSED = "refused"
"""The upstream asks for other credentials."""
UNAVAILABLE = "unavailable"
"""The upstream did not answer, or not with the file."""
BUSY = "busy"
"""The upstream asks for a pause. Until `retry_at`, no file of the remote is asked for."""
WRONG = "wrong"
"""The upstream sent other bytes than its index named."""


class UpstreamFile(models.Model):
    """The lease of the process that fetches a file, or the reason why nobody does.

    The row is deleted when the file is here. The lease of a process that died runs out.
    """

    id = models.BigAutoField(primary_key=True)  # an attempt that finds a row takes a number too
    remote = models.ForeignKey(CondaRemote, on_delete=models.CASCADE)
    path = models.CharField(max_length=244)
    """Subdir and file name."""
    digest = models.CharField(max_length=64)
    """SHA-256 or MD5 of the record: files of one path may differ between versions."""
    holder = models.UUIDField()
    """Names the fetch that has the lease."""
    lease_until = models.DateTimeField()
    spool = models.CharField(max_length=36)
    """The name of the file with the bytes that are here, in the working directory of the holder's
    host. Empty if there is none."""
    validator = models.TextField(default="")
    """The upstream's ETag or date of the file, for a request that goes on with it."""
    status = models.CharField(max_length=11, default=FETCHING)
    retry_at = models.DateTimeField(null=True)
    """When the file may be asked for again, after a failure."""

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        unique_together = ("remote", "path", "digest")
