"""Taking packages out of a channel, by a new version without them.

Older versions hold them, but their URLs are 404 at once: whoever removes a file in so many words
may do so because it must not be fetched any more. What a version takes out by any other means
stays for clients that act on an index fetched earlier.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.timezone import now
from pulpcore.plugin.models import RepositoryContent, Task
from pulpcore.plugin.util import get_domain_pk

from pulp_conda.app.channels.index.previous_index import is_published, published_version
from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.models import CondaPackage, CondaRepository, Withdrawal

from .commit_lock import with_commit_lock
from .task_outcome import longest_wait
from .versions import change, latest_version

Selection = dict[str, str]
"""Which packages of a channel are meant: fields and the values that all of these must have."""


@dataclass(frozen=True, slots=True)
class Removal:
    """Packages that a client wants out of a channel.

    Only those that came with version `newest` or before: its task may run when the client has
    its answer already, another's task having removed the file, and has uploaded the file anew.
    Past `expires` nobody waits for it any more.
    """

    selection: Selection
    newest: int
    expires: datetime


Dispatch = Callable[[CondaRepository, Removal], Task]
"""Starts a task that holds the repository and calls `carry_out`."""


class NothingToRemove(Exception):
    """The channel has none of the packages."""

    def __init__(self, selection: Selection) -> None:
        wanted = ", ".join(f"{field} {value!r}" for field, value in selection.items())
        super().__init__(f"the channel has no package with {wanted}")


def remove(repository: CondaRepository, selection: Selection, dispatch: Dispatch) -> None:
    """Wait until the packages are withdrawn: no index that is to come names or serves them.

    That is also for what left the index a short while ago and is still served. Where the
    repository does not publish by itself, the index of now names them until the next publication.

    Raises:
        NothingToRemove: there are none.
        CommitTimeout: the deadline passed, or too many wait; nothing will happen any more, unless
            the version without them is being made at this moment. A retry finds out.
        CommitFailed: the task failed; nothing is half-visible, and a retry is in order.
    """
    if any("\0" in value for value in selection.values()):  # PostgreSQL refuses to look for it
        raise NothingToRemove(selection)
    newest = latest_version(repository).number
    if not _remaining(repository, selection, newest):
        raise NothingToRemove(selection)
    seconds = longest_wait()
    removal = Removal(selection, newest, now() + timedelta(seconds=seconds))
    with_commit_lock(
        repository,
        lambda: dispatch(repository, removal),
        lambda: not _remaining(repository, selection, newest) or None,
        time.monotonic() + seconds,
    )


def carry_out(removal: Removal, repository: CondaRepository) -> None:
    """Make a version without the packages, if there are any, and publish it.

    To be called in a task that holds the repository. Calling it twice does no harm: version,
    index and withdrawals become visible together or not at all. A version without an index, made
    by other means, is published too.
    """
    if now() > removal.expires:
        return
    latest = latest_version(repository)
    stays = RepositoryContent.objects.filter(
        repository=repository,
        version_added__number__lte=min(removal.newest, latest.number),
        content__in=_chosen(removal.selection),
    )
    # What a version ends that was never completed is still there.
    held = stays.filter(Q(version_removed=None) | Q(version_removed__number__gt=latest.number))
    packages = list(held.values_list("content_id", flat=True))
    with transaction.atomic():
        _withdraw(repository, stays.values("content_id"), removal.newest)
        if packages:
            latest = change(repository, remove=packages)
        if repository.autopublish and (packages or not is_published(latest)):
            publish(latest)


def _withdraw(repository: CondaRepository, content: QuerySet[Any], newest: int) -> None:
    """Note that the files of the packages that came up to a version are not to be served."""
    files = CondaPackage.objects.filter(pk__in=content).values_list("subdir", "filename")
    later = Withdrawal.objects.filter(repository=repository, version__gt=newest)
    noted = set(files.distinct()).difference(later.values_list("subdir", "filename"))
    Withdrawal.objects.bulk_create(
        [
            Withdrawal(repository=repository, subdir=subdir, filename=filename, version=newest)
            for subdir, filename in sorted(noted)
        ],
        update_conflicts=True,
        update_fields=["version"],
        unique_fields=["repository", "subdir", "filename"],
    )


def _chosen(selection: Selection) -> QuerySet[Any]:
    return CondaPackage.objects.filter(_pulp_domain=get_domain_pk(), **selection).values("pk")


def _remaining(repository: CondaRepository, selection: Selection, newest: int) -> bool:
    """Tell whether the channel has, or may still serve, packages that came up to a version.

    What was uploaded again in the meantime came with a later one.
    """
    stays = RepositoryContent.objects.filter(
        repository=repository,
        version_added__number__lte=newest,
        content__in=_chosen(selection),
    )
    known = latest_version(repository) if not repository.autopublish else None
    known = known or published_version(repository)
    there = Q(version_removed=None)
    if known is not None:
        there |= Q(version_removed__number__gt=known.number)
    if stays.filter(there).exists():
        return True
    period = timedelta(seconds=settings.DISTRIBUTED_PUBLICATION_RETENTION_PERIOD)
    withdrawn = Withdrawal.objects.filter(
        repository=repository,
        subdir=OuterRef("content__conda_condapackage__subdir"),
        filename=OuterRef("content__conda_condapackage__filename"),
        version__gte=OuterRef("version_added__number"),
    )
    lately = stays.filter(version_removed__pulp_created__gte=now() - period)
    return lately.filter(~Exists(withdrawn)).exists()
