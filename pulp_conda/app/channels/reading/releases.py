"""Releases of packages in channels. A release is all files of one version of one package name.

The look-ups use the version that clients are served, and not the latest version.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Count, F, Min, QuerySet, Value
from django.db.models.functions import Concat
from pulpcore.plugin.models import RepositoryContent, RepositoryVersion
from pulpcore.plugin.util import get_domain_pk

from pulp_conda.app.models import (
    ChannelName,
    CondaDistribution,
    CondaPackage,
    channel_named,
    in_version,
    with_served_version,
)
from pulp_conda.formats.errors import InvalidIdentifier

Condition = tuple[tuple[str, str], ...]
"""Django look-ups on `name` and `version` of releases, with their values."""


@dataclass(frozen=True, slots=True)
class ServedChannel:
    """A channel with the version that clients are served, None if nothing is published."""

    name: ChannelName
    distribution: CondaDistribution
    version: RepositoryVersion | None

    @property
    def prefix(self) -> str:
        """The prefix of package names: the channel's name, or nothing for the default channel."""
        return "" if self.name.name == settings.CONDA_DEFAULT_CHANNEL else f"{self.name.name}/"


@dataclass(frozen=True, slots=True)
class Release:
    """One version of one package name in one channel. `created` is when its first file came."""

    channel: ServedChannel
    name: str
    version: str
    created: datetime

    @property
    def displayed_name(self) -> str:
        """The name as the generic package API shows it."""
        return self.channel.prefix + self.name

    def files(self) -> list[CondaPackage]:
        """Return its files, of all builds, subdirs and formats."""
        assert self.channel.version is not None  # noqa: S101 (a release is in a version)
        packages = CondaPackage.objects.in_version(self.channel.version)
        chosen = packages.filter(_pulp_domain=get_domain_pk(), name=self.name, version=self.version)
        return list(chosen.prefetch_related("_artifacts").order_by("subdir", "filename"))


def served_channels(owner: str) -> list[ServedChannel]:
    """Return the channels of an owner that registry URLs can name, including private ones."""
    return _served(CondaDistribution.objects.filter(owner__name__iexact=owner))


def served_channel(channel: ChannelName) -> ServedChannel | None:
    """Return the channel of a name, None if there is none."""
    return next(iter(_served(CondaDistribution.objects.filter(base_path=channel.base_path))), None)


def _served(distributions: QuerySet[CondaDistribution]) -> list[ServedChannel]:
    in_domain = distributions.filter(pulp_domain_id=get_domain_pk())
    found = with_served_version(in_domain).select_related("owner").order_by("base_path")
    # By the manager, which defers `content_ids`. A join would load megabytes of them.
    versions = RepositoryVersion.objects.in_bulk(
        [distribution.served for distribution in found if distribution.served]
    )
    return [
        ServedChannel(name, distribution, versions.get(distribution.served))
        for distribution in found
        if (name := _registry_name(distribution))
    ]


def _registry_name(distribution: CondaDistribution) -> ChannelName | None:
    """Return a channel's name, None if its path was chosen over REST and no registry URL has it."""
    name = distribution.channel
    try:
        return channel_named(name.owner, name.name) if name.name else None
    except InvalidIdentifier:
        return None


def search(
    channels: Iterable[ServedChannel], text: str, *, offset: int, limit: int
) -> tuple[list[Release], int]:
    """Return a page of the releases whose displayed name contains a text, and their number."""
    if "\0" in text:  # PostgreSQL refuses to look for it
        return [], 0
    conditions = [
        (channel, condition)
        for channel in channels
        if channel.version and (condition := _matching(channel, text.lower())) is not None
    ]
    return _page(conditions, offset=offset, limit=limit)


def releases_of(
    channel: ServedChannel, name: str, version: str | None = None, *, offset: int, limit: int
) -> tuple[list[Release], int]:
    """Return a page of the releases of a package name, and their number."""
    condition = (("name", name), *((("version", version),) if version is not None else ()))
    if channel.version is None or any("\0" in value for _, value in condition):
        return [], 0
    return _page([(channel, condition)], offset=offset, limit=limit)


def _matching(channel: ServedChannel, text: str) -> Condition | None:
    """Return the condition for displayed names that contain a text, None if no name can."""
    if text in channel.prefix:
        return ()
    head, slash, tail = text.rpartition("/")
    if not slash:
        return (("name__contains", text),)
    return (("name__startswith", tail),) if channel.prefix.endswith(head + slash) else None


def _page(
    conditions: Sequence[tuple[ServedChannel, Condition]], *, offset: int, limit: int
) -> tuple[list[Release], int]:
    """Return a page of releases, sorted by channel, name and newest first, and their number.

    Takes one query for each different condition, and one for each channel that the page touches.
    """
    counts = _counts(conditions)
    found: list[Release] = []
    total = 0
    for channel, condition in conditions:
        count = counts.get((_version_pk(channel), condition), 0)
        start, room = max(offset - total, 0), limit - len(found)
        if start < count and room > 0:
            found += _releases(channel, condition, start, min(start + room, count))
        total += count
    return found, total


def _counts(
    conditions: Sequence[tuple[ServedChannel, Condition]],
) -> dict[tuple[UUID, Condition], int]:
    counts = {}
    for condition in {condition for _, condition in conditions}:
        versions = {_version_pk(channel) for channel, meant in conditions if meant == condition}
        rows = (
            _memberships(versions)
            .filter(**dict(condition))
            .values("served")  # type: ignore[misc] # what `_memberships` annotates
            .annotate(releases=Count(Concat("name", Value("/"), "version"), distinct=True))
        )
        counts.update({(row["served"], condition): row["releases"] for row in rows})
    return counts


def _releases(channel: ServedChannel, condition: Condition, start: int, stop: int) -> list[Release]:
    rows = (
        _memberships([_version_pk(channel)])
        .filter(**dict(condition))
        .values("name", "version")  # type: ignore[misc] # what `_memberships` annotates
        .annotate(created=Min("pulp_created"))
        .order_by("name", "-created", "version")
    )
    return [Release(channel, **row) for row in rows[start:stop]]


def _memberships(versions: Iterable[UUID]) -> QuerySet[RepositoryContent]:
    """Return the memberships of packages in the versions.

    Each row has `served`, the key of the version, and the package's `name` and `version`.
    """
    number = F("repository__versions__number")
    return RepositoryContent.objects.filter(
        in_version(number),
        repository__versions__in=versions,
        # A conda distribution may serve another plugin's repository.
        content__conda_condapackage__isnull=False,
    ).annotate(
        served=F("repository__versions"),
        name=F("content__conda_condapackage__name"),
        version=F("content__conda_condapackage__version"),
    )


def _version_pk(channel: ServedChannel) -> UUID:
    assert channel.version is not None  # noqa: S101 (callers pass only channels with a version)
    pk: UUID = channel.version.pk
    return pk
