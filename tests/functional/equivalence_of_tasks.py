"""Starts tasks and completes publications by pulpcore's code and by ours, and prints the rows.

Run with the settings of a running server: `python -m tests.functional.equivalence_of_tasks OWNER`.
The channels `OWNER/theirs` and `OWNER/ours` are made of the packages of `OWNER/main`.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import django

django.setup()

from django.db import transaction  # noqa: E402 (Django must be set up before)
from django.utils.timezone import now  # noqa: E402
from django_guid import set_guid  # noqa: E402
from pulpcore.app.contexts import _current_task  # noqa: E402, TID251
from pulpcore.app.models import AppStatus  # noqa: E402, TID251
from pulpcore.app.models.publication import DistributedPublication  # noqa: E402, TID251
from pulpcore.plugin.models import CreatedResource, Publication, RepositoryVersion, Task  # noqa: E402
from pulpcore.plugin.tasking import dispatch  # noqa: E402
from pulpcore.plugin.util import get_prn  # noqa: E402

from pulp_conda.app.channels.changes.delta import Delta  # noqa: E402
from pulp_conda.app.channels.changes.versions import change  # noqa: E402
from pulp_conda.app.models import (  # noqa: E402
    CondaDistribution,
    CondaPackage,
    CondaPublication,
    CondaRepository,
)
from pulp_conda.app.tasks.commit import _commit_pending, acommit_pending  # noqa: E402
from pulp_conda.app.tasks.dispatching import dispatch_on_repository  # noqa: E402

_Start = Callable[[CondaRepository, str], Task]
_Publish = Callable[[RepositoryVersion], None]


def started_by_them(repository: CondaRepository, committed: str) -> Task:
    """Start a commit by pulpcore's code."""
    task: Task = dispatch(
        acommit_pending,
        kwargs={"repository_pk": committed},
        exclusive_resources=[repository],
        immediate=True,
        deferred=True,
    )
    return task


def started_by_us(repository: CondaRepository, committed: str) -> Task:
    """Start a commit by our code."""
    here = partial(_commit_pending, committed)
    return dispatch_on_repository(repository, acommit_pending, {"repository_pk": committed}, here)


def described(task: Task) -> dict[str, Any]:
    """Return the row of a task, without ids and times that differ for every task."""
    row = Task.objects.defer(None).values().get(pk=task.pk)
    for own in ("pulp_id", "pulp_created", "pulp_last_updated", "enc_args", "enc_kwargs"):
        del row[own]
    for moment in ("unblocked_at", "started_at", "finished_at"):
        row[moment] = row[moment] is not None
    row["error"] = row["error"] and row["error"]["description"]
    fresh = Task.objects.defer(None).get(pk=task.pk)
    return {**row, "state_told": task.state, "kwargs": fresh.enc_kwargs, "args": fresh.enc_args}


def tasks(start: _Start, repository: CondaRepository) -> list[dict[str, Any]]:
    """Start a task that succeeds, one that fails, and one that must wait."""
    success = described(start(repository, str(repository.pk)))
    failure = described(start(repository, "00000000-0000-0000-0000-000000000000"))
    moment = now()
    blocker = Task.objects.create(
        name="blocker",
        state="running",
        logging_cid="",
        unblocked_at=moment,
        started_at=moment,
        app_lock=AppStatus.objects.current(),
        reserved_resources_record=[get_prn(repository)],
    )
    task = start(repository, str(repository.pk))
    waiting = described(task)
    task.delete()
    blocker.set_completed()
    return [success, failure, waiting]


def published_by_them(version: RepositoryVersion) -> None:
    """Publish a version by pulpcore's code."""
    create: Any = Publication.create
    publication = create.__func__(CondaPublication, version, pass_through=True)
    Publication.__exit__(publication, None, None, None)


def published_by_us(version: RepositoryVersion) -> None:
    """Publish a version by our code."""
    with transaction.atomic(), CondaPublication.create(version, pass_through=True):
        pass


def publications(
    publish: _Publish, name: str, packages: list[CondaPackage]
) -> list[list[dict[str, Any]]]:
    """Publish each version of a channel, version 1 again, and version 3 with a pinned URL."""
    repository = CondaRepository.objects.create(name=name, autopublish=False)
    CondaDistribution.objects.create(name=name, base_path=name, repository=repository)
    pinned = f"{name}-pinned"
    task = Task.objects.create(name="test", state="running", logging_cid="")
    token = _current_task.set(task)
    history = []
    for number, package in enumerate(packages):
        with transaction.atomic():
            version = change(CondaRepository.objects.get(name=name), Delta.listed([package.pk], []))
        publish(version)
        if number == 1:
            publish(repository.versions.get(number=1))
        if number == 2:
            CondaDistribution.objects.create(
                name=pinned, base_path=pinned, repository_version=version
            )
            publish(version)
        history.append(left_by(repository, task))
    _current_task.reset(token)
    task.delete()
    return history


def left_by(repository: CondaRepository, task: Task) -> list[dict[str, Any]]:
    """Return all rows about a channel's publications, the oldest first."""
    made = CondaPublication.objects.filter(repository_version__repository=repository)
    served = DistributedPublication.objects.all()
    return [
        {
            "version": each.repository_version.number,
            "fields": [each.complete, each.pass_through, each.checkpoint, each.pulp_type],
            "domain": str(each.pulp_domain_id),
            "reported": CreatedResource.objects.filter(object_id=each.pk, task=task).count(),
            "served": sorted(
                (served_by.distribution.name.rpartition("-")[2] == "pinned",
                 served_by.expires_at is None)
                for served_by in served.filter(publication=each.pk)
            ),
        }
        for each in made.order_by("pulp_created")
    ]  # fmt: skip


def main(owner: str) -> None:
    """Print the rows that each way left."""
    set_guid("equivalence")
    status = AppStatus.objects.create(name=f"equivalence-{uuid4()}", app_type="api", versions={})
    try:
        repository = CondaRepository.objects.get(name=f"{owner}/main")
        version = repository.latest_version()
        packages = list(CondaPackage.objects.in_version(version).order_by("filename"))
        found = [
            {
                "tasks": tasks(started_by_them, repository),
                "publications": publications(published_by_them, f"{owner}/theirs", packages),
            },
            {
                "tasks": tasks(started_by_us, repository),
                "publications": publications(published_by_us, f"{owner}/ours", packages),
            },
        ]
    finally:
        status.delete()
    print(json.dumps(found, default=str))


if __name__ == "__main__":
    main(sys.argv[1])
