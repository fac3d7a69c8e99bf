"""Compare what was staged with the newest version of the channel."""

from typing import Any, Final, NamedTuple

from django.db import connection
from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.app.channels.index.version_packages import IN_VERSION, version_parameters
from pulp_conda.app.models import MIRROR

from .staging import NAMES, STAGED

DELTA: Final = "conda_sync_delta"
"""A relation as `Delta.staged` takes it, with the paths."""
_CURRENT: Final = "conda_sync_current"
LISTED: Final = 1000
"""How many paths of each kind are listed."""

_CREATE = f"""
    DROP TABLE IF EXISTS {DELTA}, {_CURRENT};
    CREATE TEMPORARY TABLE {DELTA} (
        content_id uuid, operation text, subdir text, filename text, change text);
    CREATE TEMPORARY TABLE {_CURRENT} (
        unit uuid, subdir text, filename text, sha256 text, md5 text);
"""
# The names are few, or all that the channel has. An index that begins with the domain finds few.
_FILL_CURRENT = f"""
    INSERT INTO {_CURRENT} (unit, subdir, filename, sha256, md5)
    SELECT package.content_ptr_id, package.subdir, package.filename, package.sha256, package.md5
      {IN_VERSION} AND package._pulp_domain_id = %(domain)s AND EXISTS (
        SELECT FROM {NAMES} listed
         WHERE listed.subdir = package.subdir AND listed.name = package.name)
"""  # noqa: S608 (of constants)
# A path has one package, and the name that was read last has it.
_FILL_CONTESTED = f"""
    INSERT INTO {_CURRENT} (unit, subdir, filename, sha256, md5)
    SELECT package.content_ptr_id, package.subdir, package.filename, package.sha256, package.md5
      {IN_VERSION} AND package._pulp_domain_id = %(domain)s AND EXISTS (
        SELECT FROM {STAGED} staged
         WHERE staged.subdir = package.subdir AND staged.filename = package.filename
           AND staged.name <> package.name)
       AND NOT EXISTS (
        SELECT FROM {NAMES} listed
         WHERE listed.subdir = package.subdir AND listed.name = package.name)
"""  # noqa: S608 (of constants)
# A digest that one of the records lacks says nothing about the bytes.
_SAME_BYTES = """
    CASE WHEN '' NOT IN (staged.sha256, held.sha256) THEN staged.sha256 = held.sha256
         ELSE staged.md5 = held.md5 END
"""
_FILL_DELTA = f"""
    WITH compared AS (
        SELECT staged.unit AS new, held.unit AS old, subdir, filename,
               held.unit IS NOT NULL AND staged.unit IS NOT NULL AND NOT ({_SAME_BYTES})
               AS is_replaced
          FROM {STAGED} staged FULL JOIN {_CURRENT} held USING (subdir, filename)
         WHERE staged.unit IS DISTINCT FROM held.unit
           AND (staged.unit IS NOT NULL OR %(removes)s)
    )
    INSERT INTO {DELTA} (content_id, operation, subdir, filename, change)
    SELECT new, 'A', subdir, filename,
           CASE WHEN old IS NULL THEN 'added' WHEN is_replaced THEN 'replaced' ELSE 'changed' END
      FROM compared WHERE new IS NOT NULL AND NOT (is_replaced AND %(holds)s)
     UNION ALL
    SELECT old, 'R', subdir, filename, CASE WHEN new IS NULL THEN 'removed' END
      FROM compared WHERE old IS NOT NULL AND NOT (is_replaced AND %(holds)s)
     UNION ALL
    SELECT NULL, NULL, subdir, filename, 'held' FROM compared WHERE is_replaced AND %(holds)s
"""  # noqa: S608 (of constants)
_COUNTS = f"SELECT change, count(*) FROM {DELTA} WHERE change IS NOT NULL GROUP BY 1"  # noqa: S608
_PATHS = f"""
    SELECT subdir || '/' || filename FROM {DELTA} WHERE change = %s ORDER BY 1 LIMIT {LISTED}
"""  # noqa: S608 (of constants)

CHANGES: Final = ("added", "removed", "replaced", "changed", "held")
"""What can happen to a path. Of `changed` ones the record differs, and the file is the same."""


class Difference(NamedTuple):
    """The number of paths of each of `CHANGES`, and the first thousand of them."""

    counts: dict[str, int]
    paths: dict[str, list[str]]

    @property
    def size(self) -> int:
        """The number of paths at which the channel changes."""
        return sum(count for change, count in self.counts.items() if change != "held")

    @property
    def is_empty(self) -> bool:
        """Whether the channel stays as it is."""
        return not self.size


def compare(latest: RepositoryVersion, *, mode: str, holds: bool) -> Difference:
    """Fill the table `DELTA` with what makes the channel have what was staged.

    `latest` is the channel's newest version. In the mode `MIRROR`, packages of the staged names
    that were not staged leave the channel. With `holds` the channel keeps a file whose bytes
    changed under its name.
    """
    values: dict[str, Any] = {"removes": mode == MIRROR, "holds": holds}
    with connection.cursor() as cursor:
        cursor.execute(_CREATE)
        cursor.execute(_FILL_CURRENT, version_parameters(latest))
        cursor.execute(_FILL_CONTESTED, version_parameters(latest))
        cursor.execute(f"ANALYZE {_CURRENT}")
        cursor.execute(_FILL_DELTA, values)
        cursor.execute(f"ANALYZE {DELTA}")
        cursor.execute(_COUNTS)
        counts = dict.fromkeys(CHANGES, 0) | dict(cursor.fetchall())
        paths = {}
        for change in CHANGES:
            cursor.execute(_PATHS, [change])
            paths[change] = [path for (path,) in cursor.fetchall()]
    return Difference(counts, paths)
