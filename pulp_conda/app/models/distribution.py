"""A channel's URL, and which file stands behind each path below it."""

from collections.abc import Callable

from aiohttp.web import HTTPNotFound, StreamResponse
from django.db.models import Q, QuerySet
from django.utils.timezone import now
from django_lifecycle import AFTER_CREATE, AFTER_UPDATE, hook
from pulpcore.plugin.models import (
    AutoAddObjPermsMixin,
    ContentArtifact,
    Distribution,
    Publication,
    Repository,
    RepositoryVersion,
)
from pulpcore.plugin.util import get_domain_pk

from pulp_conda.formats import layout

from .package import CondaPackage

Generator = Callable[["CondaDistribution", Publication | None, str], StreamResponse]

generators: dict[str, Generator] = {}
"""What answers the paths whose answers are made when they are asked for.

The layers above fill it in, as models know none of them.
"""


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

    def content_handler(self, path: str) -> ContentArtifact | StreamResponse | None:
        """Return the file behind a path of this channel (pulpcore `Distribution.content_handler`).

        Every path is answered here, by indexed lookup: pulpcore's own resolution probes for
        directory listings first, which takes seconds in a channel of a million packages. Only a
        checkpoint distribution is left to it, since the timestamp in its paths is pulpcore's.

        Raises:
            HTTPNotFound: the channel does not have that path.
        """
        if self.checkpoint:
            return None
        if "\0" in path:  # which PostgreSQL cannot even look for
            raise HTTPNotFound
        _, _, publication = self.get_repository_publication_and_version()
        if generate := generators.get(path):
            return generate(self, publication, path)
        if publication is None:
            raise HTTPNotFound
        subdir, filename = layout.split(path)
        if filename in layout.SUBDIR_DOCUMENTS or path == layout.CHANNELDATA_JSON:
            found = _document(publication, path)
        else:
            found = self._package(publication, subdir, filename)
        if found is None:
            raise HTTPNotFound
        return found

    @property
    def served_repository(self) -> Repository | None:
        """The repository whose versions this channel serves, if it serves any."""
        if self.repository:
            return self.repository.cast()
        version = self.repository_version
        if self.publication:
            version = self.publication.repository_version
        return version and version.repository.cast()

    def content_headers_for(self, path: str) -> dict[str, str]:
        """Return the headers of a path that differ from pulpcore's."""
        return {"Cache-Control": layout.cache_control(path, private=bool(self.content_guard_id))}

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

    def _package(
        self, publication: Publication, subdir: str, filename: str
    ) -> ContentArtifact | None:
        """Return a package that the served index names, or one that was served until recently.

        Clients act on an index that they fetched a while ago; what it named stays reachable for
        `DISTRIBUTED_PUBLICATION_RETENTION_PERIOD`.
        """
        path = {"_pulp_domain": get_domain_pk(), "subdir": subdir, "filename": filename}
        packages = CondaPackage.objects
        named = packages.in_version(publication.repository_version).filter(**path)
        once_named = packages.in_any_version(self._recently_served()).filter(**path)
        return _file_of(named) or _file_of(once_named)

    def _recently_served(self) -> QuerySet[RepositoryVersion]:
        """Return the versions whose index this channel served within the retention period."""
        return RepositoryVersion.objects.filter(
            Q(publication__core_distributedpublications__expires_at__isnull=True)
            | Q(publication__core_distributedpublications__expires_at__gte=now()),
            publication__core_distributedpublications__distribution=self,
        )


def _document(publication: Publication, path: str) -> ContentArtifact | None:
    published = (
        publication.published_artifact.select_related("content_artifact__artifact__pulp_domain")
        .filter(relative_path=path)
        .first()
    )
    return published and published.content_artifact


def _file_of(packages: QuerySet[CondaPackage]) -> ContentArtifact | None:
    return (
        ContentArtifact.objects.select_related("artifact__pulp_domain")
        .filter(content_id__in=packages.values("pk")[:1])
        .first()
    )
