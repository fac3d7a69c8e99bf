"""Database queries of the content app: each request does all of its queries in one call."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from aiohttp.web import HTTPServiceUnavailable
from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, connection

_P = ParamSpec("_P")
_T = TypeVar("_T")


@sync_to_async
def ask(work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Call `work` in the thread that holds the database connection.

    Raises:
        HTTPServiceUnavailable: the database cannot be reached.
    """
    return with_database(work, *args, **kwargs)


def with_database(work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Call `work` in this thread, a second time if the database connection was broken.

    Raises:
        HTTPServiceUnavailable: the database cannot be reached.
    """
    try:
        return work(*args, **kwargs)
    except (InterfaceError, OperationalError):
        # The content app never closes its connection, but the database may.
        connection.close()
    try:
        return work(*args, **kwargs)
    except (InterfaceError, OperationalError) as error:
        text = "The server's database cannot be reached; try again.\n"
        raise HTTPServiceUnavailable(text=text, headers={"Retry-After": "5"}) from error
