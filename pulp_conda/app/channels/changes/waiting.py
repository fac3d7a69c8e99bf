"""Read the changes that wait for a channel's next version.

One statement reads them together with the packages that the channel has at their paths.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from pulpcore.plugin.models import RepositoryVersion

from pulp_conda.app.core.prepared import prepared_cursor
from pulp_conda.app.models import UPLOAD


class StoredPackage(NamedTuple):
    """A saved package, as far as a decision needs it."""

    pk: UUID
    path: str
    sha256: str
    size: int


class Held(NamedTuple):
    """A package that a version of a channel has."""

    pk: UUID
    since: int
    """The number of the version that added it."""


class Upload(NamedTuple):
    """An upload that waits."""

    key: int
    package: StoredPackage
    replaces: bool
    """Whether it may replace a package of the same path."""
    held: Held | None
    """The package that the channel has at the path."""


class Removal(NamedTuple):
    """A removal that waits."""

    key: int
    selection: Mapping[str, str]
    """Fields of the packages to remove, with their values."""
    newest: int
    """The number of the latest version when the removal was asked for."""


_WAITING = """
    SELECT change.id, change.kind, change.replaces, change.payload,
           package.content_ptr_id, package.subdir || '/' || package.filename, package.sha256,
           package.size, held.pk, held.since
      FROM conda_pendingchange change
      LEFT JOIN conda_condapackage package ON package.content_ptr_id = change.package_id
      LEFT JOIN LATERAL (
            SELECT other.content_ptr_id AS pk, added.number AS since
              FROM conda_condapackage other
              JOIN core_repositorycontent membership
                ON membership.content_id = other.content_ptr_id
              JOIN core_repositoryversion added ON added.pulp_id = membership.version_added_id
              LEFT JOIN core_repositoryversion removed
                ON removed.pulp_id = membership.version_removed_id
             WHERE other._pulp_domain_id = package._pulp_domain_id
               AND other.subdir = package.subdir AND other.filename = package.filename
               AND membership.repository_id = change.repository_id
               AND added.number <= %(latest)s
               AND (membership.version_removed_id IS NULL OR removed.number > %(latest)s)
           ) held ON true
     WHERE change.repository_id = %(repository)s AND change.outcome IS NULL
       AND change.expires >= %(moment)s
     ORDER BY change.id
"""


def waiting_changes(latest: RepositoryVersion, moment: datetime) -> list[Upload | Removal]:
    """Return the changes that wait for the version after `latest`, in the order of their arrival.

    Those that expired before `moment` are left out.
    """
    values: dict[str, Any] = {"repository": latest.repository_id, "latest": latest.number}
    with prepared_cursor() as cursor:
        cursor.execute(_WAITING, {**values, "moment": moment})
        return [_change(*row) for row in cursor.fetchall()]


def _change(key: int, kind: str, replaces: bool, payload: str, *row: Any) -> Upload | Removal:
    if kind != UPLOAD:
        # Django makes psycopg return JSON as text.
        return Removal(key, **msgspec.json.decode(payload))
    held = Held(*row[4:]) if row[4] is not None else None
    return Upload(key, StoredPackage(*row[:4]), replaces, held)
