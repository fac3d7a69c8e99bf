"""The difference of a new version from its base, as a relation in the database."""

import sys
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from django.db import connection


@dataclass(frozen=True, slots=True)
class Delta:
    """Content that a version adds and removes.

    `relation` is an SQL expression for a FROM clause, with the columns `content_id` (uuid) and
    `operation` (text: "A" adds, "R" removes). `remaining` is an SQL condition that is true if the
    content `id` is not removed. `parameters` are those of both expressions: `added` and `removed`.
    `rows` is the largest number of rows of the relation.
    """

    relation: str
    remaining: str
    removes: bool
    parameters: dict[str, Any]
    rows: int

    @classmethod
    def listed(cls, add: Collection[UUID], remove: Collection[UUID]) -> Self:
        """Return a small delta. Its content ids are parameters of each statement."""
        return cls(
            relation="""(
                SELECT unnest(%(added)s::uuid[]) AS content_id, 'A' AS operation
                 UNION ALL
                SELECT unnest(%(removed)s::uuid[]), 'R'
            )""",
            remaining="id <> ALL (%(removed)s::uuid[])",
            removes=bool(remove),
            parameters={"added": list(add), "removed": list(remove)},
            rows=len(add) + len(remove),
        )

    @classmethod
    def staged(cls, table: str) -> Self:
        """Return a delta of any size from a table with the columns of `relation`.

        The table has one row for each content id. The caller has analyzed it if it is large.
        """
        name = connection.ops.quote_name(table)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT EXISTS (SELECT FROM {name} WHERE operation = 'R')")  # noqa: S608 (quoted)
            removes = bool(cursor.fetchone()[0])
        gone = f"SELECT FROM {name} d WHERE d.operation = 'R' AND d.content_id = id"
        return cls(name, f"NOT EXISTS ({gone})", removes, {}, sys.maxsize)
