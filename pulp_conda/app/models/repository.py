"""The repository of a channel: its versions, and the settings of its index."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Count
from django.dispatch import Signal
from django_lifecycle import BEFORE_CREATE, BEFORE_UPDATE, hook
from pulpcore.plugin.models import AutoAddObjPermsMixin, Repository, RepositoryVersion
from pulpcore.plugin.repo_version_utils import remove_duplicates

from pulp_conda.app.exceptions import DuplicatePackageError
from pulp_conda.app.failpoints import failpoint
from pulp_conda.formats.index.options import OPTIONAL_DOCUMENTS

from .channel_name import owner_part
from .owner import CondaOwner
from .package import CondaPackage
from .patch import CondaRepodataPatch
from .remote import CondaRemote

version_created = Signal()
"""Sent with `version` when a version is complete. A receiver that raises undoes the version."""

retention_exceeded = Signal()
"""Sent with `repository` when it has more versions than it retains."""

_PACKAGES_PER_EXCESS_VERSION = 10_000
"""For each so many packages, the clean-up of a channel waits for one more excess version."""


def all_documents() -> list[str]:
    """Return the default of `documents`: all of them."""
    return list(OPTIONAL_DOCUMENTS)


def default_v3_documents() -> list[str]:
    """Return the default of `v3_documents`: not shards.

    Solvers that read `v3` in shards without knowing CEP 48 fail for the whole name.
    """
    return ["repodata"]


ADDITIVE = "additive"
"""A sync adds what the upstream has, and removes nothing."""
MIRROR = "mirror"
"""After a sync the channel has what the upstream has, and nothing else."""
SYNC_MODES = (ADDITIVE, MIRROR)


class CondaRepository(Repository, AutoAddObjPermsMixin):
    """The versions of a channel, each with its packages and patches.

    `owner` is set at its creation and never changes. It is None for a repository that was created
    over REST with a name outside of any namespace.
    """

    TYPE = "conda"  # type: ignore[assignment]
    CONTENT_TYPES: list[type[CondaPackage] | type[CondaRepodataPatch]] = [
        CondaPackage,
        CondaRepodataPatch,
    ]
    REMOTE_TYPES = [CondaRemote]

    owner = models.ForeignKey(CondaOwner, null=True, on_delete=models.PROTECT)
    autopublish = models.BooleanField(default=True)
    immutable_names = models.BooleanField(default=False)
    """Whether the name of a removed file cannot be used for other bytes for a while."""
    documents = ArrayField(models.TextField(), default=all_documents)
    """Which of `OPTIONAL_DOCUMENTS` the channel publishes beside `repodata.json`."""
    v3_documents = ArrayField(models.TextField(), default=default_v3_documents)
    """Which of `V3_DOCUMENTS` hold the records of schema version 3."""
    sync_mode = models.TextField(default=ADDITIVE)
    """One of `SYNC_MODES`, unless a sync says otherwise."""
    sync_interval = models.DurationField(null=True)
    """How often the repository is synced from `remote`; None for never."""
    sync_due = models.DateTimeField(null=True)
    """When the next of these syncs begins. None if it was not determined yet."""

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        permissions = [
            ("modify_condarepository", "Can modify content of the repository"),
            ("upload_condarepository", "Can upload packages to the channel"),
            ("sync_condarepository", "Can sync the channel from a remote"),
            ("manage_roles_condarepository", "Can manage role assignments on conda repositories"),
            ("repair_condarepository", "Can repair repository versions"),
        ]

    @hook(BEFORE_CREATE)  # type: ignore[untyped-decorator]
    def _store_owner(self) -> None:
        """Store the owner that the name states."""
        if self.owner_id is None and (owner := owner_part(self.name)):
            self.owner = CondaOwner.objects.get_or_create_named(owner)

    @hook(BEFORE_UPDATE, when="sync_interval", has_changed=True)  # type: ignore[untyped-decorator]
    def _begin_new_interval(self) -> None:
        self.sync_due = None

    def finalize_new_version(self, new_version: RepositoryVersion) -> None:
        """Remove units from the version that have the path of an added unit.

        Only added units are read, so the cost does not grow with the channel.

        Raises:
            DuplicatePackageError: two of the added units have one path.
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
        """Send `retention_exceeded` if the channel has too many versions.

        pulpcore calls this with every new version, and its own method deletes versions at once.
        Each deletion may move all memberships, so a large channel waits for several excess
        versions.
        """
        if not self.retain_repo_versions:
            return
        excess = self.versions.complete().count() - self.retain_repo_versions
        if excess > self._number_of_packages() // _PACKAGES_PER_EXCESS_VERSION:
            retention_exceeded.send(type(self), repository=self)

    def _number_of_packages(self) -> int:
        """Return the number of packages in the newest version that has any."""
        counted = self.versions.complete().filter(
            counts__content_type=CondaPackage.get_pulp_type(), counts__count_type="P"
        )
        count = counted.order_by("-number").values_list("counts__count", flat=True).first()
        return count or 0

    def on_new_version(self, version: RepositoryVersion) -> None:
        """Send `version_created`; a receiver publishes the version if `autopublish` is set."""
        super().on_new_version(version)
        version_created.send(type(self), repository=self, version=version)
