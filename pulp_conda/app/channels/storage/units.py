"""Save a content unit together with its file, and the change that waits for it, by one statement.

pulpcore's models take six statements for a package, with a savepoint for each class. The rows are
the same (`tests/database/test_units.py`).
"""

from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from django.db import IntegrityError, connection
from django.db.models import Model
from pulpcore.plugin.models import Artifact, Content, ContentArtifact

from pulp_conda.app.core.prepared import prepared_cursor
from pulp_conda.app.failpoints import failpoint
from pulp_conda.app.models import CondaPackage, CondaRepodataPatch, PendingChange

from .artifacts import make_whole, store_file

# Rows that exist already are updated without a change, because only then are their keys returned.
# Only these have an `xmax`.
# The foreign keys between these tables are checked when the transaction ends.
_SAVE = """
    WITH artifact AS ({artifact}), unit AS (
        INSERT INTO {table} ({columns}) VALUES ({values})
        ON CONFLICT ({identity}) DO UPDATE SET sha256 = excluded.sha256
        RETURNING content_ptr_id AS pk, xmax = 0 AS is_new
    ), content AS (
        INSERT INTO core_content ({content_columns}) SELECT {content_values} FROM unit WHERE is_new
    ), touched AS (
        UPDATE core_content SET timestamp_of_interest = %(timestamp_of_interest)s FROM unit
         WHERE pulp_id = unit.pk AND NOT is_new
    ), file AS (
        INSERT INTO core_contentartifact
               (pulp_id, pulp_created, pulp_last_updated, content_id, artifact_id, relative_path)
        SELECT %(file_id)s, %(pulp_created)s, %(pulp_created)s, unit.pk, artifact.pk,
               %(relative_path)s
          FROM unit CROSS JOIN artifact
        ON CONFLICT (content_id, relative_path) DO UPDATE SET artifact_id = excluded.artifact_id
         WHERE core_contentartifact.artifact_id IS NULL
    ), change AS ({change})
    SELECT unit.pk, change.id FROM unit CROSS JOIN change
"""
ARTIFACT = """
    INSERT INTO core_artifact ({columns}) VALUES ({values})
    ON CONFLICT (sha256, pulp_domain_id)
    DO UPDATE SET timestamp_of_interest = excluded.timestamp_of_interest
    RETURNING pulp_id AS pk
"""
_NO_ARTIFACT = "SELECT NULL::uuid AS pk"
_CHANGE = """
    INSERT INTO conda_pendingchange (repository_id, kind, package_id, replaces, payload, expires)
    SELECT %(repository)s, %(kind)s, unit.pk, %(replaces)s, '{}', %(expires)s FROM unit
    RETURNING id
"""
_NO_CHANGE = "SELECT NULL::bigint AS id"

_TRIES = 3

_Unit = TypeVar("_Unit", CondaPackage, CondaRepodataPatch)


def save_unit(
    unit: _Unit,
    artifact: Artifact | None,
    path: Path | None = None,
    *,
    upload: PendingChange | None = None,
) -> _Unit:
    """Save a content unit and its file; give the unit the key of the equal unit, if one existed.

    `artifact` is its file, at `path` in the working directory; None if the server does not have the
    file. An existing unit without a file gets it: the file was reclaimed, or the unit was saved
    from a record. What exists is touched, so that orphan clean-up spares it. With `upload`, that
    change waits for its repository's next commit from now on.
    """
    is_new = store_file(artifact, path) if artifact and path else True
    failpoint("file stored")
    key, change = fetched_row(*_statement(unit, artifact, upload))
    unit.pk = unit.pulp_id = key
    failpoint("unit saved")
    if upload:
        upload.pk, upload.package_id = change, key
    if artifact and path and not is_new:
        # Orphan clean-up may have deleted the old artifact and its file in the meantime.
        make_whole(artifact, path)
    return unit


def fetched_row(statement: str, values: dict[str, Any]) -> Any:
    """Execute a statement that saves an artifact; return the first row of its result."""
    tries_left = _TRIES
    while True:
        try:
            with prepared_cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchone()
        except IntegrityError:
            # Another request saves the same bytes at this moment, and PostgreSQL compared another
            # digest of the artifact before SHA-256.
            tries_left -= 1
            if not tries_left:
                raise


def _statement(
    unit: _Unit, artifact: Artifact | None, upload: PendingChange | None
) -> tuple[str, dict[str, Any]]:
    parts = {"artifact": _NO_ARTIFACT, "change": _NO_CHANGE}
    unit.content_ptr_id = unit.pulp_id
    values = {
        **column_values(unit, Content),
        **column_values(unit, type(unit)),
        "file_id": ContentArtifact().pk,
        "relative_path": unit.relative_path,
    }
    if artifact:
        parts["artifact"] = ARTIFACT.format(**column_lists(Artifact, "artifact_"))
        values |= column_values(artifact, Artifact, "artifact_")
    if upload:
        parts["change"] = _CHANGE
        values |= {
            "repository": upload.repository_id,
            "kind": upload.kind,
            "replaces": upload.replaces,
            "expires": upload.expires,
        }
    content = {f"content_{name}": text for name, text in column_lists(Content).items()}
    return _SAVE.format(
        table=type(unit)._meta.db_table,
        identity=", ".join(_identity(type(unit))),
        **column_lists(type(unit)),
        **content,
        **parts,
    ), values


def _identity(model: type[Model]) -> list[str]:
    """Return the columns by which a unit is unique among those of its type."""
    (names,) = model._meta.unique_together
    return [field.attname for field in model._meta.local_concrete_fields if field.name in names]


def column_values(instance: Model, model: type[Model], prefix: str = "") -> dict[str, Any]:
    """Return the values of the columns of one table of a model, as Django would insert them."""
    return {
        f"{prefix}{field.attname}": field.get_db_prep_save(
            field.pre_save(instance, add=True), connection
        )
        for field in model._meta.local_concrete_fields
    }


@cache
def column_lists(model: type[Model], prefix: str = "") -> dict[str, str]:
    """Return the lists of the columns of a table, and of the parameters with their values."""
    columns = [field.attname for field in model._meta.local_concrete_fields]
    return {
        "columns": ", ".join(columns),
        "values": ", ".join(f"%({prefix}{column})s" for column in columns),
    }
