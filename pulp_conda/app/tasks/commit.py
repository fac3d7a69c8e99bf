"""The task that applies the pending changes of a channel."""

from functools import partial

from asgiref.sync import sync_to_async
from pulpcore.plugin.models import Task

from pulp_conda.app.channels.changes.commit import commit_pending
from pulp_conda.app.models import CondaRepository

from .dispatching import dispatch_holding


def dispatch_commit(repository: CondaRepository) -> Task:
    """Start the commit of a repository's pending changes, which must be in the database."""
    pk = str(repository.pk)
    arguments = {"repository_pk": pk}
    return dispatch_holding(repository, acommit_pending, arguments, partial(_commit_pending, pk))


async def acommit_pending(repository_pk: str) -> None:
    """Commit a repository's pending changes; a coroutine, as pulpcore's immediate tasks must be."""
    await sync_to_async(_commit_pending)(repository_pk)


def _commit_pending(repository_pk: str) -> None:
    # Loaded now that it is held, because others may have changed it since the request began.
    commit_pending(CondaRepository.objects.get(pk=repository_pk))
