"""Apply all pending changes of a channel in one new version, and publish it.

Conflicts between changes are decided here, while the repository is held, and nowhere else.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.timezone import now

from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.channels.storage.durability import durable
from pulp_conda.app.core.prepared import prepared_cursor
from pulp_conda.app.failpoints import failpoint
from pulp_conda.app.models import CondaRepository, publication_of

from .decisions import decide
from .delta import Delta
from .remove import selected_memberships, withdraw
from .versions import base_version, change
from .waiting import Removal, waiting_changes

# No request waits for the changes that expired.
_RECORD_OUTCOMES = """
    WITH expired AS (
        DELETE FROM conda_pendingchange WHERE repository_id = %s AND expires < %s
    )
    UPDATE conda_pendingchange SET outcome = decided.outcome
      FROM unnest(%s::bigint[], %s::text[]) AS decided (id, outcome)
     WHERE conda_pendingchange.id = decided.id
"""


def commit_pending(repository: CondaRepository) -> None:
    """Apply all pending changes of a repository.

    A task that holds the repository calls this. Calling it twice does no harm: version, index,
    withdrawals and outcomes become visible together or not at all. A version that was made by
    other means and has no index is published too. Nothing is published if the repository does not
    publish by itself.
    """
    moment = now()
    latest = base_version(repository)
    waiting = waiting_changes(latest, moment)
    decision = decide(waiting, repository, latest)
    with transaction.atomic():
        durable()
        for removal in (each for each in waiting if isinstance(each, Removal)):
            memberships = selected_memberships(repository, removal, latest)
            withdraw(repository, memberships.values("content_id"), removal.newest)
        changes = bool(decision.add or decision.remove)
        if changes:
            latest = change(repository, Delta.listed(decision.add, decision.remove), latest)
            failpoint("version saved")
        if repository.autopublish and (changes or publication_of(latest) is None):
            publish(latest)
        failpoint("index saved")
        _record_outcomes(repository.pk, moment, decision.outcomes)
        failpoint("outcomes saved")
    failpoint("committed")


def _record_outcomes(repository: UUID, moment: datetime, outcomes: Mapping[int, str]) -> None:
    with prepared_cursor(len(outcomes)) as cursor:
        cursor.execute(
            _RECORD_OUTCOMES, [repository, moment, list(outcomes), list(outcomes.values())]
        )
