"""Database sessions beside that of the tests, as other processes have."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def other_session() -> Iterator[Any]:
    """Yield a cursor of another session, which ends with the context and sees no test's rows."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            yield cursor
    finally:
        other.close()
