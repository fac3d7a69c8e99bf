"""Who may do what to a channel: by role on it, on its owner, on the domain, or everywhere."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db.models import Q
from pulpcore.plugin.util import get_domain, get_domain_pk, get_objects_for_user

from .channel import ChannelName
from .distribution import CondaDistribution
from .owner import CondaOwner
from .repository import CondaRepository
from .token import DELETE, READ, WRITE, AccessToken


class Right(StrEnum):
    """What one may do to a channel; named like the permission's verb."""

    READ = "view"
    UPLOAD = "upload"
    REMOVE = "modify"
    CREATE = "create"


_SCOPE = {
    Right.READ: READ,
    Right.UPLOAD: WRITE,
    Right.REMOVE: DELETE,
    Right.CREATE: WRITE,
}
"""The token's scope that each right takes."""

_MODEL_PERMISSIONS = {
    Right.READ: ("conda.view_condarepository",),
    Right.UPLOAD: ("conda.upload_condarepository",),
    Right.REMOVE: ("conda.modify_condarepository",),
    Right.CREATE: ("conda.add_condarepository", "conda.add_condadistribution"),
}
"""What a role in the domain or everywhere must give for each right."""


@dataclass(frozen=True, slots=True)
class Requester:
    """The one who asks, and the token that narrows what he may do."""

    user: Any
    token: AccessToken | None = None

    def may(self, right: Right, channel: ChannelName, repository: CondaRepository | None) -> bool:
        """Tell whether he has a right to a channel; without `repository` there is none yet."""
        if not self.user.is_authenticated or not self._token_covers(right, channel):
            return False
        return _has_right(self.user, right, channel, repository)

    def may_put(self, channel: ChannelName, repository: CondaRepository | None) -> bool:
        """Tell whether he may upload to a channel, which may first have to be created."""
        if repository is not None or settings.CONDA_CHANNEL_CREATION == "publishers":
            return self.may(Right.UPLOAD, channel, repository)
        return self.may(Right.CREATE, channel, None)

    def may_read(self, distribution: CondaDistribution) -> bool:
        """Tell whether he may read what a channel serves; without a guard everybody may."""
        if distribution.content_guard_id is None:
            return True
        channel = ChannelName.of_base_path(distribution.base_path)
        return self.may(Right.READ, channel, distribution.served_repository)

    def may_not_know_of(self, distribution: CondaDistribution) -> bool:
        """Tell whether a channel's guard denies to him that there is a channel."""
        if self.may_read(distribution):
            return False
        return getattr(distribution.content_guard.cast(), "hidden", False)

    def _token_covers(self, right: Right, channel: ChannelName) -> bool:
        token = self.token
        return token is None or token.covers(_SCOPE[right], channel.owner, channel.name)


def _has_right(
    user: Any, right: Right, channel: ChannelName, repository: CondaRepository | None
) -> bool:
    if user.is_superuser:
        return True
    # A URL of one owner may lead to the repository of another: it grants reading, no more.
    if (right is Right.READ or _is_of(channel, repository)) and owns(user, right, channel.owner):
        return True
    if repository is not None and user.has_perm(f"conda.{right}_condarepository", repository):
        return True
    needed = _MODEL_PERMISSIONS[right]
    return any(
        all(user.has_perm(permission, scope) for permission in needed)
        for scope in (None, get_domain())
    )


def _is_of(channel: ChannelName, repository: CondaRepository | None) -> bool:
    if repository is None:
        return True
    return ChannelName.of_base_path(repository.name).owner == channel.owner


def owns(user: Any, right: Right, owner: str) -> bool:
    """Tell whether a user has a right to all channels of an owner, by name or by role."""
    organisation = CondaOwner.objects.filter(name=owner, pulp_domain_id=get_domain_pk()).first()
    if organisation is None:
        # An organisation was given its name by an administrator; a user may just be called so.
        return not settings.DOMAIN_ENABLED and user.username == owner
    has_it: bool = user.has_perm(f"conda.{right}_condaowner", organisation)
    return has_it


def may_announce(user: Any, distribution: CondaDistribution) -> bool:
    """Tell whether a user may speak to the users of a channel: he may modify what it serves.

    What is said at one owner's URL is not for those to say whose repository it serves.
    """
    channel = ChannelName.of_base_path(distribution.base_path)
    repository = distribution.served_repository
    is_its_own = isinstance(repository, CondaRepository) and _is_of(channel, repository)
    return (
        owns(user, Right.REMOVE, channel.owner)
        or (is_its_own and _has_right(user, Right.REMOVE, channel, repository))
        or _everywhere_or_on(user, "conda.change_condadistribution", distribution)
    )


def readable_channels(user: Any) -> Q:
    """Return the condition for the distributions of the channels that a user may read."""
    if user.is_superuser or _everywhere_or_on(user, "conda.view_condarepository"):
        return Q()
    repositories = CondaRepository.objects.filter(pulp_domain_id=get_domain_pk())
    visible = get_objects_for_user(user, "conda.view_condarepository", repositories).values("pk")
    return (
        Q(content_guard=None)
        | Q(repository__in=visible)
        | Q(repository_version__repository__in=visible)
        | Q(publication__repository_version__repository__in=visible)
        | _of_owners(user, "base_path")
    )


def owned_repositories(user: Any) -> Q:
    """Return the condition for repositories that a user may see by a role on their owner."""
    return _of_owners(user, "name")


def _everywhere_or_on(user: Any, permission: str, *scopes: Any) -> bool:
    return any(user.has_perm(permission, scope) for scope in (*scopes, None, get_domain()))


def _of_owners(user: Any, field: str) -> Q:
    """Return the condition for names of channels in `field`, of owners that a user may see."""
    visible = get_objects_for_user(user, "conda.view_condaowner", CondaOwner.objects.all())
    names = list(visible.filter(pulp_domain_id=get_domain_pk()).values_list("name", flat=True))
    if settings.DOMAIN_ENABLED:
        return Q() if get_domain().name in names else Q(pk__in=[])
    if user.username and not CondaOwner.objects.filter(name=user.username).exists():
        names.append(user.username)
    found = Q(pk__in=[])
    for name in names:
        found |= Q(**{f"{field}__startswith": f"{name}/"})
    return found
