"""Taking packages out of a channel, by a new version without them.

Their files stay: older versions hold them, and clients may act on an index fetched earlier.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.timezone import now
from pulpcore.plugin.models import RepositoryContent, Task
from pulpcore.plugin.util import get_domain_pk

from pulp_conda.app.models import CondaPackage, CondaRepository

from .predecessor import is_published, published_version
from .publish import publish
from .turns import in_turn
from .versions import change, latest_version
from .waiting import patience

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
    """Wait until the channel's index no longer names the packages.

    Raises:
        NothingToRemove: there are none.
        CommitTimeout: the deadline passed, or too many wait; nothing will happen any more, unless
            the version without them is being made at this moment. A retry finds out.
        CommitFailed: the task failed; nothing is half-visible, and a retry is in order.
    """
    if any("\0" in value for value in selection.values()):  # PostgreSQL refuses to look for it
        raise NothingToRemove(selection)
    newest = latest_version(repository).number
    stays = _stays(repository, selection, newest)
    if not stays:
        raise NothingToRemove(selection)
    seconds = patience()
    removal = Removal(selection, newest, now() + timedelta(seconds=seconds))
    in_turn(
        repository,
        lambda: dispatch(repository, removal),
        lambda: _are_over(repository, stays) or None,
        time.monotonic() + seconds,
    )


def carry_out(removal: Removal, repository: CondaRepository) -> None:
    """Make a version without the packages, if there are any, and publish it.

    To be called in a task that holds the repository. Calling it twice does no harm: version and
    index become visible together or not at all. A version without an index, made by other means,
    is published too.
    """
    if now() > removal.expires:
        return
    latest = latest_version(repository)
    held = RepositoryContent.objects.filter(
        # What a version ends that was never completed is still there.
        Q(version_removed=None) | Q(version_removed__number__gt=latest.number),
        repository=repository,
        version_added__number__lte=min(removal.newest, latest.number),
        content__in=_chosen(removal.selection),
    )
    packages = list(held.values_list("content_id", flat=True))
    with transaction.atomic():
        if packages:
            latest = change(repository, remove=packages)
        if not is_published(latest):
            publish(latest)


def _chosen(selection: Selection) -> QuerySet[Any]:
    return CondaPackage.objects.filter(_pulp_domain=get_domain_pk(), **selection).values("pk")


def _stays(repository: CondaRepository, selection: Selection, newest: int) -> list[UUID]:
    """Return the packages' stays in the channel that its index does not know as over.

    Those that a version without an index ended are among them.
    """
    there = Q(version_removed=None)
    if published := published_version(repository):
        there |= Q(version_removed__number__gt=published.number)
    stays = RepositoryContent.objects.filter(
        there,
        repository=repository,
        version_added__number__lte=newest,
        content__in=_chosen(selection),
    )
    return list(stays.values_list("pk", flat=True))


def _are_over(repository: CondaRepository, stays: Iterable[UUID]) -> bool:
    """Tell whether the channel's index knows all of the stays as over.

    What was uploaded again in the meantime is another stay.
    """
    published = published_version(repository)
    if published is None:
        return False
    left = RepositoryContent.objects.filter(pk__in=stays).exclude(
        version_removed__number__lte=published.number
    )
    return not left.exists()
