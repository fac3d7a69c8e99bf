"""When what an upload writes reaches the disk."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connection


@contextmanager
def durable_in_the_end() -> Iterator[None]:
    """Let transactions go on before the disk has them; `durable` ones take all before along.

    An upload takes some ten transactions, and all but one are worth nothing without that one.
    What its client is told must not rest on another.
    """
    _set("off")
    try:
        yield
    finally:
        try:
            _set("default")
        except Error:
            # The connection is as good as gone, and nobody else must get it as it is.
            with suppress(Error):
                connection.close()


def durable() -> None:
    """Have the current transaction, and all that ended before, on disk when it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO DEFAULT")


def _set(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET synchronous_commit TO {value}")
