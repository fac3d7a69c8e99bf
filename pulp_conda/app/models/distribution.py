"""A channel's URL; what stands behind each path below it, `app/content` finds."""

from django.db import models
from django_lifecycle import AFTER_CREATE, AFTER_UPDATE, BEFORE_CREATE, hook
from pulpcore.plugin.models import AutoAddObjPermsMixin, Distribution, Repository

from .channel_name import ChannelName
from .owner import CondaOwner
from .repository import CondaRepository


class CondaDistribution(Distribution, AutoAddObjPermsMixin):
    """The URL at which clients find a channel; `owner` has it from its creation on."""

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
        """The name of the channel, by which the registry's URLs know it."""
        return ChannelName.of_base_path(self.base_path)

    @property
    def served_repository(self) -> Repository | None:
        """The repository whose versions this channel serves, if it serves any."""
        if self.repository_id:
            # With the owner, by which rights to the repository are judged.
            ours = CondaRepository.objects.select_related("owner").filter(pk=self.repository_id)
            found: CondaRepository | None = ours.first()
            return found or Repository.objects.get(pk=self.repository_id).cast()
        # By the version's key: the version itself holds an array of everything in it.
        if self.publication_id:
            served = Repository.objects.filter(versions__publication=self.publication_id)
        elif self.repository_version_id:
            served = Repository.objects.filter(versions=self.repository_version_id)
        else:
            return None
        return served.get().cast()

    @hook(BEFORE_CREATE)  # type: ignore[untyped-decorator]
    def _store_owner(self) -> None:
        """Store whose namespace the path is in."""
        if self.owner_id is None:
            self.owner = CondaOwner.objects.get_or_create_named(self.channel.owner)

    @hook(AFTER_CREATE)  # type: ignore[untyped-decorator]
    def _remember_first_served(self) -> None:
        """Record what a new distribution serves: pulpcore does so only when one changes."""
        self.set_distributed_publication()

    @hook(
        AFTER_UPDATE,
        when_any=["publication", "repository", "repository_version"],
        has_changed=True,
        is_now=None,
    )  # type: ignore[untyped-decorator]
    def clear_distributed_publication(self) -> None:
        """Forget what was served once nothing is any more.

        pulpcore forgets it also when a distribution is moved from its repository to one of its
        older publications: just then clients act on the newer index.
        """
        if not (self.publication_id or self.repository_id or self.repository_version_id):
            super().clear_distributed_publication()
