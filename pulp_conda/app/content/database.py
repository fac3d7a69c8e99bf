"""Asking the database from the content app: one hop to its thread for all that a request needs."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from aiohttp.web import HTTPServiceUnavailable
from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, connection

_P = ParamSpec("_P")
_T = TypeVar("_T")


@sync_to_async
def ask(work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Do work in the thread that holds the connection to the database.

    Raises:
        HTTPServiceUnavailable: the database cannot be reached.
    """
    return with_database(work, *args, **kwargs)


def with_database(work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Do work in this thread, if need be by a new connection to the database.

    Raises:
        HTTPServiceUnavailable: the database cannot be reached.
    """
    try:
        return work(*args, **kwargs)
    except (InterfaceError, OperationalError):
        # The content app keeps its connection for as long as it runs; the database may not.
        connection.close()
    try:
        return work(*args, **kwargs)
    except (InterfaceError, OperationalError) as error:
        text = "The server's database cannot be reached; try again.\n"
        raise HTTPServiceUnavailable(text=text, headers={"Retry-After": "5"}) from error
