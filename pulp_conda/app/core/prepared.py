"""Execute the statements of the hot path as prepared statements.

PostgreSQL plans a statement again each time that Django executes it. Planning the statements of an
upload, which touch several tables by their indexes, takes a quarter of their time, and planning
the statement of `models/access_facts` several times as long as executing it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg import Connection, Cursor
from psycopg.abc import Params, QueryNoTemplate

FEW: Final = 50
"""The most rows that the plan of a prepared statement suits."""

# Django has no public way to wrap a cursor of psycopg in its own, which counts statements and
# translates errors.
_connection: Any = connection


class _PreparedCursor(Cursor[tuple[object, ...]]):
    def execute(  # type: ignore[override] # Django gives no other arguments
        self, query: QueryNoTemplate, params: Params | None = None
    ) -> Self:
        return super().execute(query, params, prepare=True)


@contextmanager
def prepared_cursor(rows: int = 1) -> Iterator[CursorWrapper]:
    """Yield a cursor whose statements are planned a few times for each connection to the database.

    The text of a statement has to be the same each time. `rows` is the largest number of rows that
    its parameters list or that it has to touch. For more than a few, the cursor plans it each time:
    the plan of a prepared statement is made for a few rows, perhaps while the tables are small, and
    may compare each row to all others.

    A prepared statement belongs to its session as advisory locks do, so that a pooler which shares
    sessions between transactions can be used for neither.
    """
    if rows > FEW:
        with connection.cursor() as cursor:
            yield cursor
        return
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    session: Connection[tuple[object, ...]] = _connection.connection
    if session.prepare_threshold is None:  # Django's default, with which psycopg prepares nothing
        session.prepare_threshold = sys.maxsize
    with _connection._prepare_cursor(_PreparedCursor(session)) as cursor:
        yield cursor
