"""What a channel shows to people: its names, and the files of each."""

from __future__ import annotations

from collections import ChainMap, OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Protocol
from uuid import UUID

from pulpcore.plugin.models import Artifact, PublishedArtifact
from pulpcore.plugin.util import get_domain_pk

from pulp_conda.app.models import CondaPackage
from pulp_conda.app.models.package import held_by
from pulp_conda.formats import layout
from pulp_conda.formats.about import About
from pulp_conda.formats.channeldata import Listing, parse_listing, timestamp_seconds
from pulp_conda.formats.version_order import version_ranks

_NAMES_KEPT = 100_000
"""So many names a process keeps of the channels that were looked at last: some 75 MB."""

_DESCRIBING = 20
"""So many of the newest files are asked for how they describe themselves: some do not at all."""


class ServedIndex(Protocol):
    """The index that a channel serves, and the version that it was made of."""

    @property
    def publication(self) -> UUID:
        """The publication."""

    @property
    def repository(self) -> UUID:
        """The repository whose version it is."""

    @property
    def number(self) -> int:
        """The version's number."""


@dataclass(frozen=True, slots=True)
class File:
    """A package's file, as a list of files shows it."""

    subdir: str
    filename: str
    version: str
    build: str
    size: int
    timestamp: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Files:
    """Some of the files of a name, newest first, and how the newest of all describe it."""

    total: int
    shown: list[File]
    newest: str
    about: About
    license: str


class _Kept:
    """The listings that were asked for last, by the digest of their documents."""

    def __init__(self) -> None:
        self._listings: OrderedDict[str, Listing] = OrderedDict()
        self._lock = Lock()

    def get(self, artifact: Artifact) -> Listing:
        """Return what a document says, parsed unless it is known."""
        with self._lock:
            listing = self._listings.pop(artifact.sha256, None)
            if listing is None:
                with artifact.file.open() as file:
                    listing = parse_listing(file.read())
            self._listings[artifact.sha256] = listing
            while len(self._listings) > 1 and self._names() > _NAMES_KEPT:
                self._listings.popitem(last=False)
            return listing

    def _names(self) -> int:
        return sum(1 + len(listing.packages) for listing in self._listings.values())


_kept = _Kept()


def listing_of(index: ServedIndex) -> Listing | None:
    """Return the names that an index describes, None where it has no channeldata.json."""
    published = (
        PublishedArtifact.objects.filter(
            publication_id=index.publication, relative_path=layout.CHANNELDATA_JSON
        )
        .select_related("content_artifact__artifact__pulp_domain")
        .first()
    )
    artifact = published and published.content_artifact.artifact
    return _kept.get(artifact) if artifact else None


def files_of(index: ServedIndex, name: str, *, start: int, count: int) -> Files | None:
    """Return some of the files of a name in all subdirs, None where there are none.

    Costs two queries; all files of the name are put in order.
    """
    if "\0" in name:  # PostgreSQL refuses to look for it
        return None
    packages = CondaPackage.objects.filter(
        held_by(index.repository, index.number), _pulp_domain=get_domain_pk(), name=name
    )
    rows = list(packages.values_list("version", "build_number", "filename", "subdir", "pk"))
    if not rows:
        return None
    ranks = version_ranks({version for version, *_ in rows})
    rows.sort(key=lambda row: row[3])
    rows.sort(key=lambda row: (ranks[row[0]], *row[:3]), reverse=True)
    chosen = [pk for *_, pk in rows[start : start + count]]
    describing = [pk for *_, pk in rows[:_DESCRIBING]]
    found = CondaPackage.objects.defer("record_json").in_bulk({*describing, *chosen})
    newest = [found[pk] for pk in describing]
    return Files(
        total=len(rows),
        shown=[_file(found[pk]) for pk in chosen],
        newest=newest[0].version,
        about=dict(ChainMap(*(package.about for package in newest))),
        license=next((package.license for package in newest if package.license), ""),
    )


def _file(package: CondaPackage) -> File:
    return File(
        subdir=package.subdir,
        filename=package.filename,
        version=package.version,
        build=package.build,
        size=package.size,
        timestamp=timestamp_seconds(package.timestamp),
        sha256=package.sha256,
    )
