"""A channel's repository: the versions of what it holds."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Count
from django.dispatch import Signal
from django_lifecycle import BEFORE_CREATE, hook
from pulpcore.plugin.models import AutoAddObjPermsMixin, Repository, RepositoryVersion
from pulpcore.plugin.repo_version_utils import remove_duplicates

from pulp_conda.app.exceptions import DuplicatePackageError
from pulp_conda.app.failpoints import failpoint
from pulp_conda.formats.index.options import OPTIONAL_DOCUMENTS

from .channel_name import owner_part
from .owner import CondaOwner
from .package import CondaPackage
from .patch import CondaRepodataPatch

version_created = Signal()
"""Sent with `version` when a version is complete; a receiver that raises undoes the version."""


versions_exceeded = Signal()
"""Sent with `repository` when it has more versions than it retains."""

_PACKAGES_PER_VERSION = 10_000
"""How large a channel is whose clean-up waits for one version more."""


def all_documents() -> list[str]:
    """Return what a channel publishes unless it is told otherwise: all there is."""
    return list(OPTIONAL_DOCUMENTS)


def default_v3_documents() -> list[str]:
    """Return where records of schema version 3 are unless a channel is told otherwise.

    Not in shards: solvers that read `v3` there without knowing CEP 48 fail for the whole name.
    """
    return ["repodata"]


class CondaRepository(Repository, AutoAddObjPermsMixin):
    """What a channel holds, version by version.

    `owner` is the owner in whose namespace it was created, and never changes; None for one that
    was created over REST with a name outside of any namespace.
    """

    TYPE = "conda"  # type: ignore[assignment]
    CONTENT_TYPES: list[type[CondaPackage] | type[CondaRepodataPatch]] = [
        CondaPackage,
        CondaRepodataPatch,
    ]

    owner = models.ForeignKey(CondaOwner, null=True, on_delete=models.PROTECT)
    autopublish = models.BooleanField(default=True)
    immutable_names = models.BooleanField(default=False)
    """Whether a removed file's name is closed to other bytes for a while."""
    documents = ArrayField(models.TextField(), default=all_documents)
    """Which of `OPTIONAL_DOCUMENTS` the channel publishes beside `repodata.json`."""
    v3_documents = ArrayField(models.TextField(), default=default_v3_documents)
    """Which of `V3_DOCUMENTS` hold the records of schema version 3."""

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        permissions = [
            ("modify_condarepository", "Can modify content of the repository"),
            ("upload_condarepository", "Can upload packages to the channel"),
            ("manage_roles_condarepository", "Can manage role assignments on conda repositories"),
            ("repair_condarepository", "Can repair repository versions"),
        ]

    @hook(BEFORE_CREATE)  # type: ignore[untyped-decorator]
    def _store_owner(self) -> None:
        """Store whose namespace the name is in."""
        if self.owner_id is None and (owner := owner_part(self.name)):
            self.owner = CondaOwner.objects.get_or_create_named(owner)

    def finalize_new_version(self, new_version: RepositoryVersion) -> None:
        """Let what the version adds take the place of what bears the same path.

        Looks only at the additions, so the cost does not grow with the channel.

        Raises:
            DuplicatePackageError: two of the added units claim one path.
        """
        failpoint("version filled")
        remove_duplicates(new_version)
        for model in self.CONTENT_TYPES:
            clash = (
                model.objects.filter(pk__in=new_version.added())
                .values(*model.repo_key_fields)
                .annotate(units=Count("pk"))
                .filter(units__gt=1)
                .order_by(*model.repo_key_fields)
                .values(*model.repo_key_fields)
                .first()
            )
            if clash:
                raise DuplicatePackageError(model(**clash).relative_path)

    def cleanup_old_versions(self) -> None:
        """Tell the layers above that there are more versions than the channel retains.

        pulpcore, which calls this with every new version, would delete them here and now. Each
        deletion may move all memberships there are, so a large channel waits for several versions.
        """
        if not self.retain_repo_versions:
            return
        excess = self.versions.complete().count() - self.retain_repo_versions
        if excess > self._held() // _PACKAGES_PER_VERSION:
            versions_exceeded.send(type(self), repository=self)

    def _held(self) -> int:
        """Return how many packages the newest version holds."""
        counted = self.versions.complete().filter(
            counts__content_type=CondaPackage.get_pulp_type(), counts__count_type="P"
        )
        held = counted.order_by("-number").values_list("counts__count", flat=True).first()
        return held or 0

    def on_new_version(self, version: RepositoryVersion) -> None:
        """Tell the layers above, which publish the version when the repository wants it."""
        super().on_new_version(version)
        version_created.send(type(self), repository=self, version=version)
