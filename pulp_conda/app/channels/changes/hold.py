"""Let other tasks change a channel while a long task prepares its own change.

A sync asks another server for minutes. Meanwhile uploads go on.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.conf import settings
from pulpcore.plugin.models import Task
from pulpcore.plugin.util import get_prn

from pulp_conda.app.core.resources import claim_resource, is_in_use, release_resource
from pulp_conda.app.failpoints import failpoint
from pulp_conda.app.models import CondaRepository

from .abandoned_tasks import end_abandoned
from .commit_lock import commit_lock, wait_for_commit
from .task_outcome import CommitTimeout

_LONGEST_WAIT_SECONDS: Final = 600
_POLL_SECONDS: Final = 0.05


def release(repository: CondaRepository) -> None:
    """Let other tasks have a repository that the running task holds.

    The task must have another exclusive resource, so that no second one of its kind runs for the
    repository. Under `WORKER_TYPE = "redis"` tasks keep their resources in Redis, and this task
    keeps the repository.
    """
    if _can_release():
        release_resource(_current_task(), get_prn(repository))


@contextmanager
def held(repository: CondaRepository) -> Iterator[None]:
    """Hold a repository again that the running task has released, until the task ends.

    In the context the task also has the channel's commit lock.

    Raises:
        CommitTimeout: other tasks held the repository for ten minutes.
    """
    deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
    while True:
        with commit_lock(repository) as locked:
            if locked:
                if _can_release():
                    _claim(repository, deadline)
                failpoint("repository held")
                yield
                return
        wait_for_commit(repository, deadline)


def _claim(repository: CondaRepository, deadline: float) -> None:
    task, name = _current_task(), get_prn(repository)
    claim_resource(task, name)
    while is_in_use(name, task):
        if time.monotonic() > deadline:
            release_resource(task, name)
            raise CommitTimeout
        if not end_abandoned(repository):
            time.sleep(_POLL_SECONDS)


def _can_release() -> bool:
    return settings.WORKER_TYPE == "pulpcore"


def _current_task() -> Task:
    task = Task.current()
    if task is None:
        raise RuntimeError("only a task can hold a repository")
    return task
