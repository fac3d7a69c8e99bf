"""A database of a test's own, in which transactions are committed: for threads and for deaths."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connections

_names = (f"clone{number}" for number in itertools.count())


@contextmanager
def own_database() -> Iterator[None]:
    """Work with a copy of the migrated database while the block runs; nobody else may be using it.

    Each thread that used it has to close its connections before the block ends.
    """
    settings = connections.settings["default"]
    migrated, copy = settings["NAME"], next(_names)
    connections.close_all()
    _execute(f"CREATE DATABASE {copy} TEMPLATE {migrated}")
    settings["NAME"] = copy
    try:
        yield
    finally:
        connections.close_all()
        settings["NAME"] = migrated
        _execute(f"DROP DATABASE {copy} WITH (FORCE)")


def _execute(statement: str) -> None:
    settings = connections.settings["default"]
    with psycopg.connect(
        host=settings["HOST"], port=settings["PORT"], user=settings["USER"], dbname="postgres",
        autocommit=True,
    ) as connection:  # fmt: skip
        connection.execute(statement)
