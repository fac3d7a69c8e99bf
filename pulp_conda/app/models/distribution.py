"""A channel's URL; what stands behind each path below it, `app/content` finds."""

from django_lifecycle import AFTER_CREATE, AFTER_UPDATE, hook
from pulpcore.plugin.models import AutoAddObjPermsMixin, Distribution, Repository

from .repository import CondaRepository


class CondaDistribution(Distribution, AutoAddObjPermsMixin):
    """The URL at which clients find a channel."""

    TYPE = "conda"
    SERVE_FROM_PUBLICATION = True

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        permissions = [
            (
                "manage_roles_condadistribution",
                "Can manage role assignments on conda distributions",
            ),
        ]

    @property
    def served_repository(self) -> Repository | None:
        """The repository whose versions this channel serves, if it serves any."""
        if self.repository_id:
            ours = CondaRepository.objects.filter(pk=self.repository_id).first()
            return ours or self.repository.cast()
        version = self.repository_version
        if self.publication:
            version = self.publication.repository_version
        return version and version.repository.cast()

    @hook(AFTER_CREATE)  # type: ignore[untyped-decorator, unused-ignore]
    def _remember_first_served(self) -> None:
        """Record what a new distribution serves: pulpcore does so only when one changes."""
        self.set_distributed_publication()

    @hook(
        AFTER_UPDATE,
        when_any=["publication", "repository", "repository_version"],
        has_changed=True,
        is_now=None,
    )  # type: ignore[untyped-decorator, unused-ignore]
    def clear_distributed_publication(self) -> None:
        """Forget what was served once nothing is any more.

        pulpcore forgets it also when a distribution is moved from its repository to one of its
        older publications: just then clients act on the newer index.
        """
        if not (self.publication_id or self.repository_id or self.repository_version_id):
            super().clear_distributed_publication()
