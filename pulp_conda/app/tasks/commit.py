"""The task that takes waiting uploads into a channel."""

from asgiref.sync import sync_to_async
from pulpcore.plugin.models import Task
from pulpcore.plugin.tasking import dispatch

from pulp_conda.app.channels.commit import commit_pending
from pulp_conda.app.models import CondaRepository


def dispatch_commit(repository: CondaRepository) -> Task:
    """Start the commit of what waits for a repository: here and now if it is free.

    Deferred where it is not: refusing at once instead would lose uploads under load.
    """
    return dispatch(
        acommit_pending,
        kwargs={"repository_pk": str(repository.pk)},
        exclusive_resources=[repository],
        immediate=True,
        deferred=True,
    )


async def acommit_pending(repository_pk: str) -> None:
    """Commit what waits for a repository; a coroutine, as pulpcore's immediate tasks must be."""
    repository = await CondaRepository.objects.aget(pk=repository_pk)
    await sync_to_async(commit_pending)(repository)
