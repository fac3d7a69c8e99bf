"""The tasks that delete what channels need no more."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from pulpcore.plugin.models import Task, TaskSchedule
from pulpcore.plugin.tasking import dispatch
from pulpcore.plugin.util import get_domain, get_prn, set_domain

from pulp_conda.app.channels.upkeep.cleanup import clean_up as clean_up_channel
from pulp_conda.app.channels.upkeep.cleanup import needs_clean_up
from pulp_conda.app.models import CondaRepository

_CLEAN_UP = "pulp_conda.app.tasks.cleanup.clean_up"
_CLEAN_UP_ALL = "pulp_conda.app.tasks.cleanup.clean_up_all"
"""The names of our tasks, as the database has them."""

_SCHEDULE = "Clean up conda channels periodically"
_INTERVAL = timedelta(days=1)


def dispatch_clean_up(repository: CondaRepository) -> Task:
    """Start the clean-up of a channel, or find one that has yet to start."""
    yet_to_start = Task.objects.filter(
        name=_CLEAN_UP,
        state="waiting",
        reserved_resources_record__contains=[get_prn(repository)],
    ).first()
    arguments = {"repository_pk": str(repository.pk)}
    return yet_to_start or dispatch(clean_up, kwargs=arguments, exclusive_resources=[repository])


def dispatch_when_exceeded(*, repository: CondaRepository, **_: object) -> None:
    """Start the clean-up of a channel with more versions than it retains, once they are there."""
    transaction.on_commit(lambda: dispatch_clean_up(repository))


def clean_up(repository_pk: str) -> None:
    """Delete what a channel needs no more."""
    clean_up_channel(CondaRepository.objects.get(pk=repository_pk))


def clean_up_all() -> None:
    """Start the clean-up of every channel that needs one, whatever its domain."""
    own = get_domain()
    try:
        for repository in CondaRepository.objects.select_related("pulp_domain").iterator():
            if needs_clean_up(repository):
                set_domain(repository.pulp_domain)
                dispatch_clean_up(repository)
    finally:
        set_domain(own)


def schedule_clean_up(**_: Any) -> None:
    """Have `clean_up_all` run every day; to be called when the database was migrated."""
    TaskSchedule.objects.update_or_create(
        name=_SCHEDULE,
        defaults={"task_name": _CLEAN_UP_ALL, "dispatch_interval": _INTERVAL},
    )
