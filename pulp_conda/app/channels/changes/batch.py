"""Wait shortly before a commit, so that it applies more changes.

Clients that upload one package after another send the next one shortly after the answer. Two groups
of them would take turns: while one is committed, the other one sends. A commit of both costs hardly
more than a commit of one.
"""

import time

from pulp_conda.app.core.prepared import prepared_cursor
from pulp_conda.app.models import CondaPackage, CondaRepository

_STATE = """
    SELECT waiting.number, coalesce(latest.added, 0), coalesce(latest.age, 0)
      FROM (SELECT count(*) AS number FROM conda_pendingchange
             WHERE repository_id = %(repository)s AND outcome IS NULL) waiting
      LEFT JOIN (
            SELECT counts.count AS added,
                   extract(epoch FROM clock_timestamp() - version.pulp_created)::float AS age
              FROM core_repositoryversion version
              LEFT JOIN core_repositoryversioncontentdetails counts
                ON counts.repository_version_id = version.pulp_id AND counts.count_type = 'A'
               AND counts.content_type = %(type)s
             WHERE version.repository_id = %(repository)s AND version.complete
             ORDER BY version.number DESC LIMIT 1
           ) latest ON true
"""

_RECENT_SECONDS = 5.0
"""The age of a version whose uploaders may be about to send their next packages."""

_LONGEST_SECONDS = 0.2
_IDLE_SECONDS = 0.04
_POLL_SECONDS = 0.005


def wait_for_batch(repository: CondaRepository) -> None:
    """Wait until the clients that the last commit served are likely to wait too.

    The caller holds the commit lock. It does not wait if the last commit served only one client. It
    waits until no change has come for a while. That while grows with the time that the last commit
    took, so batches grow with the load of the machine.
    """
    waiting, added, age = _state(repository)
    if added < 2 or age > _RECENT_SECONDS:
        return
    # One of those who wait may be the first of those who were served.
    expected = waiting + added - 1
    began = last_arrival = time.monotonic()
    longest, idle = max(_LONGEST_SECONDS, age / 2), max(_IDLE_SECONDS, age / 4)
    known = waiting
    while known < expected:
        time.sleep(_POLL_SECONDS)
        moment = time.monotonic()
        waiting, _, _ = _state(repository)
        if waiting > known:
            known, last_arrival = waiting, moment
        if moment - last_arrival > idle or moment - began > longest:
            return


def _state(repository: CondaRepository) -> tuple[int, int, float]:
    """Return how many changes wait, how many the latest version added, and its age in seconds."""
    values = {"repository": repository.pk, "type": CondaPackage.get_pulp_type()}
    with prepared_cursor() as cursor:
        cursor.execute(_STATE, values)
        state: tuple[int, int, float] = cursor.fetchone()
        return state
