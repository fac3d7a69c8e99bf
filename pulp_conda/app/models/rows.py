"""Reads instances of models from the rows of statements that are written out."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TypeVar

from django.db import connection
from django.db.models import Model

_M = TypeVar("_M", bound=Model)
_Convert = Callable[[object, None, object], object]


def columns(model: type[Model]) -> str:
    """Return the columns of a model and of its parents, for the list of a SELECT."""
    fields = model._meta.concrete_fields
    return ", ".join(f"{field.model._meta.db_table}.{field.column}" for field in fields)


def take(model: type[Model], row: Iterator[object]) -> tuple[object, ...] | None:
    """Take the values of `columns(model)` from a row, None if an outer join found no such row."""
    values = tuple(next(row) for _ in model._meta.concrete_fields)
    return None if values[0] is None else values  # the first is a key


def read(model: type[_M], values: Sequence[object] | None) -> _M | None:
    """Return an instance of a model, as a query of Django does."""
    if values is None:
        return None
    names, converters = _fields(model)
    converted = list(values)
    for index, convert in converters:
        converted[index] = convert(converted[index], None, connection)
    return model.from_db(connection.alias, names, converted)


@cache
def _fields(model: type[Model]) -> tuple[list[str], list[tuple[int, _Convert]]]:
    """Return the names of a model's fields, and the converters of the fields that have one."""
    fields = model._meta.concrete_fields
    converters: list[tuple[int, _Convert]] = [
        (index, convert)
        for index, field in enumerate(fields)
        for convert in field.get_db_converters(connection)
    ]
    return [field.attname for field in fields], converters
