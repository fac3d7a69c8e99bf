"""Publications: the index of one version of a channel."""

from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.utils.timezone import now
from pulpcore.plugin.models import (
    AutoAddObjPermsMixin,
    CreatedResource,
    Publication,
    RepositoryVersion,
)
from pulpcore.plugin.util import get_current_user

from pulp_conda.app.core.prepared import prepared_cursor
from pulp_conda.app.core.publications import DistributedPublication

from .distribution import CondaDistribution

_INSERT = """
    WITH parent AS (
        INSERT INTO core_publication
               (pulp_id, pulp_created, pulp_last_updated, pulp_type, complete, pass_through,
                checkpoint, repository_version_id, pulp_domain_id)
        VALUES (%(publication)s, %(now)s, %(now)s, %(type)s, false, %(pass_through)s,
                %(checkpoint)s, %(version)s, %(domain)s)
    ), report AS (
        INSERT INTO core_createdresource
               (pulp_id, pulp_created, pulp_last_updated, content_type_id, object_id, task_id)
        VALUES (%(report)s, %(now)s, %(now)s, %(content_type)s, %(publication)s, %(task)s)
    )
    INSERT INTO conda_condapublication (publication_ptr_id) VALUES (%(publication)s)
"""

# Locked in the order of their keys, so that two publications cannot wait for each other.
_SERVING = """
    SELECT pulp_id, publication_id IS NULL AND repository_version_id IS NULL AND NOT checkpoint
                    AND pulp_type = %(type)s AND NOT EXISTS (
           SELECT FROM core_publication
             JOIN core_repositoryversion version ON version.pulp_id = repository_version_id
            WHERE version.repository_id = %(repository)s AND version.number > %(number)s
              AND core_publication.complete)
      FROM core_distribution
     WHERE repository_id = %(repository)s OR repository_version_id = %(version)s
     ORDER BY pulp_id FOR UPDATE
"""

# The publications that the distributions served until now expire after the retention period.
_COMPLETE = """
    WITH completed AS (
        UPDATE core_publication SET complete = true, pulp_last_updated = %(now)s
         WHERE pulp_id = %(publication)s
    ), expired AS (
        DELETE FROM core_distributedpublication WHERE expires_at < %(now)s
    ), replaced AS (
        UPDATE core_distributedpublication SET expires_at = %(expires)s
         WHERE distribution_id = ANY(%(distributions)s) AND expires_at IS NULL
    )
    INSERT INTO core_distributedpublication
           (pulp_id, pulp_created, pulp_last_updated, distribution_id, publication_id)
    SELECT key, %(now)s, %(now)s, distribution, %(publication)s
      FROM unnest(%(keys)s::uuid[], %(distributions)s::uuid[]) AS served (key, distribution)
"""


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

    pulpcore takes thirty statements to create and complete a publication. This class takes three in
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
        publication._insert()
        return publication

    def _insert(self) -> None:
        """Save the new publication as a resource that the current task created, without hooks."""
        self.publication_ptr_id = self.pulp_id
        report = CreatedResource(content_object=self)
        moment = now()
        values = {
            "publication": self.pk,
            "now": moment,
            "type": self.get_pulp_type(),
            "pass_through": self.pass_through,
            "checkpoint": self.checkpoint,
            "version": self.repository_version_id,
            "domain": self.pulp_domain_id,
            "report": report.pk,
            "content_type": report.content_type_id,
            "task": report.task_id,
        }
        with prepared_cursor() as cursor:
            cursor.execute(_INSERT, values)
        self.pulp_created = moment
        self._state.adding = False

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
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
            self._complete(distributions)
        transaction.on_commit(self.repository.invalidate_cache)

    def _plain_distributions(self) -> list[UUID] | None:
        """Return the distributions that will serve this publication, locked.

        Return None (use pulpcore's slow path) if a distribution pins a version, a publication or a
        checkpoint, if this is a checkpoint, or if a newer version is published.
        """
        version = self.repository_version
        values = {
            "type": CondaDistribution.get_pulp_type(),
            "repository": version.repository_id,
            "version": version.pk,
            "number": version.number,
        }
        if self.checkpoint or settings.DISTRIBUTED_PUBLICATION_RETENTION_PERIOD <= 0:
            return None
        with prepared_cursor() as cursor:
            cursor.execute(_SERVING, values)
            found: list[tuple[UUID, bool]] = cursor.fetchall()
        return [pk for pk, _ in found] if all(plain for _, plain in found) else None

    def _complete(self, distributions: list[UUID]) -> None:
        """Complete the publication, and record that the distributions serve it."""
        moment, new_key = now(), DistributedPublication._meta.pk.get_default
        retention = timedelta(seconds=settings.DISTRIBUTED_PUBLICATION_RETENTION_PERIOD)
        values: dict[str, datetime | UUID | list[UUID]] = {
            "now": moment,
            "publication": self.pk,
            "expires": moment + retention,
            "distributions": distributions,
            "keys": [new_key() for _ in distributions],
        }
        with prepared_cursor() as cursor:
            cursor.execute(_COMPLETE, values)
        self.complete = True
