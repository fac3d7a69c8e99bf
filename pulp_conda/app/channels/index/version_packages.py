"""What a version of a channel holds, read as the index needs it: by subdir, in order of names."""

from collections.abc import Collection, Iterator
from contextlib import closing
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, transaction
from pulpcore.plugin.models import RepositoryVersion
from pulpcore.plugin.util import get_domain_pk

from pulp_conda.formats.index.channeldata import ChannelPackage
from pulp_conda.formats.index.shards import Member

from .patches import Patches

_ROWS_PER_FETCH = 5000
_SORTING_MEMORY = "64MB"
"""For a whole channel; PostgreSQL's usual 4 MB send the most of it to the disk and back."""

# Of the membership's own column PostgreSQL knows how often it is null. Of the number of the version
# joined to it, it thinks never, expects one row for a million, and takes minutes for seconds.
_HELD = """
      FROM core_repositorycontent AS stay
      JOIN conda_condapackage AS package ON package.content_ptr_id = stay.content_id
      JOIN core_repositoryversion AS added ON added.pulp_id = stay.version_added_id
      LEFT JOIN core_repositoryversion AS removed ON removed.pulp_id = stay.version_removed_id
     WHERE stay.repository_id = %(repository)s
       AND added.number <= %(number)s
       AND (stay.version_removed_id IS NULL OR removed.number > %(number)s)
"""

# Sorted byte by byte: a locale of the database must not decide on what clients get.
_MEMBERS = """
    SELECT held.name, held.filename, held.extension, held.record_json, held.run_exports,
           COALESCE(indexed.timestamp, %(timestamp)s)
      FROM (SELECT package.* {held} AND package.subdir = %(subdir)s {names}) AS held
      LEFT JOIN conda_indexedfile AS indexed
        ON indexed.repository_id = %(repository)s AND indexed.sha256 = held.sha256
       AND indexed.subdir = held.subdir AND indexed.name = held.name
       AND indexed.filename = held.filename
     ORDER BY held.name COLLATE "C", held.filename COLLATE "C"
"""

_REMOVED = """
    SELECT DISTINCT indexed.name, indexed.filename
      FROM conda_indexedfile AS indexed
      LEFT JOIN (SELECT package.filename {held} AND package.subdir = %(subdir)s {names}) AS held
        ON held.filename = indexed.filename
     WHERE indexed.repository_id = %(repository)s AND indexed.subdir = %(subdir)s
       AND indexed.version <= %(number)s AND held.filename IS NULL {indexed_names}
"""

_SUBDIRS = """
    SELECT DISTINCT package.subdir {held}
     UNION
    SELECT DISTINCT subdir FROM conda_indexedfile
     WHERE repository_id = %(repository)s AND version <= %(number)s
"""

_DESCRIBED = """
    SELECT package.name, package.filename, package.subdir, package.version, package.build_number,
           package.timestamp, package.license, package.about, package.run_exports, package.traits
      {held} {names}
     ORDER BY package.name COLLATE "C", package.subdir COLLATE "C", package.filename COLLATE "C"
"""

# In the order of the table's index, which then grows at its end.
_INDEX = """
    INSERT INTO conda_indexedfile
           (repository_id, sha256, subdir, name, filename, version, timestamp)
    SELECT %(repository)s, package.sha256, package.subdir, package.name, package.filename,
           %(number)s, %(timestamp)s
      {held}
       AND NOT EXISTS (SELECT 1 FROM conda_indexedfile AS indexed
                        WHERE indexed.repository_id = %(repository)s
                          AND indexed.sha256 = package.sha256
                          AND indexed.subdir = package.subdir
                          AND indexed.name = package.name
                          AND indexed.filename = package.filename)
       {added}
     ORDER BY package.subdir, package.name, package.filename, package.sha256
    ON CONFLICT DO NOTHING
"""


class Members:
    """The packages of one version of a channel, and its patches."""

    def __init__(self, version: RepositoryVersion) -> None:
        self.version = version
        self.patches = Patches(version.repository_id, version.number)
        self._version = {
            "repository": version.repository_id,
            "number": version.number,
            "domain": get_domain_pk(),
            "timestamp": int(version.pulp_created.timestamp() * 1000),
        }

    def record(self, since: int | None) -> None:
        """Record for each file that no index of the channel has named before that this one does.

        `since` is the number of a version whose files are known to be recorded.
        """
        values = {**self._version, "versions": self._after(since)}
        added = "" if since is None else "AND stay.version_added_id = ANY(%(versions)s)"
        with connection.cursor() as cursor:
            cursor.execute(_INDEX.format(held=_HELD, added=added), values)

    def _after(self, number: int | None) -> list[UUID]:
        """Return the versions after a number: given one by one, PostgreSQL looks them up."""
        if number is None:
            return []
        versions = RepositoryVersion.objects.filter(
            repository_id=self.version.repository_id,
            number__gt=number,
            number__lte=self.version.number,
        )
        return list(versions.values_list("pk", flat=True))

    def subdirs(self) -> set[str]:
        """Return the subdirs that have, or ever had, packages."""
        with connection.cursor() as cursor:
            cursor.execute(_SUBDIRS.format(held=_HELD), self._version)
            return {subdir for (subdir,) in cursor.fetchall()}

    def of(self, subdir: str, names: Collection[str] | None = None) -> Iterator[Member]:
        """Yield the packages of a subdir, or of some names in it, by name and file name."""
        query = _MEMBERS.format(held=_HELD, names=_among(names))
        for row in self._rows(query, names, subdir=subdir):
            name, filename, extension, record, run_exports, indexed = row
            yield Member(name, filename, extension, record, _decoded(run_exports), indexed)

    def described(
        self, names: Collection[str] | None = None
    ) -> Iterator[tuple[str, ChannelPackage]]:
        """Yield what channeldata looks at in every package, or in those of some names, by name.

        As patches have it, while `of` yields what the packages have.
        """
        query = _DESCRIBED.format(held=_HELD, names=_among(names))
        for name, filename, *facts, about, run_exports, traits in self._rows(query, names):
            described = (*facts, _decoded(about), _decoded(run_exports), traits)
            package = ChannelPackage(*described)
            instructions = self.patches.of(package.subdir)
            patched = instructions.describe(filename, package) if instructions else package
            if patched is not None:
                yield name, patched

    def removed(self, subdir: str, names: Collection[str] | None = None) -> dict[str, list[str]]:
        """Return by name the files that the channel's index has named and this one does not."""
        indexed_names = "" if names is None else "AND indexed.name = ANY(%(names)s)"
        query = _REMOVED.format(held=_HELD, names=_among(names), indexed_names=indexed_names)
        found: dict[str, list[str]] = {}
        for name, filename in self._rows(query, names, subdir=subdir):
            found.setdefault(name, []).append(filename)
        return {name: sorted(filenames) for name, filenames in found.items()}

    def _rows(
        self, query: str, names: Collection[str] | None, **values: Any
    ) -> Iterator[tuple[Any, ...]]:
        values |= {**self._version, "names": list(names or ())}
        if names is not None:
            with connection.cursor() as cursor:
                cursor.execute(query, values)
                yield from cursor.fetchall()
            return
        # Outside of a transaction PostgreSQL would put the whole result aside before the first row.
        with transaction.atomic(), closing(connection.chunked_cursor()) as cursor:
            with connection.cursor() as settings:
                settings.execute(f"SET LOCAL work_mem = '{_SORTING_MEMORY}'")
            cursor.execute(query, values)
            while rows := cursor.fetchmany(_ROWS_PER_FETCH):
                yield from rows


def _decoded(json: str) -> Any:
    return {} if json == "{}" else msgspec.json.decode(json)


def _among(names: Collection[str] | None) -> str:
    if names is None:
        return ""
    return "AND package.name = ANY(%(names)s) AND package._pulp_domain_id = %(domain)s"
