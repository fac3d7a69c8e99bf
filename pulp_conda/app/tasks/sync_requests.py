"""Start the sync of a channel, unless one waits or runs."""

from django.db import transaction
from pulpcore.plugin.models import Task
from pulpcore.plugin.tasking import dispatch

from pulp_conda.app.channels.sync.request import SyncOptions
from pulp_conda.app.core.tasking import TASK_INCOMPLETE_STATES
from pulp_conda.app.models import CondaRemote, CondaRepository

_SYNC = "pulp_conda.app.tasks.sync.sync"
"""The name of the task in the database."""


class SyncUnderWay(Exception):
    """The channel has a sync that waits or runs."""

    def __init__(self, task: Task) -> None:
        super().__init__(f"the sync {task.pk} waits or runs")
        self.task = task


def dispatch_sync(repository: CondaRepository, remote: CondaRemote, options: SyncOptions) -> Task:
    """Start the sync of a channel from a remote.

    The task has a resource beside the repository, because it gives the repository back while it
    asks the upstream.

    Raises:
        SyncUnderWay: a sync of the channel waits or runs.
    """
    resource = f"conda:sync:{repository.pk}"
    with transaction.atomic():
        # Of two requests at the same time, one sees the task of the other. This row is locked by
        # nothing else: uploads lock pulpcore's row of the repository.
        CondaRepository.objects.select_for_update(of=("self",), no_key=True).get(pk=repository.pk)
        under_way = Task.objects.filter(
            state__in=TASK_INCOMPLETE_STATES, reserved_resources_record__contains=[resource]
        ).first()
        if under_way:
            raise SyncUnderWay(under_way)
        return dispatch(
            _SYNC,
            kwargs={
                "repository_pk": str(repository.pk),
                "remote_pk": str(remote.pk),
                **options._asdict(),
            },
            exclusive_resources=[repository, resource],
            shared_resources=[remote],
        )
