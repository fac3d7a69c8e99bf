"""Apply all pending changes of a channel in one new version, and publish it.

Conflicts between changes are decided here, while the repository is held, and nowhere else.
"""

from collections.abc import Mapping

from django.db import transaction
from django.utils.timezone import now

from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.channels.storage.durability import durable
from pulp_conda.app.failpoints import failpoint
from pulp_conda.app.models import REMOVAL, CondaRepository, PendingChange, publication_of

from .decisions import decide
from .delta import Delta
from .remove import selected_memberships, withdraw
from .versions import change


def commit_pending(repository: CondaRepository) -> None:
    """Apply all pending changes of a repository.

    A task that holds the repository calls this. Calling it twice does no harm: version, index,
    withdrawals and outcomes become visible together or not at all. A version that was made by
    other means and has no index is published too. Nothing is published if the repository does not
    publish by itself.
    """
    pending = PendingChange.objects.filter(repository=repository)
    moment = now()
    waiting = list(
        pending.filter(outcome=None, expires__gte=moment).select_related("package").order_by("pk")
    )
    latest = repository.latest_version()
    decision = decide(waiting, repository, latest)
    with transaction.atomic():
        durable()
        pending.filter(expires__lt=moment).delete()
        for removal in (row for row in waiting if row.kind == REMOVAL):
            memberships = selected_memberships(repository, removal, latest)
            withdraw(repository, memberships.values("content_id"), removal.payload["newest"])
        changes = bool(decision.add or decision.remove)
        if changes:
            latest = change(repository, Delta.listed(decision.add, decision.remove))
            failpoint("version saved")
        if repository.autopublish and (changes or publication_of(latest) is None):
            publish(latest)
        failpoint("index saved")
        _record_outcomes(decision.outcomes)
        failpoint("outcomes saved")
    failpoint("committed")


def _record_outcomes(outcomes: Mapping[int, str]) -> None:
    for outcome in set(outcomes.values()):
        keys = [key for key, reached in outcomes.items() if reached == outcome]
        PendingChange.objects.filter(pk__in=keys).update(outcome=outcome)
