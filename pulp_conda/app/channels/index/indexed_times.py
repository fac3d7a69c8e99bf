"""Record when the index of a channel first named each file (`indexed_timestamp`, CEP 47)."""

from uuid import UUID

from django.db import connection
from pulpcore.plugin.models import RepositoryVersion

from .version_packages import IN_VERSION, version_parameters

# Rows are inserted in the order of the table's index, which then grows at its end.
_INSERT = """
    INSERT INTO conda_indexedfile
           (repository_id, sha256, subdir, name, filename, version, timestamp)
    SELECT %(repository)s, package.sha256, package.subdir, package.name, package.filename,
           %(number)s, %(timestamp)s
      {in_version}
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


def record_indexed_times(version: RepositoryVersion, *, since: int | None) -> None:
    """Record the files of a version that no previous index of the channel named.

    `since` is the number of a version whose files are all recorded, None if there is none.
    """
    parameters = {**version_parameters(version), "versions": _versions_after(since, version)}
    added = "" if since is None else "AND membership.version_added_id = ANY(%(versions)s)"
    with connection.cursor() as cursor:
        cursor.execute(_INSERT.format(in_version=IN_VERSION, added=added), parameters)


def _versions_after(number: int | None, version: RepositoryVersion) -> list[UUID]:
    """Return the keys of the versions after a number, up to `version`.

    PostgreSQL uses an index for keys in a list, and none for the keys of a subquery.
    """
    if number is None:
        return []
    versions = RepositoryVersion.objects.filter(
        repository_id=version.repository_id, number__gt=number, number__lte=version.number
    )
    return list(versions.values_list("pk", flat=True))
