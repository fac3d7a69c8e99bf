"""The queue of a channel's changes, for the requests of clients.

A request saves a row (`PendingChange`) and waits for its outcome. One request at a time holds the
channel's commit lock and starts a task, which applies every row in one version and one publication
(`commit`).
"""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from django.utils.timezone import now
from pulpcore.plugin.models import Task

from pulp_conda.app.core.prepared import prepared_cursor
from pulp_conda.app.failpoints import failpoint
from pulp_conda.app.models import CondaRepository, PendingChange

from .batch import wait_for_batch
from .commit_lock import with_commit_lock
from .task_outcome import CommitFailed, longest_wait

Dispatch = Callable[[CondaRepository], Task]
"""Starts a task that holds the repository and calls `commit_pending`."""

# The request that reads an outcome needs the row no longer.
_TAKE_OUTCOME = """
    WITH taken AS (
        DELETE FROM conda_pendingchange WHERE id = %s AND outcome IS NOT NULL RETURNING outcome
    )
    SELECT (SELECT outcome FROM taken), EXISTS (SELECT FROM conda_pendingchange WHERE id = %s)
"""


def new_change(repository: CondaRepository, **fields: Any) -> PendingChange:
    """Return an unsaved change of a channel; it waits until the current request has to end."""
    expires = now() + timedelta(seconds=longest_wait())
    return PendingChange(repository=repository, expires=expires, **fields)


def apply(change: PendingChange, dispatch: Dispatch) -> str:
    """Wait until a saved change is committed; return its outcome, and delete it.

    Raises:
        CommitTimeout: the deadline passed, or too many requests wait. The change is given up,
            unless a version that includes it is being made already. A retry tells the client.
        CommitFailed: the task failed. No part of the change is visible, and a retry may succeed.
    """
    repository: CondaRepository = change.repository
    deadline = time.monotonic() + (change.expires - now()).total_seconds()
    failpoint("change queued")

    def start() -> Task:
        wait_for_batch(repository)
        return dispatch(repository)

    try:
        return with_commit_lock(repository, start, partial(_outcome, change), deadline)
    except BaseException:
        change.delete()
        raise


def _outcome(change: PendingChange) -> str | None:
    """Return the outcome of a change, and delete the change if it has one.

    Raises:
        CommitFailed: orphan clean-up deleted the package, or the change has expired.
    """
    with prepared_cursor() as cursor:
        cursor.execute(_TAKE_OUTCOME, [change.pk, change.pk])
        outcome, exists = cursor.fetchone()
    if not exists:
        raise CommitFailed
    return outcome
