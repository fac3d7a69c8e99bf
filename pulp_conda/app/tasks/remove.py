"""The task that takes packages out of a channel."""

from datetime import datetime
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from pulpcore.plugin.models import Task

from pulp_conda.app.channels.changes.remove import Removal, Selection, carry_out
from pulp_conda.app.models import CondaRepository

from .dispatching import dispatch_holding


def dispatch_remove(repository: CondaRepository, removal: Removal) -> Task:
    """Start the removal of packages."""
    arguments: dict[str, Any] = {
        "repository_pk": str(repository.pk),
        "selection": removal.selection,
        "newest": removal.newest,
        "expires": removal.expires.isoformat(),
    }
    return dispatch_holding(repository, aremove, arguments, partial(_remove, **arguments))


async def aremove(repository_pk: str, selection: Selection, newest: int, expires: str) -> None:
    """Remove packages; a coroutine, as pulpcore's immediate tasks must be."""
    await sync_to_async(_remove)(repository_pk, selection, newest, expires)


def _remove(repository_pk: str, selection: Selection, newest: int, expires: str) -> None:
    # As it is now that it is held: others may have changed it since the request began.
    repository = CondaRepository.objects.get(pk=repository_pk)
    carry_out(Removal(selection, newest, datetime.fromisoformat(expires)), repository)
