"""The URL of a channel. `app/content` finds the files below it."""

from functools import cached_property

from django.db import models
from django_lifecycle import AFTER_CREATE, AFTER_UPDATE, BEFORE_CREATE, hook
from pulpcore.plugin.models import AutoAddObjPermsMixin, Distribution, Repository

from .channel_name import ChannelName
from .owner import CondaOwner
from .repository import CondaRepository


class CondaDistribution(Distribution, AutoAddObjPermsMixin):
    """The URL at which clients find a channel. `owner` is set at its creation and never changes."""

    TYPE = "conda"  # type: ignore[assignment]
    SERVE_FROM_PUBLICATION = True

    owner = models.ForeignKey(CondaOwner, on_delete=models.PROTECT)

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        permissions = [
            (
                "manage_roles_condadistribution",
                "Can manage role assignments on conda distributions",
            ),
        ]

    @property
    def channel(self) -> ChannelName:
        """The name of the channel in registry URLs."""
        return ChannelName.of_base_path(self.base_path)

    @cached_property
    def served_repository(self) -> Repository | None:
        """The repository whose versions this channel serves, None if it serves none."""
        if self.repository_id:
            # With the owner, because rights to the repository depend on it.
            ours = CondaRepository.objects.select_related("owner").filter(pk=self.repository_id)
            found: CondaRepository | None = ours.first()
            return found or Repository.objects.get(pk=self.repository_id).cast()
        # By the version's key. The version itself has an array of all its content ids.
        if self.publication_id:
            served = Repository.objects.filter(versions__publication=self.publication_id)
        elif self.repository_version_id:
            served = Repository.objects.filter(versions=self.repository_version_id)
        else:
            return None
        return served.get().cast()

    @hook(BEFORE_CREATE)  # type: ignore[untyped-decorator]
    def _store_owner(self) -> None:
        """Store the owner that the path states."""
        if self.owner_id is None:
            self.owner = CondaOwner.objects.get_or_create_named(self.channel.owner)

    @hook(AFTER_CREATE)  # type: ignore[untyped-decorator]
    def _record_first_publication(self) -> None:
        """Record the publication that a new distribution serves.

        pulpcore records it only when a distribution changes.
        """
        self.set_distributed_publication()

    @hook(
        AFTER_UPDATE,
        when_any=["publication", "repository", "repository_version"],
        has_changed=True,
        is_now=None,
    )  # type: ignore[untyped-decorator]
    def clear_distributed_publication(self) -> None:
        """Clear the record of served publications only when the distribution serves nothing.

        pulpcore also clears it when a distribution is changed from its repository to an older
        publication of it. That would break clients that use the newer index at that moment.
        """
        if not (self.publication_id or self.repository_id or self.repository_version_id):
            super().clear_distributed_publication()
