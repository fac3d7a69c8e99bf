"""The queue of a channel's changes, for the requests of clients.

A request saves a row (`PendingChange`) and waits for its outcome. One request at a time holds the
channel's commit lock and starts a task, which applies every row in one version and one publication
(`commit`).
"""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.utils.timezone import now
from pulpcore.plugin.models import Task

from pulp_conda.app.failpoints import failpoint
from pulp_conda.app.models import CondaRepository, PendingChange

from .commit_lock import wait_for_batch, with_commit_lock
from .task_outcome import CommitFailed, longest_wait

Dispatch = Callable[[CondaRepository], Task]
"""Starts a task that holds the repository and calls `commit_pending`."""

_RECENT = timedelta(seconds=1)


def apply(change: PendingChange, dispatch: Dispatch) -> str:
    """Save a change to the queue of its channel; return its outcome once it is committed.

    Raises:
        CommitTimeout: the deadline passed, or too many requests wait. The change is given up,
            unless a version that includes it is being made already. A retry tells the client.
        CommitFailed: the task failed. No part of the change is visible, and a retry may succeed.
    """
    repository: CondaRepository = change.repository
    seconds = longest_wait()
    deadline = time.monotonic() + seconds
    change.expires = now() + timedelta(seconds=seconds)
    change.save()
    failpoint("change queued")

    def start() -> Task:
        wait_for_batch(partial(_number_waiting, repository), _recently_added(repository))
        return dispatch(repository)

    try:
        return with_commit_lock(repository, start, partial(_outcome, change), deadline)
    finally:
        change.delete()


def _number_waiting(repository: CondaRepository) -> int:
    return PendingChange.objects.filter(repository=repository, outcome=None).count()


def _recently_added(repository: CondaRepository) -> int:
    """Return how many packages the latest version added; 0 if it is older than `_RECENT`."""
    added = repository.versions.filter(
        pulp_created__gt=now() - _RECENT, counts__count_type="A", complete=True
    )
    return added.order_by("-number").values_list("counts__count", flat=True).first() or 0


def _outcome(change: PendingChange) -> str | None:
    try:
        change.refresh_from_db(fields=["outcome"])
    except PendingChange.DoesNotExist as error:
        # Orphan cleanup deleted the package, or the change has expired.
        raise CommitFailed from error
    outcome: str | None = change.outcome
    return outcome
