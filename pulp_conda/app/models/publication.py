"""Publications: the index of one version of a channel."""

from datetime import timedelta
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils.timezone import now
from pulpcore.plugin.models import (
    AutoAddObjPermsMixin,
    CreatedResource,
    Distribution,
    Publication,
    RepositoryVersion,
)
from pulpcore.plugin.util import get_current_user

from pulp_conda.app.core.publications import DistributedPublication

from .distribution import CondaDistribution


class PublicationQuerySet(models.QuerySet["CondaPublication"]):
    """Publications of channels, with the method that pulpcore's filters call."""

    def with_content(self, content: Any) -> "PublicationQuerySet":
        """Return the publications that have a content unit, each once.

        pulpcore's method starts from all publications, including those that the user may not see,
        and returns a publication once for each of its documents.
        """
        return self.filter(pk__in=Publication.objects.with_content(content).values("pk"))


class CondaPublication(Publication, AutoAddObjPermsMixin):
    """The documents of one version of a channel. All become visible at the same time.

    pulpcore takes thirty statements to create and complete a publication. This class takes eight in
    the common case: a task without a user publishes the newest version of a channel. The rows are
    the same (`tests/functional/test_tasks.py`).
    """

    TYPE = "conda"  # type: ignore[assignment]

    objects: ClassVar["models.Manager[CondaPublication]"] = PublicationQuerySet.as_manager()

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        permissions = [
            ("manage_roles_condapublication", "Can manage role assignments on conda publications"),
        ]

    @classmethod
    def create(
        cls,
        repository_version: RepositoryVersion,
        pass_through: bool = False,
        checkpoint: bool = False,
    ) -> Self:
        """Create an incomplete publication; call this in a task."""
        if get_current_user() is not None:  # pulpcore gives the user a role on it
            created: Self = super().create(repository_version, pass_through, checkpoint)
            return created
        publication = cls(
            repository_version=repository_version, pass_through=pass_through, checkpoint=checkpoint
        )
        with transaction.atomic(savepoint=False):
            publication.save_base(force_insert=True)  # without the hooks that give a role
            CreatedResource.objects.bulk_create([CreatedResource(content_object=publication)])
        return publication

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        """Complete the publication, and record the distributions that serve it from now on."""
        if exc_val is not None:
            super().__exit__(exc_type, exc_val, exc_tb)
            return
        with transaction.atomic(savepoint=False):
            distributions = self._plain_distributions()
            if distributions is None:
                super().__exit__(exc_type, exc_val, exc_tb)
                return
            self.finalize_new_publication()
            self.complete = True
            Publication.objects.filter(pk=self.pk).update(complete=True, pulp_last_updated=now())
            self._record_served_by(distributions)
        transaction.on_commit(self.repository.invalidate_cache)

    def _plain_distributions(self) -> list[Distribution] | None:
        """Return the distributions that will serve this publication, locked.

        Return None (use pulpcore's slow path) if a distribution pins a version, a publication or a
        checkpoint, if this is a checkpoint, or if a newer version is published.
        """
        version = self.repository_version
        serving = Distribution.objects.select_for_update().filter(
            Q(repository_id=version.repository_id) | Q(repository_version=version)
        )
        distributions = list(serving.order_by("pk"))
        newer = Publication.objects.filter(
            repository_version__repository_id=version.repository_id,
            repository_version__number__gt=version.number,
            complete=True,
        )
        plain = (
            not self.checkpoint
            and settings.DISTRIBUTED_PUBLICATION_RETENTION_PERIOD > 0
            and all(
                each.pulp_type == CondaDistribution.get_pulp_type()
                and not (each.publication_id or each.repository_version_id or each.checkpoint)
                for each in distributions
            )
            and not newer.exists()
        )
        return distributions if plain else None

    def _record_served_by(self, distributions: list[Distribution]) -> None:
        """Record that the distributions serve this publication.

        The publications that they served until now expire after the retention period.
        """
        DistributedPublication.get_expired().delete()
        retention = timedelta(seconds=settings.DISTRIBUTED_PUBLICATION_RETENTION_PERIOD)
        DistributedPublication.objects.filter(
            distribution__in=distributions, expires_at=None
        ).update(expires_at=now() + retention)
        DistributedPublication.objects.bulk_create(
            DistributedPublication(distribution=each, publication=self) for each in distributions
        )
