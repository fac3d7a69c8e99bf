"""A package: one file of a channel together with its repodata record."""

from typing import Any, ClassVar

import msgspec
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q, QuerySet
from pulpcore.plugin.models import Content, ContentManager, RepositoryContent, RepositoryVersion
from pulpcore.plugin.util import get_domain_pk

from .membership import held_by

NEVER = 2**31 - 1
"""Above any version's number: stands for "not removed" in comparisons."""


def identity_of(unit: Content) -> dict[str, Any]:
    """Return the fields and values that tell a content unit from all others of its type."""
    (fields,) = type(unit)._meta.unique_together
    columns = {field.name: field.attname for field in type(unit)._meta.concrete_fields}
    return {name: getattr(unit, columns[name]) for name in fields}


class PackageManager(ContentManager):
    """Finds packages as a channel sees them.

    Membership is asked of pulpcore's indexed relation. The array of content ids that
    `RepositoryVersion.get_content` unnests costs time in proportion to the channel.
    """

    def in_version(self, version: RepositoryVersion) -> QuerySet["CondaPackage"]:
        """Return the packages that a version of a channel holds."""
        return self.filter(held_by(version.repository_id, version.number))

    def changed_since(self, number: int, version: RepositoryVersion) -> QuerySet["CondaPackage"]:
        """Return the packages that a version after the numbered one, up to `version`, changed.

        That may include some that both hold or neither; all in which they differ are among them.
        """
        steps = RepositoryVersion.objects.filter(
            repository_id=version.repository_id, number__gt=number, number__lte=version.number
        )
        # Given one by one PostgreSQL looks them up in the indexes of both columns; as a subquery
        # they make it read every membership there is.
        pks = list(steps.values_list("pk", flat=True))
        memberships = RepositoryContent.objects.filter(
            Q(version_added__in=pks) | Q(version_removed__in=pks)
        )
        return self.filter(pk__in=memberships.values("content_id"))


class CondaPackage(Content):
    """A conda package that never changes: the pair of a file and its record.

    Another record for the same file (a hotfix of its metadata) is another unit that shares the
    artifact. Within one version of a channel (`subdir`, `filename`) is unique.
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
    """When it was built, as its record has it: in milliseconds, or in seconds if it is old."""
    extension = models.CharField(max_length=16)

    # Text and not jsonb: jsonb rewrites numbers, and the digest is that of these very bytes.
    record_json = models.TextField()
    record_digest = models.CharField(max_length=64)
    run_exports = models.JSONField(default=dict)

    license = models.TextField(default="")
    about = models.JSONField(default=dict)
    traits = ArrayField(models.TextField(), default=list)

    _pulp_domain = models.ForeignKey("core.Domain", default=get_domain_pk, on_delete=models.PROTECT)

    objects: ClassVar[PackageManager] = PackageManager()

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        # In this order the index also answers "which unit is this path of a channel".
        unique_together = ("_pulp_domain", "subdir", "filename", "sha256", "record_digest")
        indexes = [models.Index(fields=["_pulp_domain", "name", "subdir"])]

    @property
    def identity(self) -> dict[str, Any]:
        """What no other package has."""
        return identity_of(self)

    @property
    def record(self) -> dict[str, Any]:
        """The repodata record: the object that stands for this package in its channel's index."""
        record: dict[str, Any] = msgspec.json.decode(self.record_json)
        return record

    @property
    def relative_path(self) -> str:
        """Where the file lies below its channel's URL."""
        return f"{self.subdir}/{self.filename}"
