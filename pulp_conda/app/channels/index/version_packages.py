"""Read the packages of a version from the database, sorted by name as an index needs them."""

from collections.abc import Collection, Iterator
from contextlib import closing
from functools import cached_property
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection, transaction
from pulpcore.plugin.models import RepositoryVersion
from pulpcore.plugin.util import get_domain_pk

from pulp_conda.app.core.prepared import FEW, prepared_cursor
from pulp_conda.app.models import IndexedFile
from pulp_conda.formats.index.channeldata import ChannelPackage, DescribedPackage
from pulp_conda.formats.index.shards import IndexedPackage

from .patches import Patches

_ROWS_PER_FETCH = 5000
_SORTING_MEMORY = "64MB"
"""For reading a whole channel; with PostgreSQL's default of 4 MB the sort goes through the disk."""

# The condition asks whether `version_removed_id` is null, and not whether the joined number is.
# PostgreSQL has statistics on the column. For the joined number it expects one row of a million,
# and chooses a plan that takes minutes instead of seconds.
IN_VERSION = """
      FROM core_repositorycontent AS membership
      JOIN conda_condapackage AS package ON package.content_ptr_id = membership.content_id
      JOIN core_repositoryversion AS added ON added.pulp_id = membership.version_added_id
      LEFT JOIN core_repositoryversion AS removed ON removed.pulp_id = membership.version_removed_id
     WHERE membership.repository_id = %(repository)s
       AND added.number <= %(number)s
       AND (membership.version_removed_id IS NULL OR removed.number > %(number)s)
"""

# Memberships that began or ended since a version; names may have changed with these only.
_CHANGED = """
    SELECT DISTINCT package.subdir, package.name
      FROM core_repositorycontent AS membership
      JOIN conda_condapackage AS package ON package.content_ptr_id = membership.content_id
     WHERE membership.version_added_id = ANY(%(versions)s)
        OR membership.version_removed_id = ANY(%(versions)s)
"""

# COLLATE "C" sorts byte by byte, so that the bytes of an index do not depend on the database's
# locale.
_PACKAGES = """
    SELECT package.name, package.filename, package.extension, package.record_json,
           package.run_exports, COALESCE(indexed.timestamp, %(timestamp)s)
      FROM (SELECT package.* {in_version} AND package.subdir = %(subdir)s {names}) AS package
      LEFT JOIN conda_indexedfile AS indexed
        ON indexed.repository_id = %(repository)s AND indexed.sha256 = package.sha256
       AND indexed.subdir = package.subdir AND indexed.name = package.name
       AND indexed.filename = package.filename
     ORDER BY package.name COLLATE "C", package.filename COLLATE "C"
"""

_REMOVED = """
    SELECT DISTINCT indexed.name, indexed.filename
      FROM conda_indexedfile AS indexed
      LEFT JOIN (
            SELECT package.filename {in_version} AND package.subdir = %(subdir)s {names}
           ) AS package
        ON package.filename = indexed.filename
     WHERE indexed.repository_id = %(repository)s AND indexed.subdir = %(subdir)s
       AND indexed.version <= %(number)s AND package.filename IS NULL {indexed_names}
"""

_WAS_PATCHED = """
    SELECT EXISTS (
        SELECT FROM conda_condarepodatapatch AS patch
          JOIN core_repositorycontent AS membership ON membership.content_id = patch.content_ptr_id
         WHERE membership.repository_id = %(repository)s)
"""

_SUBDIRS = """
    SELECT DISTINCT package.subdir {in_version}
     UNION
    SELECT DISTINCT subdir FROM conda_indexedfile
     WHERE repository_id = %(repository)s AND version <= %(number)s
"""

_DESCRIBED = """
    SELECT package.name, package.filename, package.subdir, package.version, package.build_number,
           package.timestamp, package.license, package.about, package.run_exports, package.traits
      {in_version} {names}
     ORDER BY package.name COLLATE "C", package.subdir COLLATE "C", package.filename COLLATE "C"
"""


def version_parameters(version: RepositoryVersion) -> dict[str, Any]:
    """Return the parameters of `IN_VERSION` and of queries around it.

    `timestamp` is the time of the version in milliseconds since the epoch. It becomes the
    `indexed_timestamp` of files that no index of the channel has named yet.
    """
    return {
        "repository": version.repository_id,
        "number": version.number,
        "domain": get_domain_pk(),
        "timestamp": int(version.pulp_created.timestamp() * 1000),
    }


def versions_since(version: RepositoryVersion, number: int) -> list[UUID]:
    """Return the keys of the versions after `number`, up to a version.

    They are parameters of statements that are planned each time. A channel may have got all its
    packages with one version, and PostgreSQL knows that. If it does not know the key of a version,
    it expects all packages of that one, and reads the whole table.
    """
    if number + 1 == version.number:
        return [version.pk]
    later = RepositoryVersion.objects.filter(
        repository_id=version.repository_id, number__gt=number, number__lte=version.number
    )
    return list(later.values_list("pk", flat=True))


class VersionPackages:
    """The packages of one version of a channel, and its patches.

    A `PackageSource` of `plan`.
    """

    def __init__(self, version: RepositoryVersion) -> None:
        self._version = version
        self._parameters = version_parameters(version)

    @cached_property
    def patches(self) -> Patches:
        """The repodata patches of the version."""
        if not self._was_patched:
            return Patches(())
        return Patches.of_version(self._version.repository_id, self._version.number)

    @cached_property
    def _was_patched(self) -> bool:
        """Whether any version of the channel has patches. Most channels never have any."""
        with prepared_cursor() as cursor:
            cursor.execute(_WAS_PATCHED, self._parameters)
            return bool(cursor.fetchone()[0])

    def changed_since(self, number: int) -> dict[str, set[str]]:
        """Return the names, by subdir, whose packages may differ from those of a version."""
        versions = versions_since(self._version, number)
        with connection.cursor() as cursor:
            cursor.execute(_CHANGED, {"versions": versions})
            found: set[tuple[str, str]] = set(cursor.fetchall())
        if len(versions) < self._version.number - number:  # some were deleted
            found |= self._indexed_since(number)
        names: dict[str, set[str]] = {}
        for subdir, name in found:
            names.setdefault(subdir, set()).add(name)
        return names

    def _indexed_since(self, number: int) -> set[tuple[str, str]]:
        """Return subdir and name of the files that indexes of versions after `number` named first.

        If such a version was deleted, its memberships are gone too. Its files may have to be listed
        as removed.
        """
        files = IndexedFile.objects.filter(
            repository_id=self._version.repository_id,
            version__gt=number,
            version__lte=self._version.number,
        )
        return set(files.values_list("subdir", "name").distinct())

    def repatched_since(self, number: int) -> dict[str, set[str]]:
        """Return the names, by subdir, whose patches may differ from those of a version."""
        if not self._was_patched:
            return {}
        return Patches.of_version(self._version.repository_id, number).changed_names(self.patches)

    def subdirs(self) -> set[str]:
        """Return the subdirs that have packages, or had packages in an earlier version."""
        with connection.cursor() as cursor:
            cursor.execute(_SUBDIRS.format(in_version=IN_VERSION), self._parameters)
            return {subdir for (subdir,) in cursor.fetchall()}

    def of(self, subdir: str, names: Collection[str] | None = None) -> Iterator[IndexedPackage]:
        """Yield the packages of a subdir, or of some names in it, by name and file name."""
        query = _PACKAGES.format(in_version=IN_VERSION, names=_among(names))
        for row in self._rows(query, names, subdir=subdir):
            name, filename, extension, record, run_exports, indexed = row
            yield IndexedPackage(name, filename, extension, record, _decoded(run_exports), indexed)

    def described(self, names: Collection[str] | None = None) -> Iterator[DescribedPackage]:
        """Yield packages as channeldata describes them, of all or of some names, by name."""
        query = _DESCRIBED.format(in_version=IN_VERSION, names=_among(names))
        for name, filename, *facts, about, run_exports, traits in self._rows(query, names):
            described = (*facts, _decoded(about), _decoded(run_exports), traits)
            yield DescribedPackage(name, filename, ChannelPackage(*described))

    def removed(self, subdir: str, names: Collection[str] | None = None) -> dict[str, list[str]]:
        """Return, by name, files that an index has named and that the version does not have."""
        indexed_names = "" if names is None else "AND indexed.name = ANY(%(names)s)"
        query = _REMOVED.format(
            in_version=IN_VERSION, names=_among(names), indexed_names=indexed_names
        )
        found: dict[str, list[str]] = {}
        for name, filename in self._rows(query, names, subdir=subdir):
            found.setdefault(name, []).append(filename)
        return {name: sorted(filenames) for name, filenames in found.items()}

    def _rows(
        self, query: str, names: Collection[str] | None, **values: Any
    ) -> Iterator[tuple[Any, ...]]:
        values |= {**self._parameters, "names": list(names or ())}
        if names is not None and len(names) <= FEW:
            with prepared_cursor() as cursor:
                cursor.execute(query, values)
                yield from cursor.fetchall()
            return
        # Outside of a transaction the cursor would be WITH HOLD, and PostgreSQL would store the
        # whole result before it returned the first row.
        with transaction.atomic(), closing(connection.chunked_cursor()) as cursor:
            with connection.cursor() as settings:
                settings.execute(f"SET LOCAL work_mem = '{_SORTING_MEMORY}'")
            cursor.execute(query, values)
            while rows := cursor.fetchmany(_ROWS_PER_FETCH):
                yield from rows


def _decoded(json: str | None) -> Any:
    if json is None:
        return None
    return {} if json == "{}" else msgspec.json.decode(json)


def _among(names: Collection[str] | None) -> str:
    if names is None:
        return ""
    return "AND package.name = ANY(%(names)s) AND package._pulp_domain_id = %(domain)s"
