"""Record when the index of a channel first named each file (`indexed_timestamp`, CEP 47)."""

from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.app.core.prepared import prepared_cursor

from .version_packages import IN_VERSION, VERSIONS_SINCE, version_parameters

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
    parameters = {**version_parameters(version), "since": since}
    added = "" if since is None else f"AND membership.version_added_id = {VERSIONS_SINCE}"
    with prepared_cursor() as cursor:
        cursor.execute(_INSERT.format(in_version=IN_VERSION, added=added), parameters)
