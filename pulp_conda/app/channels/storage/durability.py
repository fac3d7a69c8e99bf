"""Control when PostgreSQL flushes the transactions of an upload to disk."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connection


@contextmanager
def deferred_fsync() -> Iterator[None]:
    """Run transactions with `synchronous_commit = off`.

    An upload has about eight transactions, and only its commit must survive a crash. `durable()`
    in that one flushes it and all transactions before it. A client must not be told anything
    that rests on another transaction.
    """
    _set("off")
    try:
        yield
    finally:
        try:
            _set("default")
        except Error:
            # The connection is unusable. The next request must not get it with this setting.
            with suppress(Error):
                connection.close()


def durable() -> None:
    """Flush the current transaction, and all before it, to disk when it commits."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO DEFAULT")


def _set(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET synchronous_commit TO {value}")
