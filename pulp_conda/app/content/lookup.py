"""Which file stands behind a path of a channel: few statements, each answered by indexes.

They are written out, since Django takes longer to put one together than PostgreSQL to answer it.
None loads a version: that holds an array of everything in it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils.timezone import now
from pulpcore.plugin.models import Publication
from pulpcore.plugin.util import get_domain_pk

from pulp_conda.app.models import ChannelName, CondaDistribution, stored_base_path
from pulp_conda.formats import layout
from pulp_conda.formats.index.empty import Options
from pulp_conda.formats.layout import Place

_TIMESTAMP_FORMAT = "%Y%m%dT%H%M%SZ"
_DEEPEST = 64  # segments that a distribution's base path may have

_CHANNEL = """
    SELECT pulp_id, base_path, checkpoint, content_guard_id,
           publication_id, repository_version_id, repository_id, owner_id
      FROM core_distribution
      JOIN conda_condadistribution ON distribution_ptr_id = pulp_id
     WHERE pulp_domain_id = %s AND {}
"""
# `top` and `top/sub` are two channels: the longest path that there is, is meant.
_BY_PATHS = _CHANNEL.format("base_path = ANY(%s) ORDER BY length(base_path) DESC LIMIT 1")
# The name of an owner is found in any case. Django's `iexact` compares, and indexes, by `upper`.
_BY_OWNER = _CHANNEL.format("""base_path = (
        SELECT name FROM conda_condaowner WHERE pulp_domain_id = %s AND upper(name) = upper(%s)
     ) || '/' || %s""")

_INDEX = """
    SELECT p.pulp_id, v.repository_id, v.number, p.pulp_created
      FROM core_publication p
      JOIN core_repositoryversion v ON v.pulp_id = p.repository_version_id
     WHERE {}
     ORDER BY {} LIMIT 1
"""
_BY_PUBLICATION = _INDEX.format("p.pulp_id = %s", "p.pulp_created")
_BY_VERSION = _INDEX.format("p.complete AND v.pulp_id = %s", "p.pulp_created DESC")
_BY_REPOSITORY = _INDEX.format(
    "p.complete AND v.repository_id = %s", "v.number DESC, p.pulp_created DESC"
)
_BY_TIME = _INDEX.format(
    "p.complete AND p.checkpoint AND v.repository_id = %s AND p.pulp_created < %s",
    "p.pulp_created DESC",
)

_DOCUMENT = """
    SELECT a.file, a.size, a.sha256
      FROM core_publishedartifact p
      JOIN core_contentartifact c ON c.pulp_id = p.content_artifact_id
      JOIN core_artifact a ON a.pulp_id = c.artifact_id
     WHERE p.publication_id = %s AND p.relative_path = %s
"""

# What decides on the documents of a subdir that the publication has none of.
_OPTIONS = """
    SELECT u.pulp_labels -> 'documents', u.pulp_labels -> 'bz2_max_bytes', r.pulp_created
      FROM core_publishedmetadata m
      JOIN core_content u ON u.pulp_id = m.content_ptr_id
     CROSS JOIN core_repository r
     WHERE m.publication_id = %s AND r.pulp_id = %s
       AND NOT EXISTS (SELECT FROM core_publishedartifact p
                        WHERE p.publication_id = m.publication_id AND p.relative_path = %s)
"""
_OPTIONS_OF_REPOSITORY = """
    SELECT array_to_string(documents, ' '), %s, pulp_created
      FROM conda_condarepository JOIN core_repository ON pulp_id = repository_ptr_id
     WHERE pulp_id = %s
"""

# Clients act on an index that they fetched a while ago: what it named stays reachable.
_LATELY_SERVED = """
      FROM core_distributedpublication d
      JOIN core_publication p ON p.pulp_id = d.publication_id
      JOIN core_repositoryversion v ON v.pulp_id = p.repository_version_id
     WHERE d.distribution_id = %s AND (d.expires_at IS NULL OR d.expires_at >= now())
"""

# In steps, which PostgreSQL plans one by one: as one join it takes a millisecond more to plan.
_PACKAGE = """
    WITH chosen AS MATERIALIZED ({})
    SELECT a.file, a.size, a.sha256,
           (SELECT pulp_created FROM core_repositoryversion WHERE pulp_id = version_added_id),
           (SELECT immutable_names FROM conda_condarepository WHERE repository_ptr_id = %s)
      FROM chosen
      JOIN core_contentartifact c USING (content_id)
      JOIN core_artifact a ON a.pulp_id = c.artifact_id
"""
_KNOWN = """
    SELECT 1 FROM conda_condapackage u
     WHERE u._pulp_domain_id = %s AND u.subdir = %s AND u.filename = %s LIMIT 1
"""
_MEMBERSHIP = """
    SELECT m.content_id, m.version_added_id, m.repository_id,
           (SELECT number FROM core_repositoryversion
             WHERE pulp_id = m.version_added_id) AS added,
           (SELECT number FROM core_repositoryversion
             WHERE pulp_id = m.version_removed_id) AS removed
      FROM conda_condapackage u
      JOIN core_repositorycontent m ON m.content_id = u.content_ptr_id
     WHERE u._pulp_domain_id = %s AND u.subdir = %s AND u.filename = %s
"""
_PACKAGE_NAMED = _PACKAGE.format(f"""
    SELECT * FROM ({_MEMBERSHIP} AND m.repository_id = %s) s
     WHERE added <= %s AND coalesce(removed > %s, true)
""")  # noqa: S608 (of constants)
_PACKAGE_LATELY_NAMED = _PACKAGE.format(f"""
    SELECT * FROM ({_MEMBERSHIP}) s
     WHERE EXISTS (
        SELECT 1 {_LATELY_SERVED}
           AND v.repository_id = s.repository_id AND v.number >= s.added
           AND coalesce(v.number < s.removed, true)
     ) AND NOT EXISTS (
        SELECT 1 FROM conda_withdrawal w
         WHERE w.subdir = %s AND w.filename = %s AND (
               w.repository_id = s.repository_id AND w.version >= s.added
            OR w.repository_id = %s AND w.repository_id <> s.repository_id
         )
     )
     ORDER BY s.added DESC LIMIT 1
""")  # noqa: S608 (of constants)

_SHARD = """
    SELECT data FROM conda_condashard s
     WHERE subdir = %s AND digest = %s AND
"""
_SHARD_NAMED = f"""
    {_SHARD} repository_id = %s AND added <= %s AND coalesce(removed > %s, true) LIMIT 1
"""
# The second half answers for shards whose index is gone by now: a repository may retain fewer
# versions than a week brings.
_SHARD_LATELY_NAMED = f"""
    ({_SHARD} repository_id IN (SELECT v.repository_id {_LATELY_SERVED}) AND EXISTS (
        SELECT 1 {_LATELY_SERVED}
           AND v.repository_id = s.repository_id AND v.number >= s.added
           AND coalesce(v.number < s.removed, true)
    ) LIMIT 1)
    UNION ALL
    ({_SHARD} repository_id = %s AND superseded >= %s LIMIT 1)
    LIMIT 1
"""


class Channel(NamedTuple):
    """What of a distribution decides on an answer."""

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
        """The distribution, with what of it is known here."""
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
    """A publication that clients are served, and the version it was made of."""

    publication: UUID
    repository: UUID
    number: int
    created: datetime


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in Pulp's storage, by its name there."""

    name: str
    size: int
    sha256: str
    created: datetime
    """When the document was made, or the package came into the channel."""
    immutable_name: bool = False
    """Whether the name of a package comes to mean no other bytes for a while."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard's bytes, from the database."""

    digest: str
    data: bytes


def channel_at(base_paths: list[str]) -> Channel | None:
    """Return the channel of the current domain whose base path is the longest of those given."""
    row = _first(_BY_PATHS, get_domain_pk(), base_paths)
    return row and Channel(*row)


def channel_named(channel: ChannelName) -> Channel | None:
    """Return the channel of a name, whose owner is found in any case."""
    if settings.DOMAIN_ENABLED:
        return channel_at([channel.base_path])
    _, _, below = channel.base_path.partition("/")
    row = _first(_BY_OWNER, get_domain_pk(), get_domain_pk(), channel.owner, below)
    return row and Channel(*row)


def base_paths(path: str) -> list[str]:
    """Return the base paths that the distribution of a URL's path may have."""
    segments = path.split("/")[:_DEEPEST]
    starts = ["/".join(segments[:end]) for end in range(1, len(segments) + 1)]
    return [stored_base_path(start) for start in starts]


def served_index(channel: Channel) -> Index | None:
    """Return the index that a channel serves now, as pulpcore would choose it."""
    if channel.publication:
        row = _first(_BY_PUBLICATION, channel.publication)
    elif channel.version:
        row = _first(_BY_VERSION, channel.version)
    else:
        row = _first(_BY_REPOSITORY, channel.repository)
    return row and Index(*row)


def index_at(channel: Channel, timestamp: str) -> Index | None:
    """Return the newest checkpoint of a channel at a time, None also for one yet to come."""
    try:
        asked = datetime.strptime(timestamp, _TIMESTAMP_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
    if asked > now():
        return None
    # The text is exact to the second: it means all of that second.
    row = _first(_BY_TIME, channel.repository, asked + timedelta(seconds=1))
    return row and Index(*row)


def timestamp_of(index: Index) -> str:
    """Return how the URL of a checkpoint names its time."""
    return index.created.astimezone(UTC).strftime(_TIMESTAMP_FORMAT)


def is_the_only_one_of_its_second(index: Index) -> bool:
    """Tell whether an index's time of making, in whole seconds, is that of no other index."""
    second = index.created.replace(microsecond=0)
    others = Publication.objects.filter(
        repository_version__repository_id=index.repository,
        pulp_created__gte=second,
        pulp_created__lt=second + timedelta(seconds=1),
    ).exclude(pk=index.publication)
    return not others.exists()


def document(index: Index, path: str) -> StoredFile | None:
    """Return a document of an index."""
    row = _first(_DOCUMENT, index.publication, path)
    return row and StoredFile(row[0], row[1], row[2], index.created)


def options(index: Index, subdir: str) -> Options | None:
    """Return what a subdir's empty documents are made by, None where the index has the subdir."""
    repodata = f"{subdir}/{layout.REPODATA}"
    return _options(_first(_OPTIONS, index.publication, index.repository, repodata))


def options_of_repository(repository: UUID) -> Options | None:
    """Return what the documents of a channel without any index are made by."""
    return _options(_first(_OPTIONS_OF_REPOSITORY, settings.CONDA_BZ2_MAX_BYTES, repository))


def _options(row: Any) -> Options | None:
    if row is None:
        return None
    documents, bz2_max_bytes, created = row
    milliseconds = int(created.timestamp() * 1000)
    return Options(frozenset(documents.split()), int(bz2_max_bytes), milliseconds)


def package(channel: Channel, index: Index, place: Place) -> StoredFile | None:
    """Return a package that the index names, or one that the channel served until lately.

    What was withdrawn from the channel is not among the latter, whichever repository it served.
    """
    path = (get_domain_pk(), place.subdir, place.name)
    named = (index.repository, index.number, index.number)
    row = _first(_PACKAGE_NAMED, *path, *named, index.repository)
    past = _with_past(channel)
    # Most of what is asked for in vain never was in any channel, which takes no time to find out.
    if row is None and past and _first(_KNOWN, *path):
        withdrawn = (place.subdir, place.name, index.repository)
        row = _first(_PACKAGE_LATELY_NAMED, *path, past, *withdrawn, index.repository)
    return row and StoredFile(*row)


def shard(channel: Channel, index: Index, place: Place) -> Shard | None:
    """Return a shard that the index names, or one that the channel served until lately."""
    path = (place.subdir, place.name)
    row = _first(_SHARD_NAMED, *path, index.repository, index.number, index.number)
    past = _with_past(channel)
    if row is None and past:
        period = timedelta(seconds=settings.DISTRIBUTED_PUBLICATION_RETENTION_PERIOD)
        young = (channel.repository, now() - period)
        row = _first(_SHARD_LATELY_NAMED, *path, past, past, *path, *young)
    return row and Shard(place.name, bytes(row[0]))


def _with_past(channel: Channel) -> UUID | None:
    """Return the distribution whose past counts: a checkpoint is what it was."""
    return None if channel.checkpoint else channel.pk


def _first(statement: str, *values: str | int | datetime | UUID | list[str] | None) -> Any:
    """Return the first row, None if there is none."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()
