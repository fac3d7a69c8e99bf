"""The task that applies the pending changes of a channel."""

from functools import partial

from asgiref.sync import sync_to_async
from pulpcore.plugin.models import Task

from pulp_conda.app.channels.changes.commit import commit_pending
from pulp_conda.app.models import CondaRepository

from .dispatching import dispatch_on_repository


def dispatch_commit(repository: CondaRepository) -> Task:
    """Start the commit of a repository's pending changes, which are in the database already."""
    pk = str(repository.pk)
    run = partial(_commit_pending, pk)
    return dispatch_on_repository(repository, acommit_pending, {"repository_pk": pk}, run)


async def acommit_pending(repository_pk: str) -> None:
    """Commit a repository's pending changes. pulpcore's immediate tasks must be coroutines."""
    await sync_to_async(_commit_pending)(repository_pk)


def _commit_pending(repository_pk: str) -> None:
    # Loaded only now that the task holds it, because others may have changed it since the request.
    commit_pending(CondaRepository.objects.get(pk=repository_pk))
