"""A package: one file of a channel together with its repodata record."""

from typing import Any, ClassVar

import msgspec
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import QuerySet
from pulpcore.plugin.models import Content, ContentManager, RepositoryVersion
from pulpcore.plugin.util import get_domain_pk

from .membership import content_of

NEVER = 2**31 - 1
"""A number above that of any version. It stands for "not removed" in comparisons."""


def identity_of(unit: Content) -> dict[str, Any]:
    """Return the fields, with values, by which a content unit is unique among those of its type."""
    (fields,) = type(unit)._meta.unique_together
    columns = {field.name: field.attname for field in type(unit)._meta.concrete_fields}
    return {name: getattr(unit, columns[name]) for name in fields}


class PackageManager(ContentManager):
    """Finds the packages of versions.

    Queries use pulpcore's indexed table of memberships. `RepositoryVersion.get_content` unnests the
    array of content ids, which takes time in proportion to the channel.
    """

    def in_version(self, version: RepositoryVersion) -> QuerySet["CondaPackage"]:
        """Return the packages of a version."""
        return self.filter(content_of(version.repository_id, version.number))


class CondaPackage(Content):
    """A conda package: a file and its record. Neither ever changes.

    A different record for the same file is a different unit with the same artifact. In one version
    of a channel, (`subdir`, `filename`) is unique.
    """

    TYPE = "package"
    PROTECTED_FROM_RECLAIM = False
    repo_key_fields = ("subdir", "filename")  # type: ignore[assignment]

    sha256 = models.CharField(max_length=64, db_index=True)
    md5 = models.CharField(max_length=32)
    sha1 = models.CharField(max_length=40)
    size = models.BigIntegerField()

    subdir = models.CharField(max_length=32)
    filename = models.CharField(max_length=211)
    name = models.CharField(max_length=64)
    version = models.CharField(max_length=64)
    build = models.CharField(max_length=64)
    build_number = models.BigIntegerField()
    timestamp = models.BigIntegerField(null=True)
    """When it was built, as its record says: in milliseconds, or in seconds if it is old."""
    extension = models.CharField(max_length=16)

    # Text and not jsonb, because jsonb rewrites numbers, and the digest is that of these bytes.
    record_json = models.TextField()
    record_digest = models.CharField(max_length=64)
    """Of a mirrored package whose run exports are known, the digest is of these too."""
    run_exports = models.JSONField(default=dict, null=True)
    """None if they are unknown: the package was mirrored, and its upstream does not say."""

    license = models.TextField(default="")
    about = models.JSONField(default=dict)
    traits = ArrayField(models.TextField(), default=list)

    _pulp_domain = models.ForeignKey("core.Domain", default=get_domain_pk, on_delete=models.PROTECT)

    objects: ClassVar[PackageManager] = PackageManager()

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        # In this order of columns the index also finds the units of a path.
        unique_together = ("_pulp_domain", "subdir", "filename", "sha256", "record_digest")
        indexes = [models.Index(fields=["_pulp_domain", "name", "subdir"])]

    @property
    def identity(self) -> dict[str, Any]:
        """The fields, with values, that no other package has."""
        return identity_of(self)

    @property
    def record(self) -> dict[str, Any]:
        """The repodata record of the package, without patches."""
        record: dict[str, Any] = msgspec.json.decode(self.record_json)
        return record

    @property
    def relative_path(self) -> str:
        """The path of the file below its channel's URL."""
        return f"{self.subdir}/{self.filename}"
