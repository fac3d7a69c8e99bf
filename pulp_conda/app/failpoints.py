"""Named instants at which a test may delay or kill a process, or make it fail.

So tests produce races and crashes at a chosen instant. In production a failpoint does nothing, and
takes some 30 ns.
"""

from collections.abc import Callable
from typing import Literal

Failpoint = Literal[
    "change queued",  # the row is in the queue, and its request holds no commit lock
    "task saved",  # the task may be blocked by others
    "task running",
    "version saved",  # and not published; the transaction is open
    "shards saved",  # and no document of the index; the transaction is open
    "index saved",  # and no outcome; the transaction is open
    "outcomes saved",  # the transaction ends next, with the one fsync of a change
    "committed",  # and no request has read its outcome
    "task ended",  # and nobody has told workers so
    "version filled",  # by pulpcore, and not completed
    "storing package",  # its artifact comes next
    "storing documents",  # their artifacts come next
    "copying file",  # into the storage, where it lacks a file or a part of it
    "file stored",  # and no artifact in the database
    "unit saved",  # with its artifact, and in the queue if it is uploaded
    "units staged",  # one batch of a sync's packages, in no version
    "upstream read",  # and staged; the sync does not hold its repository
    "repository held",  # again, by a task that had given it back
    "fetch begun",  # with the lease of the file, and its spool; nothing was asked of the upstream
    "file fetched",  # whole and right, and not stored yet
    "versions deleted",  # one batch of them
    "shards deleted",  # one batch of them
]

on_reached: Callable[[Failpoint], object] | None = None
"""A function of a test that is called at each failpoint."""


def failpoint(name: Failpoint) -> None:
    """Call `on_reached` if a test has set it."""
    if on_reached is not None:
        on_reached(name)
