"""Repodata patches: instructions that change the records in a channel's index."""

from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from django.db.models import QuerySet
from pulpcore.plugin.models import Content, ContentManager, RepositoryVersion
from pulpcore.plugin.util import get_domain_pk

from pulp_conda.formats.index.patches import FILENAME, Instructions

from .membership import content_of
from .package import identity_of


class RepodataPatchManager(ContentManager):
    """Finds the patches of versions."""

    def in_version(self, version: RepositoryVersion) -> QuerySet["CondaRepodataPatch"]:
        """Return the patches of a version, at most one for each subdir."""
        return self.in_numbered(version.repository_id, version.number)

    def in_numbered(self, repository: UUID, number: int) -> QuerySet["CondaRepodataPatch"]:
        """Return the patches of version `number` of a repository; no version has to be loaded."""
        return self.filter(content_of(repository, number))


class CondaRepodataPatch(Content):
    """The patch instructions for one subdir. They never change, and are stored as canonical JSON.

    A version of a channel has at most one for each subdir: a new one replaces the previous one.
    """

    TYPE = "repodata_patch"
    PROTECTED_FROM_RECLAIM = True
    repo_key_fields = ("subdir",)  # type: ignore[assignment]

    subdir = models.CharField(max_length=32)
    sha256 = models.CharField(max_length=64, db_index=True)

    instructions_version = models.IntegerField()
    changed = models.IntegerField()
    revoked = models.IntegerField()
    removed = models.IntegerField()

    _pulp_domain = models.ForeignKey("core.Domain", default=get_domain_pk, on_delete=models.PROTECT)

    objects: ClassVar[RepodataPatchManager] = RepodataPatchManager()

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        unique_together = ("_pulp_domain", "subdir", "sha256")

    @property
    def identity(self) -> dict[str, Any]:
        """The fields, with values, that no other patch has."""
        return identity_of(self)

    @property
    def relative_path(self) -> str:
        """The path of the file in a package of patches, and in other channels."""
        return f"{self.subdir}/{FILENAME}"

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing. An empty patch ends the effect of the previous one."""
        return not (self.changed or self.revoked or self.removed)

    def instructions(self) -> Instructions:
        """Read the instructions from their file."""
        with self._artifacts.get().file.open("rb") as file:
            return Instructions.load(file.read())
