"""The package names of a channel, and the files of each name, as its web page shows them."""

from __future__ import annotations

from collections import ChainMap, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple, Protocol
from uuid import UUID

from pulpcore.plugin.models import Artifact, PublishedArtifact
from pulpcore.plugin.util import get_domain_pk

from pulp_conda.app.channels.index.patches import Patches
from pulp_conda.app.models import (
    CondaPackage,
    CondaShard,
    IndexedFile,
    content_of,
    shards_of,
)
from pulp_conda.formats import layout
from pulp_conda.formats.about import About
from pulp_conda.formats.compression import zstd
from pulp_conda.formats.index.channeldata import timestamp_seconds
from pulp_conda.formats.index.shard_files import shard_files
from pulp_conda.formats.version_order import version_ranks

from .listing import Listing, parse_listing

_CACHED_NAMES = 100_000
"""How many names a process caches, of the channels that were looked at last: some 75 MB."""

_DESCRIBING = 20
"""How many of the newest files are read for a description, since some files have none."""


class ServedIndex(Protocol):
    """The index that a channel serves."""

    @property
    def publication(self) -> UUID:
        """The key of the publication."""

    @property
    def repository(self) -> UUID:
        """The key of the repository."""

    @property
    def number(self) -> int:
        """The number of the published version."""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A package file, as a list of files shows it."""

    subdir: str
    filename: str
    version: str
    build: str
    size: int
    built: int
    """Seconds since the epoch; 0 if the package does not say."""
    uploaded: int
    """When the channel's index first named it, in seconds since the epoch."""
    sha256: str
    revoked: bool


@dataclass(frozen=True, slots=True)
class NameFiles:
    """One page of the files of a name, newest first, and the description by the newest files."""

    total: int
    shown: list[ListedFile]
    newest: str
    """The newest version."""
    about: About
    license: str


class _ListingCache:
    """The listings that were asked for last, by the SHA-256 of channeldata.json.zst."""

    def __init__(self) -> None:
        self._listings: OrderedDict[str, Listing] = OrderedDict()
        self._lock = Lock()

    def get(self, artifact: Artifact) -> Listing:
        """Return the listing of a channeldata.json.zst; read it if it is not cached."""
        digest = str(artifact.sha256)
        with self._lock:
            listing = self._listings.get(digest)
        if listing is None:  # threads that want it at the same time read it each; none waits
            with artifact.file.open() as file:
                listing = parse_listing(zstd.decompress(file.read()))
        with self._lock:
            self._listings[digest] = listing
            self._listings.move_to_end(digest)
            while len(self._listings) > 1 and self._names() > _CACHED_NAMES:
                self._listings.popitem(last=False)
        return listing

    def _names(self) -> int:
        return sum(1 + len(listing.packages) for listing in self._listings.values())


_listings = _ListingCache()


def listing_of(channeldata: Artifact) -> Listing:
    """Return the names that a channeldata.json.zst describes. Reads the storage alone."""
    return _listings.get(channeldata)


def channeldata_of(index: ServedIndex) -> Artifact | None:
    """Return the channeldata.json.zst of an index, None if it has none."""
    published = (
        PublishedArtifact.objects.filter(
            publication_id=index.publication,
            relative_path=layout.CHANNELDATA_JSON + layout.ZST,
        )
        .select_related("content_artifact__artifact__pulp_domain")
        .first()
    )
    return published.content_artifact.artifact if published else None


def files_of(index: ServedIndex, name: str, *, start: int, count: int) -> NameFiles | None:
    """Return a page of the files of a name in all subdirs, None if there are none.

    Takes five queries, and sorts all files of the name.
    """
    if "\0" in name:  # PostgreSQL refuses to look for it
        return None
    rows = _rows(index, name)
    indexed = _files_in_shards(index, name, {row.subdir for row in rows})
    _add_files_without_shard(indexed, index, rows)
    rows = [row for row in rows if row.subdir not in indexed or row.filename in indexed[row.subdir]]
    if not rows:
        return None
    ranks = version_ranks({row.version for row in rows})
    rows.sort(key=lambda row: row.subdir)
    rows.sort(key=lambda row: (ranks[row.version], *row[:3]), reverse=True)
    chosen = rows[start : start + count]
    describing = rows[:_DESCRIBING]
    found = CondaPackage.objects.defer("record_json").in_bulk(
        {row.pk for row in (*describing, *chosen)}
    )
    newest = [found[row.pk] for row in describing]
    times = _uploaded(index, name, [row.filename for row in chosen])
    return NameFiles(
        total=len(rows),
        shown=[
            _file(
                found[row.pk],
                uploaded=times.get((row.subdir, row.filename, found[row.pk].sha256), 0),
                revoked=indexed.get(row.subdir, {}).get(row.filename, False),
            )
            for row in chosen
        ],
        newest=newest[0].version,
        about=dict(ChainMap(*(package.about for package in newest))),
        license=next((package.license for package in newest if package.license), ""),
    )


class _Row(NamedTuple):
    version: str
    build_number: int
    filename: str
    subdir: str
    pk: UUID


def _rows(index: ServedIndex, name: str) -> list[_Row]:
    packages = CondaPackage.objects.filter(
        content_of(index.repository, index.number), _pulp_domain=get_domain_pk(), name=name
    )
    return [_Row(*row) for row in packages.values_list(*_Row._fields)]


def _files_in_shards(
    index: ServedIndex, name: str, subdirs: Iterable[str]
) -> dict[str, dict[str, bool]]:
    """Return, by subdir, the files in the shards of a name, and whether each is revoked.

    A file that a patch removes from the index is not in a shard. Subdirs without shards are absent:
    finding their removed files would take reading a document of all packages.
    """
    published = PublishedArtifact.objects.filter(
        publication_id=index.publication,
        relative_path__in=[f"{subdir}/{layout.REPODATA_SHARDS}" for subdir in subdirs],
    ).values_list("relative_path", flat=True)
    indexed: dict[str, dict[str, bool]] = {layout.split(path)[0]: {} for path in published}
    shards = CondaShard.objects.filter(
        shards_of(index.repository, index.number), subdir__in=list(indexed), name=name
    )
    # A version that was published twice has the shards of both indexes. The later ones count.
    for subdir, data in shards.order_by("pk").values_list("subdir", "data"):
        indexed[subdir] = shard_files(bytes(data))
    return indexed


def _add_files_without_shard(
    indexed: dict[str, dict[str, bool]], index: ServedIndex, rows: Iterable[_Row]
) -> None:
    """Add the files that are in no shard although no patch removes them.

    Their records have schema version 3.
    """
    missing = [
        row.pk for row in rows if row.filename not in indexed.get(row.subdir, (row.filename,))
    ]
    if not missing:
        return
    patches = Patches.of_version(index.repository, index.number)
    for package in CondaPackage.objects.filter(pk__in=missing).only("record_json", *_Row._fields):
        instructions = patches.of(package.subdir)
        record = package.record
        patched = instructions.apply(package.filename, record) if instructions else record
        if patched is not None:
            indexed[package.subdir][package.filename] = bool(patched.get("revoked"))


def _uploaded(
    index: ServedIndex, name: str, filenames: Iterable[str]
) -> dict[tuple[str, str, str], int]:
    """Return when the index first named files of a name, by subdir, file name and sha256."""
    indexed = IndexedFile.objects.filter(
        repository_id=index.repository, name=name, filename__in=filenames
    ).values_list("subdir", "filename", "sha256", "timestamp")
    return {(subdir, name, sha256): time // 1000 for subdir, name, sha256, time in indexed}


def _file(package: CondaPackage, *, uploaded: int, revoked: bool) -> ListedFile:
    return ListedFile(
        subdir=package.subdir,
        filename=package.filename,
        version=package.version,
        build=package.build,
        size=package.size,
        built=timestamp_seconds(package.timestamp),
        uploaded=uploaded,
        sha256=package.sha256,
        revoked=revoked,
    )
