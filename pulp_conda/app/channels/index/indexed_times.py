"""Record when the index of a channel first named each file (`indexed_timestamp`, CEP 47)."""

from django.db import connection
from pulpcore.plugin.models import RepositoryVersion

from .version_packages import IN_VERSION, version_parameters, versions_since

# Rows are inserted in the order of the table's index, which then grows at its end.
_INSERT = """
    INSERT INTO conda_indexedfile
           (repository_id, sha256, subdir, name, filename, version, timestamp)
    SELECT %(repository)s, package.sha256, package.subdir, package.name, package.filename,
           %(number)s, %(timestamp)s
      {packages}
       AND NOT EXISTS (SELECT 1 FROM conda_indexedfile AS indexed
                        WHERE indexed.repository_id = %(repository)s
                          AND indexed.sha256 = package.sha256
                          AND indexed.subdir = package.subdir
                          AND indexed.name = package.name
                          AND indexed.filename = package.filename)
     ORDER BY package.subdir, package.name, package.filename, package.sha256
    ON CONFLICT DO NOTHING
"""

# Without the numbers of versions, which take as long to plan as the rest.
_ADDED = """
      FROM core_repositorycontent AS membership
      JOIN conda_condapackage AS package ON package.content_ptr_id = membership.content_id
     WHERE membership.version_added_id = ANY(%(versions)s)
       AND (membership.version_removed_id IS NULL
            OR membership.version_removed_id <> ALL(%(versions)s))
"""


def record_indexed_times(version: RepositoryVersion, *, since: int | None) -> None:
    """Record the files of a version that no previous index of the channel named.

    `since` is the number of a version whose files are all recorded, None if there is none.
    """
    parameters = version_parameters(version)
    if since is not None:
        parameters["versions"] = versions_since(version, since)
    packages = IN_VERSION if since is None else _ADDED
    with connection.cursor() as cursor:
        cursor.execute(_INSERT.format(packages=packages), parameters)
