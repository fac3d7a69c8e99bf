"""Stage what an upstream has of changed names, and save its packages as content units.

The tables are temporary: they belong to the session of the task, and end with it. Units are saved
in batches, and saving them again does no harm. Until a version holds them, their date keeps them
from orphan clean-up.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from django.db import connection, transaction
from pulpcore.plugin.util import get_domain_pk

from pulp_conda.app.core.keys import NEW_KEY
from pulp_conda.app.failpoints import failpoint
from pulp_conda.app.models import CondaPackage

NAMES: Final = "conda_sync_name"
"""The names that are compared: `subdir`, `name`."""
STAGED: Final = "conda_sync_staged"
"""What the upstream has of these names: one row for each package."""
_BATCH: Final = "conda_sync_batch"

_CREATE = f"""
    DROP TABLE IF EXISTS {NAMES}, {STAGED}, {_BATCH};
    CREATE TEMPORARY TABLE {NAMES} (subdir text, name text);
    CREATE TEMPORARY TABLE {STAGED} (
        unit uuid, subdir text, name text, filename text, sha256 text, md5 text, indexed bigint,
        misnamed boolean);
    CREATE TEMPORARY TABLE {_BATCH} (
        unit uuid, subdir text, name text, filename text, version text, build text,
        build_number bigint, "timestamp" bigint, extension text, sha256 text, md5 text, size bigint,
        license text, record_json text, record_digest text, run_exports jsonb, indexed bigint,
        misnamed boolean);
"""

# In the order of paths, so that two syncs cannot wait for each other. Keys in the order of time
# are appended to the indexes.
_FIND = f"""
    UPDATE {_BATCH} batch SET unit = package.content_ptr_id
      FROM conda_condapackage package
     WHERE package._pulp_domain_id = %(domain)s AND package.subdir = batch.subdir
       AND package.filename = batch.filename AND package.sha256 = batch.sha256
       AND package.record_digest = batch.record_digest
"""  # noqa: S608 (of constants)
_TOUCH = f"""
    WITH known AS MATERIALIZED (
        SELECT pulp_id FROM core_content JOIN {_BATCH} batch ON batch.unit = pulp_id
         ORDER BY pulp_id FOR NO KEY UPDATE OF core_content
    )
    UPDATE core_content SET timestamp_of_interest = now()
      FROM known WHERE core_content.pulp_id = known.pulp_id
"""  # noqa: S608 (of constants)
_PACKAGES = f"""
    INSERT INTO conda_condapackage
           (content_ptr_id, _pulp_domain_id, subdir, name, filename, version, build, build_number,
            "timestamp", extension, sha256, md5, sha1, size, license, record_json, record_digest,
            run_exports, about, traits)
    SELECT {{key}}, %(domain)s, subdir, name, filename, version, build, build_number, "timestamp",
           extension, sha256, md5, '', size, license, record_json, record_digest, run_exports,
           '{{{{}}}}', '{{{{}}}}'
      FROM {_BATCH} WHERE unit IS NULL
     ORDER BY subdir, filename, sha256, record_digest
    ON CONFLICT DO NOTHING
    RETURNING content_ptr_id, subdir, filename
"""  # noqa: S608 (of constants)
_CONTENT = """
    WITH package AS ({packages}), content AS (
        INSERT INTO core_content
               (pulp_id, pulp_created, pulp_last_updated, pulp_type, pulp_labels,
                timestamp_of_interest, pulp_domain_id)
        SELECT content_ptr_id, now(), now(), %(type)s, '', now(), %(domain)s FROM package
    )
    INSERT INTO core_contentartifact
           (pulp_id, pulp_created, pulp_last_updated, content_id, artifact_id, relative_path)
    SELECT {key}, now(), now(), content_ptr_id, NULL, subdir || '/' || filename FROM package
"""
_KEEP = f"""
    INSERT INTO {STAGED} (unit, subdir, name, filename, sha256, md5, indexed, misnamed)
    SELECT unit, subdir, name, filename, sha256, md5, indexed, misnamed FROM {_BATCH}
"""  # noqa: S608 (of constants)
# Two names can only list one file if it is misnamed under one of them.
_DROP_CONTESTED = f"""
    DELETE FROM {STAGED} contested USING {STAGED} other
     WHERE contested.misnamed
       AND other.subdir = contested.subdir AND other.filename = contested.filename
       AND (NOT other.misnamed OR other.name < contested.name)
    RETURNING contested.subdir || '/' || contested.filename, contested.name
"""  # noqa: S608 (of constants)


COLUMNS: Final = (
    "subdir", "name", "filename", "version", "build", "build_number", "timestamp", "extension",
    "sha256", "md5", "size", "license", "record_json", "record_digest", "run_exports", "indexed",
    "misnamed",
)  # fmt: skip
"""The columns of a staged package: fields of `CondaPackage` with their texts as they are stored.

`indexed` is when the channel's index named the file first, in milliseconds; None for the time of
the subdir's oldest file. `misnamed` is `MirroredRecord.is_misnamed`.
"""
_COPIED: Final = ", ".join(f'"{column}"' for column in COLUMNS)

Row = tuple[object, ...]
"""The values of `COLUMNS`."""


class Staging:
    """The staged names and packages of one sync."""

    def __init__(self) -> None:
        """Create the tables, empty."""
        with connection.cursor() as cursor:
            cursor.execute(_CREATE)

    def add_names(self, subdir: str, names: Iterable[str]) -> None:
        """Let names of a subdir be compared. The upstream may have no package of them."""
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY {NAMES} (subdir, name) FROM STDIN") as copy,
        ):
            for name in names:
                copy.write_row((subdir, name))

    def add(self, packages: Sequence[Row]) -> None:
        """Save packages of staged names as units that have no file yet, in one transaction."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {_BATCH}")
            with cursor.copy(f"COPY {_BATCH} ({_COPIED}) FROM STDIN") as copy:
                for package in packages:
                    copy.write_row(package)
            self._save_units(cursor)
        failpoint("units staged")

    def _save_units(self, cursor: Any) -> None:
        values = {"domain": get_domain_pk(), "type": CondaPackage.get_pulp_type()}
        cursor.execute(f"ANALYZE {_BATCH}")
        cursor.execute(_FIND, values)
        cursor.execute(_TOUCH)
        packages = _PACKAGES.format(key=NEW_KEY)
        cursor.execute(_CONTENT.format(packages=packages, key=NEW_KEY), values)
        # Those that were saved just now, and those that another sync saved at the same time.
        cursor.execute(f"{_FIND} AND batch.unit IS NULL", values)
        cursor.execute(_KEEP)

    def withdraw(self, subdir: str, names: AbstractSet[str]) -> None:
        """Let names of a subdir stay as they are."""
        with connection.cursor() as cursor:
            for table in (NAMES, STAGED):
                cursor.execute(
                    f"DELETE FROM {table} WHERE subdir = %s AND name = ANY(%s)",  # noqa: S608
                    [subdir, list(names)],
                )

    def drop(self, subdir: str) -> None:
        """Forget what was staged of a subdir."""
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {NAMES} WHERE subdir = %s", [subdir])  # noqa: S608
            cursor.execute(f"DELETE FROM {STAGED} WHERE subdir = %s", [subdir])  # noqa: S608

    def drop_contested(self) -> list[tuple[str, str]]:
        """Leave each path to one name; return the paths that other names list, and these names.

        A path belongs to the name that its file name is made of, else to the first one.
        """
        with connection.cursor() as cursor:
            cursor.execute(_DROP_CONTESTED)
            return sorted(cursor.fetchall())

    def analyze(self) -> None:
        """Gather statistics of the staged rows, before they are compared."""
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {NAMES}")
            cursor.execute(f"ANALYZE {STAGED}")
