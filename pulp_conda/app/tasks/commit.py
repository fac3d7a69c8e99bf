"""The task that takes waiting uploads into a channel."""

from datetime import timedelta

from asgiref.sync import sync_to_async
from django.utils.timezone import now
from pulpcore.plugin.models import Task
from pulpcore.plugin.util import get_prn

from pulp_conda.app.channels.commit import commit_pending
from pulp_conda.app.models import CondaRepository

from .dispatching import dispatch_holding, wake_workers

_COMMIT = "pulp_conda.app.tasks.commit.acommit_pending"
"""The name of our task, as the database has it."""

_LONG_ENOUGH = timedelta(seconds=1)
"""How long a task may wait before its workers are reminded of it."""


def dispatch_commit(repository: CondaRepository) -> Task:
    """Start the commit of what waits for a repository, or find one that has yet to start.

    That one takes everything that waits when it starts, so there need be no second. The upload
    must be in the database already.
    """
    arguments = {"repository_pk": str(repository.pk)}
    yet_to_start = Task.objects.filter(
        name=_COMMIT,
        state="waiting",
        reserved_resources_record__contains=[get_prn(repository)],
    ).first()
    if yet_to_start is None:
        return dispatch_holding(repository, acommit_pending, arguments)
    if now() - yet_to_start.pulp_created > _LONG_ENOUGH:
        wake_workers()
    return yet_to_start


async def acommit_pending(repository_pk: str) -> None:
    """Commit what waits for a repository; a coroutine, as pulpcore's immediate tasks must be."""
    repository = await CondaRepository.objects.aget(pk=repository_pk)
    await sync_to_async(commit_pending)(repository)
