"""The task that takes packages out of a channel."""

from datetime import datetime

from asgiref.sync import sync_to_async
from pulpcore.plugin.models import Task

from pulp_conda.app.channels.remove import Removal, Selection, carry_out
from pulp_conda.app.models import CondaRepository

from .dispatching import dispatch_holding


def dispatch_remove(repository: CondaRepository, removal: Removal) -> Task:
    """Start the removal of packages."""
    arguments = {
        "repository_pk": str(repository.pk),
        "selection": removal.selection,
        "newest": removal.newest,
        "expires": removal.expires.isoformat(),
    }
    return dispatch_holding(repository, aremove, arguments)


async def aremove(repository_pk: str, selection: Selection, newest: int, expires: str) -> None:
    """Remove packages; a coroutine, as pulpcore's immediate tasks must be."""
    repository = await CondaRepository.objects.aget(pk=repository_pk)
    removal = Removal(selection, newest, datetime.fromisoformat(expires))
    await sync_to_async(carry_out)(removal, repository)
