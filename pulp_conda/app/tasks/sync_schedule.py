"""Sync the channels that have an interval, when they are due."""

import logging
import random
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q
from django.utils.timezone import now
from pulpcore.plugin.models import TaskSchedule
from pulpcore.plugin.util import get_domain, set_domain

from pulp_conda.app.channels.sync.request import SyncOptions
from pulp_conda.app.models import CondaRemote, CondaRepository

from .sync_requests import SyncUnderWay, dispatch_sync

_log = logging.getLogger(__name__)

_SYNC_DUE: Final = "pulp_conda.app.tasks.sync_schedule.sync_due"
"""The name of the task in the database."""
_SCHEDULE: Final = "Sync conda channels that are due"
_INTERVAL: Final = timedelta(minutes=1)
_JITTER: Final = 0.1
"""By which part an interval varies, so that channels do not ask their upstreams all at once."""


def sync_due() -> None:
    """Start the sync of every channel that is due, in all domains."""
    own = get_domain()
    moment = now()
    due = CondaRepository.objects.filter(
        Q(sync_due=None) | Q(sync_due__lte=moment),
        sync_interval__isnull=False,
        remote__isnull=False,
    )
    try:
        for repository in due.select_related("pulp_domain", "remote").iterator():
            # Another worker may run this task at the same time.
            if due.filter(pk=repository.pk).update(sync_due=_next(repository, moment)):
                set_domain(repository.pulp_domain)
                _sync(repository)
    finally:
        set_domain(own)


def _next(repository: CondaRepository, moment: datetime) -> datetime:
    interval: timedelta = repository.sync_interval or _INTERVAL
    return moment + interval * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 (no secret)


def _sync(repository: CondaRepository) -> None:
    remote = repository.remote and repository.remote.cast()
    if not isinstance(remote, CondaRemote):
        _log.warning("The remote of the channel %s is not one of conda", repository.name)
        return
    try:
        dispatch_sync(repository, remote, SyncOptions(mode=repository.sync_mode))
    except SyncUnderWay as under_way:
        _log.info("The channel %s is due for a sync, and %s", repository.name, under_way)


def schedule_syncs(**_: Any) -> None:
    """Schedule `sync_due` for every minute. Called after the database was migrated."""
    TaskSchedule.objects.update_or_create(
        name=_SCHEDULE,
        defaults={"task_name": _SYNC_DUE, "dispatch_interval": _INTERVAL},
    )
