"""Remove packages from a channel by a new version without them, and withdraw their files.

Older versions still have the packages, but their URLs are 404 at once, because a client may remove
a file so that nobody can fetch it any more. Files that a version drops in any other way can be
fetched for the retention period, by clients with an older index.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.timezone import now
from pulpcore.plugin.models import RepositoryContent, RepositoryVersion

from pulp_conda.app.models import (
    REMOVAL,
    CondaPackage,
    CondaRepository,
    Withdrawal,
    published_version,
)

from .queue import Dispatch, apply, new_change
from .waiting import Removal

Selection = Mapping[str, str]
"""Fields of packages, with the value of each in the packages that are selected."""


class NothingToRemove(Exception):
    """The channel has none of the packages."""

    def __init__(self, selection: Selection) -> None:
        wanted = ", ".join(f"{field} {value!r}" for field, value in selection.items())
        super().__init__(f"the channel has no package with {wanted}")


def remove(repository: CondaRepository, selection: Selection, dispatch: Dispatch) -> None:
    """Wait until the packages are removed and withdrawn: no index names or serves them any more.

    Raises:
        NothingToRemove: the channel has none of them.
        CommitTimeout, CommitFailed: see `queue.apply`.
    """
    if any("\0" in value for value in selection.values()):  # PostgreSQL refuses to look for it
        raise NothingToRemove(selection)
    newest = repository.latest_version().number
    memberships = _memberships(repository, selection, newest)
    if not _is_served(repository, memberships):
        raise NothingToRemove(selection)
    payload = {"selection": selection, "newest": newest}
    removal = new_change(repository, kind=REMOVAL, payload=payload)
    removal.save()
    apply(removal, dispatch)


def selected_memberships(
    repository: CondaRepository, removal: Removal, latest: RepositoryVersion
) -> QuerySet[RepositoryContent]:
    """Return the memberships of the packages that a removal selects.

    Only memberships that began before the removal was asked for are selected. A package that was
    uploaded again since then has a later membership, and stays in the channel.
    """
    newest = min(removal.newest, latest.number)
    return _memberships(repository, removal.selection, newest)


def _memberships(
    repository: CondaRepository, selection: Selection, newest: int
) -> QuerySet[RepositoryContent]:
    chosen = CondaPackage.objects.filter(_pulp_domain=repository.pulp_domain_id, **selection)
    return RepositoryContent.objects.filter(
        repository=repository, version_added__number__lte=newest, content__in=chosen.values("pk")
    )


def withdraw(repository: CondaRepository, content: QuerySet[Any], newest: int) -> None:
    """Save withdrawals of the files of packages, for versions up to `newest`."""
    files = CondaPackage.objects.filter(pk__in=content).values_list("subdir", "filename")
    later = Withdrawal.objects.filter(repository=repository, version__gt=newest)
    withdrawn = set(files.distinct()).difference(later.values_list("subdir", "filename"))
    Withdrawal.objects.bulk_create(
        [
            Withdrawal(repository=repository, subdir=subdir, filename=filename, version=newest)
            for subdir, filename in sorted(withdrawn)
        ],
        update_conflicts=True,
        update_fields=["version"],
        unique_fields=["repository", "subdir", "filename"],
    )


def _is_served(repository: CondaRepository, memberships: QuerySet[RepositoryContent]) -> bool:
    """Return whether the channel has, or may still serve, packages of the memberships."""
    current = repository.latest_version() if not repository.autopublish else None
    current = current or published_version(repository.pk)
    present = Q(version_removed=None)
    if current is not None:
        present |= Q(version_removed__number__gt=current.number)
    if memberships.filter(present).exists():
        return True
    period = timedelta(seconds=settings.DISTRIBUTED_PUBLICATION_RETENTION_PERIOD)
    withdrawn = Withdrawal.objects.filter(
        repository=repository,
        subdir=OuterRef("content__conda_condapackage__subdir"),
        filename=OuterRef("content__conda_condapackage__filename"),
        version__gte=OuterRef("version_added__number"),
    )
    recent = memberships.filter(version_removed__pulp_created__gte=now() - period)
    return recent.filter(~Exists(withdrawn)).exists()
