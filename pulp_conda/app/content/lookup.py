"""Look up what a path of a channel names: a document, a package or a shard.

A request costs few statements. `statements` spells them out, because Django takes longer to compose
one than PostgreSQL to answer it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.utils.timezone import now
from pulpcore.plugin.models import Publication
from pulpcore.plugin.util import get_domain_pk

from pulp_conda.app.core.prepared import prepared_cursor
from pulp_conda.app.models import ChannelName, CondaDistribution, stored_base_path
from pulp_conda.app.models.access_facts import AccessFacts
from pulp_conda.formats import layout
from pulp_conda.formats.index.empty import EmptyIndexOptions
from pulp_conda.formats.layout import ChannelPath

from .statements import (
    CHANNEL_BY_OWNER,
    CHANNEL_BY_PATHS,
    DOCUMENT,
    INDEX_BY_PUBLICATION,
    INDEX_BY_REPOSITORY,
    INDEX_BY_TIME,
    INDEX_BY_VERSION,
    OPTIONS,
    OPTIONS_OF_REPOSITORY,
    PACKAGE_EXISTS,
    PACKAGE_NAMED,
    PACKAGE_RECENTLY_NAMED,
    SHARD_NAMED,
    SHARD_RECENTLY_NAMED,
)

_TIMESTAMP_FORMAT = "%Y%m%dT%H%M%SZ"
_MAX_SEGMENTS = 64
"""Base paths of distributions have no more segments."""


class Channel(NamedTuple):
    """The fields of a distribution that decide on an answer."""

    pk: UUID
    base_path: str
    checkpoint: bool
    content_guard: UUID | None
    publication: UUID | None
    version: UUID | None
    repository: UUID | None
    owner: UUID

    @property
    def distribution(self) -> CondaDistribution:
        """The distribution, with the fields that are known here."""
        return CondaDistribution(
            pk=self.pk,
            base_path=self.base_path,
            checkpoint=self.checkpoint,
            content_guard_id=self.content_guard,
            publication_id=self.publication,
            repository_version_id=self.version,
            repository_id=self.repository,
            owner_id=self.owner,
        )


class Index(NamedTuple):
    """A publication that clients are served, and the version it was made from."""

    publication: UUID
    repository: UUID
    number: int
    created: datetime


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in Pulp's storage."""

    name: str
    """Its name in the storage."""
    size: int
    digest: str
    """Its SHA-256, or its MD5 if the record of a package has no other."""
    created: datetime
    """When the document was made, or when the package was added to the channel."""
    immutable_name: bool = False
    """Whether the name of a package cannot mean other bytes for a while."""
    is_compressed: bool = False
    """Whether the document is the text of this file."""


@dataclass(frozen=True, slots=True)
class AbsentFile:
    """A package whose record the server has, and whose file it has not."""

    size: int
    """0 if the record does not say it."""
    digest: str
    """Its SHA-256, or its MD5 if the record has no other."""
    created: datetime
    """When the package was added to the channel."""
    immutable_name: bool
    content: UUID
    repository: UUID
    """That in which the package was found: the channel's, or one that it served recently."""


@dataclass(frozen=True, slots=True)
class StoredShard:
    """A shard's bytes, from the database."""

    digest: str
    data: bytes


def channel_at(base_paths: list[str]) -> Channel | None:
    """Return the channel of the current domain whose base path is the longest of those given."""
    row = _first(CHANNEL_BY_PATHS, get_domain_pk(), base_paths)
    return row and Channel(*row)


def channel_named(channel: ChannelName) -> Channel | None:
    """Return the channel of a name, whose owner is found in any case."""
    if settings.DOMAIN_ENABLED:
        return channel_at([channel.base_path])
    _, _, below = channel.base_path.partition("/")
    row = _first(CHANNEL_BY_OWNER, get_domain_pk(), get_domain_pk(), channel.owner, below)
    return row and Channel(*row)


def channel_of(facts: AccessFacts) -> Channel | None:
    """Return the channel that was looked up together with the requester."""
    found = facts.distribution
    if found is None:
        return None
    return Channel(
        found.pk,
        found.base_path,
        found.checkpoint,
        found.content_guard_id,
        found.publication_id,
        found.repository_version_id,
        found.repository_id,
        found.owner_id,
    )


def base_paths(path: str) -> list[str]:
    """Return all base paths that the distribution of a URL's path may have."""
    segments = path.split("/")[:_MAX_SEGMENTS]
    starts = ["/".join(segments[:end]) for end in range(1, len(segments) + 1)]
    return [stored_base_path(start) for start in starts]


def served_index(channel: Channel) -> Index | None:
    """Return the index that a channel serves now: the one that pulpcore would choose."""
    if channel.publication:
        row = _first(INDEX_BY_PUBLICATION, channel.publication)
    elif channel.version:
        row = _first(INDEX_BY_VERSION, channel.version)
    else:
        row = _first(INDEX_BY_REPOSITORY, channel.repository)
    return row and Index(*row)


def index_at(channel: Channel, timestamp: str) -> Index | None:
    """Return the newest checkpoint of a channel at a time; None for a time in the future."""
    try:
        asked = datetime.strptime(timestamp, _TIMESTAMP_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
    if asked > now():
        return None
    # The text is exact to the second, and stands for all of that second.
    row = _first(INDEX_BY_TIME, channel.repository, asked + timedelta(seconds=1))
    return row and Index(*row)


def timestamp_of(index: Index) -> str:
    """Return the time of a checkpoint as its URL writes it."""
    return index.created.astimezone(UTC).strftime(_TIMESTAMP_FORMAT)


def is_the_only_one_of_its_second(index: Index) -> bool:
    """Tell whether no other index of the repository was made in the same second."""
    second = index.created.replace(microsecond=0)
    others = Publication.objects.filter(
        repository_version__repository_id=index.repository,
        pulp_created__gte=second,
        pulp_created__lt=second + timedelta(seconds=1),
    ).exclude(pk=index.publication)
    return not others.exists()


def document(index: Index, path: str) -> StoredFile | None:
    """Return a document of an index; the compressed file of a large one."""
    paths = [path, path + layout.ZST] if path.endswith(layout.JSON) else [path]
    row = _first(DOCUMENT, index.publication, paths)
    if row is None:
        return None
    name, size, sha256, found = row
    return StoredFile(name, size, sha256, index.created, is_compressed=found != path)


def options(index: Index, subdir: str) -> EmptyIndexOptions | None:
    """Return the options of a subdir's empty documents; None if the index has the subdir."""
    repodata = f"{subdir}/{layout.REPODATA}{layout.ZST}"
    return _options(_first(OPTIONS, index.publication, index.repository, repodata))


def options_of_repository(repository: UUID) -> EmptyIndexOptions | None:
    """Return the options of the empty documents of a channel that has no index yet."""
    return _options(_first(OPTIONS_OF_REPOSITORY, settings.CONDA_BZ2_MAX_BYTES, repository))


def _options(row: Any) -> EmptyIndexOptions | None:
    if row is None:
        return None
    documents, bz2_max_bytes, created = row
    milliseconds = int(created.timestamp() * 1000)
    return EmptyIndexOptions(frozenset(documents.split()), int(bz2_max_bytes), milliseconds)


def package(channel: Channel, index: Index, parsed: ChannelPath) -> StoredFile | AbsentFile | None:
    """Return a package that the index names, or that the channel served until recently.

    Clients act on an index that they fetched a while ago, so its files stay available. A withdrawn
    package does not, whichever repository the channel served.
    """
    path = (get_domain_pk(), parsed.subdir, parsed.name)
    named = (index.repository, index.number, index.number)
    row = _first(PACKAGE_NAMED, *path, *named, index.repository)
    past = _distribution_with_past(channel)
    # Most paths that no channel has, no channel ever had: that is found out at once.
    if row is None and past and _first(PACKAGE_EXISTS, *path):
        withdrawn = (parsed.subdir, parsed.name, index.repository)
        row = _first(PACKAGE_RECENTLY_NAMED, *path, past, *withdrawn, index.repository)
    if row is None:
        return None
    if row[0] is None:
        return AbsentFile(*row[1:])
    return StoredFile(*row[:5])


def shard(channel: Channel, index: Index, parsed: ChannelPath) -> StoredShard | None:
    """Return a shard that the index names, or that the channel served until recently."""
    path = (parsed.subdir, parsed.name)
    row = _first(SHARD_NAMED, *path, index.repository, index.number, index.number)
    past = _distribution_with_past(channel)
    if row is None and past:
        period = timedelta(seconds=settings.DISTRIBUTED_PUBLICATION_RETENTION_PERIOD)
        young = (channel.repository, now() - period)
        row = _first(SHARD_RECENTLY_NAMED, *path, past, past, *path, *young)
    return row and StoredShard(parsed.name, bytes(row[0]))


def _distribution_with_past(channel: Channel) -> UUID | None:
    """Return the key of a distribution, None for a checkpoint, which never serves anything else."""
    return None if channel.checkpoint else channel.pk


def _first(statement: str, *values: str | int | datetime | UUID | list[str] | None) -> Any:
    """Return the first row, None if there is none."""
    with prepared_cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()
