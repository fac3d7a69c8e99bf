"""The tasks that delete old versions and old shards of channels."""

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
"""The names of the tasks in the database."""

_SCHEDULE = "Clean up conda channels periodically"
_INTERVAL = timedelta(days=1)


def dispatch_clean_up(repository: CondaRepository) -> Task:
    """Start the clean-up of a channel; return its task, which may have been waiting already."""
    yet_to_start = Task.objects.filter(
        name=_CLEAN_UP,
        state="waiting",
        reserved_resources_record__contains=[get_prn(repository)],
    ).first()
    arguments = {"repository_pk": str(repository.pk)}
    return yet_to_start or dispatch(clean_up, kwargs=arguments, exclusive_resources=[repository])


def dispatch_clean_up_on_commit(*, repository: CondaRepository, **_: object) -> None:
    """Start the clean-up of a channel when the current transaction commits."""
    transaction.on_commit(lambda: dispatch_clean_up(repository))


def clean_up(repository_pk: str) -> None:
    """Delete old versions and old shards of a channel."""
    clean_up_channel(CondaRepository.objects.get(pk=repository_pk))


def clean_up_all() -> None:
    """Start the clean-up of every channel that needs one, in all domains."""
    own = get_domain()
    try:
        for repository in CondaRepository.objects.select_related("pulp_domain").iterator():
            if needs_clean_up(repository):
                set_domain(repository.pulp_domain)
                dispatch_clean_up(repository)
    finally:
        set_domain(own)


def schedule_clean_up(**_: Any) -> None:
    """Schedule `clean_up_all` for every day. Called after the database was migrated."""
    TaskSchedule.objects.update_or_create(
        name=_SCHEDULE,
        defaults={"task_name": _CLEAN_UP_ALL, "dispatch_interval": _INTERVAL},
    )
