"""From saved packages to a new, published version of their channel.

Uploads to one channel share versions: each leaves a row, and whoever holds the repository next
takes every row there is. Conflicts are decided there, under the lock, and nowhere else.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now
from pulpcore.plugin.models import RepositoryVersion, Task

from pulp_conda.app.channels.index.previous_index import is_published, published_version
from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.channels.storage.durability import durable
from pulp_conda.app.models import (
    ADDED,
    EXISTS,
    FULL,
    RETIRED,
    CondaPackage,
    CondaRepository,
    PendingUpload,
)
from pulp_conda.formats import layout

from .commit_lock import wait_for_batch, with_commit_lock
from .quota import Quota
from .task_outcome import CommitFailed, longest_wait
from .versions import change, latest_version

Dispatch = Callable[[CondaRepository], Task]
"""Starts a task that holds the repository and calls `commit_pending`."""


class PackageExists(Exception):
    """The channel already has a file of that name, whatever its bytes."""

    def __init__(self, package: CondaPackage) -> None:
        super().__init__(f"package file already exists: {package.relative_path}")


class NameRetired(Exception):
    """The file name was that of other bytes until a short while ago."""

    def __init__(self, package: CondaPackage) -> None:
        super().__init__(
            f"another file was called {package.relative_path} until a short while ago, and clients "
            "may still hold its hash; use another build number (the channel has immutable_names)"
        )


class ChannelFull(Exception):
    """The channel, or all channels of its owner, hold as much as they may."""

    def __init__(self, package: CondaPackage) -> None:
        super().__init__(
            f"there is no room for {package.relative_path} ({package.size} bytes): the channel or "
            "its owner holds as much as this server allows"
        )


_JUST_NOW = timedelta(seconds=1)

_REFUSALS = {EXISTS: PackageExists, RETIRED: NameRetired, FULL: ChannelFull}


def commit(
    repository: CondaRepository, package: CondaPackage, dispatch: Dispatch, *, replace: bool = False
) -> None:
    """Wait until clients of the channel find the package in its index.

    Where the repository does not publish by itself, until its newest version holds the package.
    With `replace` it may take the place of a file of the same name.

    Raises:
        PackageExists: the channel has a file of that name.
        NameRetired: the channel had other bytes of that name until recently.
        ChannelFull: the channel's or the owner's quota is used up.
        CommitTimeout: the deadline passed, or too many wait; the upload is withdrawn unless a
            version that holds it is being made at this moment. A retry finds out.
        CommitFailed: the task failed; nothing is half-visible, and a retry is in order.
    """
    seconds = longest_wait()
    deadline = time.monotonic() + seconds
    upload = PendingUpload.objects.create(
        repository=repository,
        package=package,
        replaces=replace,
        expires=now() + timedelta(seconds=seconds),
    )

    def start() -> Task:
        wait_for_batch(partial(_number_waiting, repository), _lately_added(repository))
        return dispatch(repository)

    try:
        outcome = with_commit_lock(repository, start, partial(_outcome, upload), deadline)
    finally:
        upload.delete()
    if outcome in _REFUSALS:
        raise _REFUSALS[outcome](package)


def _number_waiting(repository: CondaRepository) -> int:
    return PendingUpload.objects.filter(repository=repository, outcome=None).count()


def _lately_added(repository: CondaRepository) -> int:
    """Return how many packages came with a channel's newest version, if it was made just now."""
    added = repository.versions.filter(
        pulp_created__gt=now() - _JUST_NOW, counts__count_type="A", complete=True
    )
    return added.order_by("-number").values_list("counts__count", flat=True).first() or 0


def _outcome(upload: PendingUpload) -> str | None:
    try:
        upload.refresh_from_db(fields=["outcome"])
    except PendingUpload.DoesNotExist as error:
        # Orphan cleanup took the package, or the upload outlived its deadline.
        raise CommitFailed from error
    outcome: str | None = upload.outcome
    return outcome


def commit_pending(repository: CondaRepository) -> None:
    """Take all uploads that wait for a repository into one version and publish it.

    To be called in a task that holds the repository. Calling it twice does no harm: version,
    index and outcomes become visible together or not at all. A version without an index, made
    by other means, is published too; none is where the repository does not publish by itself.
    """
    pending = PendingUpload.objects.filter(repository=repository)
    moment = now()
    waiting = list(
        pending.filter(outcome=None, expires__gte=moment).select_related("package").order_by("pk")
    )
    paths = {upload.package.relative_path for upload in waiting}
    latest = latest_version(repository)
    taken = {package.relative_path: package.pk for package in _holding(latest, paths)}
    outcomes = _decide(waiting, repository, latest, taken)
    new = {
        upload.package_id
        for upload in waiting
        if outcomes[upload.pk] == ADDED
        and taken.get(upload.package.relative_path) != upload.package_id
    }
    with transaction.atomic():
        durable()
        pending.filter(expires__lt=moment).delete()
        if new:
            replaced = {
                taken[upload.package.relative_path]
                for upload in waiting
                if upload.package_id in new and upload.package.relative_path in taken
            }
            latest = change(repository, add=new, remove=replaced)
        if repository.autopublish and (new or not is_published(latest)):
            publish(latest)
        _record_outcomes(outcomes)


def _decide(
    waiting: list[PendingUpload],
    repository: CondaRepository,
    latest: RepositoryVersion,
    taken: Mapping[str, UUID],
) -> dict[int, str]:
    """Return each upload's outcome; `taken` says which package holds a path by now.

    Of several uploads of one path the newest is added: an older one may belong to a client that
    is gone, and its retry must not be told that the file exists. For the same reason a package
    whose version was made but never published counts as new.
    """
    newest = {upload.package.relative_path: upload for upload in waiting}
    served = _served(latest, taken.values()) if repository.autopublish else {*taken.values()}
    immutable = repository.immutable_names
    retired = _retired(repository, newest) if immutable else {}
    quota = Quota.of(repository)
    outcomes: dict[int, str] = {}
    for upload in waiting:
        package, path = upload.package, upload.package.relative_path
        holder = taken.get(path)
        if newest[path] is not upload:
            outcome = EXISTS
        elif holder == package.pk:
            outcome = EXISTS if holder in served and not upload.replaces else ADDED
        elif holder is not None and (immutable or not upload.replaces):
            outcome = EXISTS
        elif package.sha256 not in retired.get(path, (package.sha256,)):
            outcome = RETIRED
        else:
            outcome = ADDED if quota.take(package) else FULL
        outcomes[upload.pk] = outcome
    return outcomes


def _retired(repository: CondaRepository, paths: Iterable[str]) -> dict[str, set[str]]:
    """Return the sha256 of all that bore each of the paths and was removed a short while ago."""
    since = now() - timedelta(seconds=settings.CONDA_NAME_RETIREMENT_SECONDS)
    removed = CondaPackage.objects.filter(
        _named(paths),
        version_memberships__repository=repository,
        version_memberships__version_removed__pulp_created__gte=since,
    )
    digests: dict[str, set[str]] = {}
    for package in removed:
        digests.setdefault(package.relative_path, set()).add(package.sha256)
    return digests


def _holding(version: RepositoryVersion, paths: Iterable[str]) -> Iterable[CondaPackage]:
    """Return what a version holds under the given paths."""
    return CondaPackage.objects.in_version(version).filter(_named(paths))


def _named(paths: Iterable[str]) -> Q:
    named = Q(pk__in=[])
    for path in paths:
        subdir, filename = layout.split(path)
        named |= Q(subdir=subdir, filename=filename)
    return named


def _served(latest: RepositoryVersion, packages: Collection[UUID]) -> set[UUID]:
    """Return which of the packages the channel's newest index names."""
    if not packages:
        return set()
    version = published_version(latest.repository)  # type: ignore[arg-type] # a conda one
    if version is None:
        return set()
    held = CondaPackage.objects.in_version(version).filter(pk__in=list(packages))
    return set(held.values_list("pk", flat=True))


def _record_outcomes(outcomes: Mapping[int, str]) -> None:
    for outcome in set(outcomes.values()):
        settled = [upload for upload, reached in outcomes.items() if reached == outcome]
        PendingUpload.objects.filter(pk__in=settled).update(outcome=outcome)
