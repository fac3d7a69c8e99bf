"""Which file stands behind a path of a channel: few queries, each answered by an index.

None of them loads a version: that holds an array of everything in it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.timezone import now
from pulpcore.plugin.models import (
    ContentArtifact,
    Publication,
    PublishedArtifact,
    RepositoryVersion,
)
from pulpcore.plugin.util import get_domain_pk

from pulp_conda.app.models import CondaDistribution, CondaPackage, CondaShard
from pulp_conda.formats.layout import Place

_NEVER = 2**31 - 1
"""Above any version's number: stands for "not removed" in comparisons."""

_TIMESTAMP_FORMAT = "%Y%m%dT%H%M%SZ"
_DEEPEST = 64  # segments that a distribution's base path may have


class Channel(NamedTuple):
    """What of a distribution decides on an answer."""

    pk: UUID
    base_path: str
    checkpoint: bool
    content_guard: UUID | None
    publication: UUID | None
    version: UUID | None
    repository: UUID | None


class Index(NamedTuple):
    """A publication that clients are served, and the version it was made of."""

    publication: UUID
    repository_id: UUID
    number: int
    created: datetime


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in Pulp's storage, by its name there."""

    name: str
    size: int
    sha256: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard's bytes, from the database."""

    digest: str
    data: bytes


def channel_at(base_paths: list[str]) -> Channel | None:
    """Return the channel of the current domain at the one of the paths that there is."""
    found = CondaDistribution.objects.filter(
        base_path__in=base_paths, pulp_domain_id=get_domain_pk()
    ).values_list(
        "pk",
        "base_path",
        "checkpoint",
        "content_guard_id",
        "publication_id",
        "repository_version_id",
        "repository_id",
    )
    for row in found[:1]:
        return Channel(*row)
    return None


def base_paths(path: str) -> list[str]:
    """Return the paths that the distribution of a URL's path may have, and which end in a file."""
    segments = path.split("/")[:_DEEPEST]
    return ["/".join(segments[:end]) for end in range(1, len(segments) + 1)]


def served_index(channel: Channel) -> Index | None:
    """Return the index that a channel serves now, as pulpcore would choose it."""
    publications = Publication.objects.all()
    if channel.publication:
        return _first(publications.filter(pk=channel.publication))
    complete = publications.filter(complete=True)
    if channel.version:
        made = complete.filter(repository_version_id=channel.version)
        return _first(made.order_by("-pulp_created"))
    if channel.repository:
        made = complete.filter(repository_version__repository_id=channel.repository)
        return _first(made.order_by("-repository_version__number", "-pulp_created"))
    return None


def index_at(channel: Channel, timestamp: str) -> Index | None:
    """Return the newest checkpoint of a channel at a time, None also for one yet to come."""
    try:
        asked = datetime.strptime(timestamp, _TIMESTAMP_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
    if channel.repository is None or asked > now():
        return None
    made = Publication.objects.filter(
        repository_version__repository_id=channel.repository,
        checkpoint=True,
        complete=True,
        # The text is exact to the second: it means all of that second.
        pulp_created__lt=asked + timedelta(seconds=1),
    )
    return _first(made.order_by("-pulp_created"))


def timestamp_of(index: Index) -> str:
    """Return how the URL of a checkpoint names its time."""
    return index.created.astimezone(UTC).strftime(_TIMESTAMP_FORMAT)


def is_the_only_one_of_its_second(index: Index) -> bool:
    """Tell whether an index's time of making, in whole seconds, is that of no other index."""
    second = index.created.replace(microsecond=0)
    others = Publication.objects.filter(
        repository_version__repository_id=index.repository_id,
        pulp_created__gte=second,
        pulp_created__lt=second + timedelta(seconds=1),
    ).exclude(pk=index.publication)
    return not others.exists()


def document(index: Index, path: str) -> StoredFile | None:
    """Return a document of an index."""
    found = PublishedArtifact.objects.filter(
        publication_id=index.publication, relative_path=path
    ).values_list(
        "content_artifact__artifact__file",
        "content_artifact__artifact__size",
        "content_artifact__artifact__sha256",
    )
    for name, size, sha256 in found[:1]:
        return StoredFile(name, size, sha256, index.created)
    return None


def package(channel: Channel, index: Index, place: Place) -> StoredFile | None:
    """Return a package that the index names, or one that the channel served until lately."""
    path = {"_pulp_domain": get_domain_pk(), "subdir": place.subdir, "filename": place.name}
    packages = CondaPackage.objects
    found = _file_of(packages.in_version(index).filter(**path))
    if found is None and not channel.checkpoint:
        found = _file_of(packages.in_any_version(_lately_served(channel)).filter(**path))
    return found


def shard(channel: Channel, index: Index, place: Place) -> Shard | None:
    """Return a shard that the index names, or one that the channel served until lately."""
    shards = CondaShard.objects.filter(subdir=place.subdir, digest=place.name)
    named = shards.filter(
        Q(removed__isnull=True) | Q(removed__gt=index.number),
        repository_id=index.repository_id,
        added__lte=index.number,
    )
    found = _bytes_of(named)
    if found is None and not channel.checkpoint:
        lately = _lately_served(channel)
        naming = lately.filter(
            repository_id=OuterRef("repository_id"),
            number__gte=OuterRef("added"),
            number__lt=Coalesce(OuterRef("removed"), _NEVER),
        )
        repositories = lately.values("repository_id")
        found = _bytes_of(shards.filter(Exists(naming), repository_id__in=repositories))
    return None if found is None else Shard(place.name, found)


def _first(publications: QuerySet[Publication]) -> Index | None:
    found = publications.values_list(
        "pk", "repository_version__repository_id", "repository_version__number", "pulp_created"
    )
    for row in found[:1]:
        return Index(*row)
    return None


def _lately_served(channel: Channel) -> QuerySet[RepositoryVersion]:
    """Return the versions whose index a channel served within the retention period.

    Clients act on an index that they fetched a while ago: what it named stays reachable.
    """
    return RepositoryVersion.objects.filter(
        Q(publication__core_distributedpublications__expires_at__isnull=True)
        | Q(publication__core_distributedpublications__expires_at__gte=now()),
        publication__core_distributedpublications__distribution_id=channel.pk,
    )


def _file_of(packages: QuerySet[CondaPackage]) -> StoredFile | None:
    found = ContentArtifact.objects.filter(
        content_id__in=packages.values("pk")[:1], artifact__isnull=False
    ).values_list("artifact__file", "artifact__size", "artifact__sha256", "pulp_created")
    for row in found[:1]:
        return StoredFile(*row)
    return None


def _bytes_of(shards: QuerySet[CondaShard]) -> bytes | None:
    for data in shards.values_list("data", flat=True)[:1]:
        return bytes(data)
    return None
