"""From saved packages to a new, published version of their channel.

Uploads to one channel share versions: each leaves a row, and whoever holds the repository next
takes every row there is. Conflicts are decided there, under the lock, and nowhere else.
"""

import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils.timezone import now
from pulpcore.plugin.models import RepositoryVersion, Task

from pulp_conda.app.models import ADDED, EXISTS, CondaPackage, CondaRepository, PendingUpload
from pulp_conda.formats import layout

from .predecessor import is_published
from .publish import publish

_POLL_SECONDS = (0.01, 0.3)
"""First and longest pause between two looks at an upload's row."""

_FINAL_STATES = ("completed", "failed", "canceled", "skipped")

Dispatch = Callable[[CondaRepository], Task]
"""Starts a task that holds the repository and calls `commit_pending`."""


class PackageExists(Exception):
    """The channel already has a file of that name, whatever its bytes."""

    def __init__(self, package: CondaPackage) -> None:
        super().__init__(f"package file already exists: {package.relative_path}")


class CommitTimeout(Exception):
    """The channel was busy for as long as an upload may wait."""

    def __init__(self) -> None:
        super().__init__("the channel is busy; try again")


class CommitFailed(Exception):
    """The task that was to make the new version did not get to its end."""

    def __init__(self) -> None:
        super().__init__("the new version of the channel could not be made; try again")


def commit(repository: CondaRepository, package: CondaPackage, dispatch: Dispatch) -> None:
    """Wait until clients of the channel find the package in its index.

    Raises:
        PackageExists: the channel has a file of that name.
        CommitTimeout: the deadline passed; the upload is withdrawn unless a version that
            holds it is being made at this moment. A retry finds out.
        CommitFailed: the task failed; nothing is half-visible, and a retry is in order.
    """
    timeout = settings.CONDA_UPLOAD_TIMEOUT_SECONDS
    upload = PendingUpload.objects.create(
        repository=repository, package=package, expires=now() + timedelta(seconds=timeout)
    )
    try:
        outcome = _wait(upload, dispatch(repository), deadline=time.monotonic() + timeout)
    finally:
        upload.delete()
    if outcome == EXISTS:
        raise PackageExists(package)


def _wait(upload: PendingUpload, task: Task, deadline: float) -> str:
    pause, longest_pause = _POLL_SECONDS
    while True:
        task.refresh_from_db(fields=["state"])
        # Read after the task's state: a task writes outcomes before it ends.
        try:
            upload.refresh_from_db(fields=["outcome"])
        except PendingUpload.DoesNotExist as error:
            # Orphan cleanup took the package, or the upload outlived its deadline.
            raise CommitFailed from error
        if upload.outcome is not None:
            return upload.outcome
        if task.state in _FINAL_STATES:
            raise CommitFailed
        if time.monotonic() > deadline:
            raise CommitTimeout
        time.sleep(pause)
        pause = min(pause * 1.5, longest_pause)


def commit_pending(repository: CondaRepository) -> None:
    """Take all uploads that wait for a repository into one version and publish it.

    To be called in a task that holds the repository. Calling it twice does no harm: what a
    predecessor left half-done (a version without its index) is completed first.
    """
    pending = PendingUpload.objects.filter(repository=repository)
    pending.filter(expires__lt=now()).delete()
    waiting = list(pending.filter(outcome=None).select_related("package").order_by("pulp_created"))
    added, exists = _decide(waiting, repository.latest_version())
    if added:
        with repository.new_version() as version:
            version.add_content(
                CondaPackage.objects.filter(pk__in={upload.package_id for upload in added})
            )
    latest = repository.latest_version()
    if not is_published(latest):
        publish(latest)
    _settle(added, ADDED)
    _settle(exists, EXISTS)


def _decide(
    waiting: list[PendingUpload], latest: RepositoryVersion
) -> tuple[list[PendingUpload], list[PendingUpload]]:
    """Split uploads into those that become part of the channel and those that came too late.

    Of several uploads of one path the newest is added: an older one may belong to a client that
    is gone, and its retry must not be told that the file exists. For the same reason a package
    whose version was made but never published counts as new.
    """
    newest = {upload.package.relative_path: upload for upload in waiting}
    taken = {package.relative_path: package.pk for package in _holding(latest, newest)}
    served = _served(latest, taken.values())
    added: list[PendingUpload] = []
    exists: list[PendingUpload] = []
    for upload in waiting:
        path = upload.package.relative_path
        holder = taken.get(path)
        unserved = holder == upload.package_id and holder not in served
        is_new = newest[path] is upload and (holder is None or unserved)
        (added if is_new else exists).append(upload)
    return added, exists


def _holding(version: RepositoryVersion, paths: Iterable[str]) -> Iterable[CondaPackage]:
    """Return what a version holds under the given paths."""
    named = Q(pk__in=[])
    for path in paths:
        subdir, filename = layout.split(path)
        named |= Q(subdir=subdir, filename=filename)
    return CondaPackage.objects.in_version(version).filter(named)


def _served(latest: RepositoryVersion, packages: Iterable[UUID]) -> set[UUID]:
    """Return which of the packages the channel's newest index names."""
    version = (
        latest.repository.versions.filter(publication__complete=True).order_by("number").last()
    )
    if version is None:
        return set()
    held = CondaPackage.objects.in_version(version).filter(pk__in=list(packages))
    return set(held.values_list("pk", flat=True))


def _settle(uploads: Iterable[PendingUpload], outcome: str) -> None:
    PendingUpload.objects.filter(pk__in=[upload.pk for upload in uploads]).update(outcome=outcome)
