"""Waiting, to a deadline, for what a task that holds a repository is to bring about."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from pulpcore.plugin.models import Task

from pulp_conda.app import webserver
from pulp_conda.app.core.tasking import wake_workers
from pulp_conda.app.models import CondaRepository

from .abandoned_tasks import end_abandoned

_POLL_SECONDS = (0.005, 0.05)
"""First and longest pause between two looks; one costs half a millisecond."""

_TASK_SECONDS = 0.5
"""How often to look whether the task, and what is in its way, still lives."""

_SHORTEST_SECONDS = 1.0

_FINAL_STATES = ("completed", "failed", "canceled", "skipped")

Outcome = TypeVar("Outcome")


class CommitTimeout(Exception):
    """The channel was busy for as long as a request may wait."""

    def __init__(self) -> None:
        super().__init__("the channel is busy; try again")


class CommitFailed(Exception):
    """The task that was to make the new version did not get to its end."""

    def __init__(self) -> None:
        super().__init__("the new version of the channel could not be made; try again")


def patience() -> float:
    """Return for how many seconds the present request may wait for a channel.

    Less than the web server in front allows: it would kill the process, which answers nothing then.
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
    """Return what `outcome` finds in the database as soon as that is not None.

    The task's own state says only when to give up: pulpcore's immediate tasks may report failure
    after they committed. `deadline` is on the monotonic clock. To be called by who has the
    repository's turn.

    Raises:
        CommitTimeout: the deadline passed.
        CommitFailed: the task ended and there is still no outcome.
    """
    pause, longest_pause = _POLL_SECONDS
    next_look_at_task = time.monotonic()
    found = outcome()
    while found is None:
        moment = time.monotonic()
        if moment > deadline:
            raise CommitTimeout
        ended = False
        if moment >= next_look_at_task:
            end_abandoned(repository, spared=task)
            # Also for what others have ended: of a worker that is gone nobody tells the rest.
            wake_workers()
            task.refresh_from_db(fields=["state"])
            ended = task.state in _FINAL_STATES
            next_look_at_task = moment + _TASK_SECONDS
        else:
            time.sleep(pause)
            pause = min(pause * 1.5, longest_pause)
        # Looked for after the task's state: a task writes outcomes before it ends.
        found = outcome()
        if ended and found is None:
            raise CommitFailed
    return found
