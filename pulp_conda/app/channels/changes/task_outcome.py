"""Wait, up to a deadline, for the outcome of a task that holds a repository."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from pulpcore.plugin.constants import TASK_FINAL_STATES
from pulpcore.plugin.models import Task

from pulp_conda.app import webserver
from pulp_conda.app.core.tasking import wake_workers
from pulp_conda.app.models import CondaRepository

from .abandoned_tasks import end_abandoned

_POLL_SECONDS = (0.005, 0.05)
"""First and longest pause between two queries for the outcome; a query takes 0.5 ms."""

_TASK_SECONDS = 0.5
"""The time between two checks of the task and of the tasks that block it."""

_SHORTEST_SECONDS = 1.0

Outcome = TypeVar("Outcome")


class CommitTimeout(Exception):
    """The channel was busy for as long as a request may wait."""

    def __init__(self) -> None:
        super().__init__("the channel is busy; try again")


class CommitFailed(Exception):
    """The task of the new version ended without an outcome."""

    def __init__(self) -> None:
        super().__init__("the new version of the channel could not be made; try again")


def longest_wait() -> float:
    """Return how many seconds the current request may wait for a channel.

    It is less than gunicorn's time-out, because gunicorn would kill the process and the client
    would get no answer.
    """
    longest: float = settings.CONDA_UPLOAD_TIMEOUT_SECONDS
    left = webserver.seconds_left()
    return longest if left is None else min(longest, max(left, _SHORTEST_SECONDS))


def wait_for(
    task: Task,
    repository: CondaRepository,
    outcome: Callable[[], Outcome | None],
    deadline: float,
) -> Outcome:
    """Return the outcome that `outcome` reads from the database, once there is one.

    The task's state only says when to give up, because pulpcore's immediate tasks may report
    failure after they committed. `deadline` is on the monotonic clock. The caller holds the
    channel's commit lock.

    Raises:
        CommitTimeout: the deadline passed.
        CommitFailed: the task ended and there is still no outcome.
    """
    pause, longest_pause = _POLL_SECONDS
    next_check = time.monotonic()
    found = outcome()
    while found is None:
        moment = time.monotonic()
        if moment > deadline:
            raise CommitTimeout
        ended = False
        if moment >= next_check:
            end_abandoned(repository, spared=task)
            # A process may have died after it ended a blocking task and before it woke the workers.
            wake_workers()
            task.refresh_from_db(fields=["state"])
            ended = task.state in TASK_FINAL_STATES
            next_check = moment + _TASK_SECONDS
        else:
            time.sleep(pause)
            pause = min(pause * 1.5, longest_pause)
        # Read after the task's state, because a task writes its outcomes before it ends.
        found = outcome()
        if ended and found is None:
            raise CommitFailed
    return found
