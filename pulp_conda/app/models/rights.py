"""Who may do what to a channel: by role on it, on its owner, on the domain, or everywhere.

A channel's owner is stored with its repository and its distribution. No name that somebody may
change decides on a right.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from django.conf import settings
from django.db.models import Q, QuerySet
from pulpcore.plugin.models import Repository
from pulpcore.plugin.util import get_domain, get_domain_pk, get_objects_for_user

from .channel_name import ChannelName
from .distribution import CondaDistribution
from .owner import INTERNAL, PUBLIC, CondaOwner, namesake
from .repository import CondaRepository
from .token import DELETE, READ, WRITE, AccessToken


class Right(StrEnum):
    """What one may do to a channel; named like the verb of the permission on its owner.

    CONFIGURE is for settings, the URL, rollback and notices; ADMINISTER for roles, checks and
    deleting the channel.
    """

    READ = "view"
    UPLOAD = "upload"
    REMOVE = "modify"
    CREATE = "create"
    CONFIGURE = "configure"
    ADMINISTER = "manage_roles"


_SCOPE = {
    Right.READ: READ,
    Right.UPLOAD: WRITE,
    Right.REMOVE: DELETE,
    Right.CREATE: WRITE,
}
"""The token's scope that each right takes; the others are not for tokens."""

_MODEL_PERMISSIONS = {
    Right.READ: ("conda.view_condarepository",),
    Right.UPLOAD: ("conda.upload_condarepository",),
    Right.REMOVE: ("conda.modify_condarepository",),
    Right.CREATE: ("conda.add_condarepository", "conda.add_condadistribution"),
    Right.CONFIGURE: ("conda.change_condarepository",),
    Right.ADMINISTER: ("conda.manage_roles_condarepository",),
}
"""What a role in the domain or everywhere must give for each right; the first counts on the
channel's repository."""


class Principal(Protocol):
    """A user, a visitor without a name, or a CI job with what its identity earned it."""

    @property
    def pk(self) -> object:
        """The key of a user's row; None for all others."""

    @property
    def is_authenticated(self) -> bool:
        """Whether it is known who asks."""

    @property
    def is_superuser(self) -> bool:
        """Whether they may do everything."""

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Tell whether they have a permission on an object, on a domain or everywhere."""


@dataclass(frozen=True, slots=True)
class Requester:
    """The one who asks, and the token that narrows what they may do."""

    user: Principal
    token: AccessToken | None = None

    def may(self, right: Right, channel: ChannelName, repository: CondaRepository | None) -> bool:
        """Tell whether they have a right to a channel; without `repository` there is none yet."""
        if not self.user.is_authenticated or not self.token_covers(right, channel):
            return False
        owner = repository.owner if repository else None
        if owner is None or owner.name != channel.owner:
            owner = CondaOwner.objects.named(channel.owner)
        if owner is None and namesake(channel.owner) == self.user:
            return True
        return has_right(self.user, right, owner, repository)

    def may_put(self, channel: ChannelName, repository: CondaRepository | None) -> bool:
        """Tell whether they may upload to a channel, which may first have to be created."""
        if repository is not None or settings.CONDA_CHANNEL_CREATION == "publishers":
            return self.may(Right.UPLOAD, channel, repository)
        return self.may(Right.CREATE, channel, None)

    def may_read(self, distribution: CondaDistribution) -> bool:
        """Tell whether they may read what a channel serves; without a guard everybody may."""
        if distribution.content_guard_id is None:
            return True
        if not self.user.is_authenticated or not self.token_covers(
            Right.READ, distribution.channel
        ):
            return False
        if has_right(self.user, Right.READ, distribution.owner, distribution.served_repository):
            return True
        return _guard_says(distribution, "internal")

    def may_not_know_of(self, distribution: CondaDistribution) -> bool:
        """Tell whether a channel's guard denies to them that there is a channel."""
        if self.may_read(distribution):
            return False
        return _guard_says(distribution, "hidden")

    def may_know_of_owner(self, name: str) -> bool:
        """Tell whether there is an owner of that name, as far as they are to know."""
        owner = CondaOwner.objects.named(name)
        if owner is None:
            return self.user.is_authenticated and namesake(name) == self.user
        if owner.visibility == PUBLIC or (
            owner.visibility == INTERNAL and self.user.is_authenticated
        ):
            return True
        return self.may(Right.READ, ChannelName(owner.name, ""), None)

    def token_covers(self, right: Right, channel: ChannelName) -> bool:
        """Tell whether they have come without a token, or with one that is good for a right."""
        token = self.token
        return token is None or token.covers(_SCOPE[right], channel.owner, channel.name)


def _guard_says(distribution: CondaDistribution, option: str) -> bool:
    guard = distribution.content_guard
    return guard is not None and bool(getattr(guard.cast(), option, False))


def has_right(
    user: Principal, right: Right, owner: CondaOwner | None, repository: Repository | None
) -> bool:
    """Tell whether a user has a right to the repository behind a URL of an owner.

    A URL of one owner may lead to the repository of another: owning the URL grants reading, and
    no more. Without `repository` the right is to a channel that is yet to be created.
    """
    if user.is_superuser:
        return True
    if (
        owner is not None
        and (right is Right.READ or _belongs(repository, owner))
        and owns(user, right, owner)
    ):
        return True
    needed = _MODEL_PERMISSIONS[right]
    if repository is not None and user.has_perm(needed[0], repository):
        return True
    return any(
        all(user.has_perm(permission, scope) for permission in needed)
        for scope in (None, get_domain())
    )


def owns(user: Principal, right: Right, owner: CondaOwner) -> bool:
    """Tell whether a user has a right to all channels of an owner: it is their own, or by role."""
    if owner.is_of(user):
        return True
    return user.has_perm(f"conda.{right}_condaowner", owner)


def may_create_in(user: Principal, owner: str) -> bool:
    """Tell whether a user may create channels in a namespace, which need not exist yet."""
    return Requester(user).may(Right.CREATE, ChannelName(owner, ""), None)


def may_announce(user: Principal, distribution: CondaDistribution) -> bool:
    """Tell whether a user may speak to the users of a channel: they may configure what it serves.

    What is said at one owner's URL is not for those to say whose repository it serves.
    """
    repository = distribution.served_repository
    is_its_own = isinstance(repository, CondaRepository) and _belongs(
        repository, distribution.owner
    )
    return (
        owns(user, Right.CONFIGURE, distribution.owner)
        or (is_its_own and has_right(user, Right.CONFIGURE, distribution.owner, repository))
        or permitted(user, "conda.change_condadistribution", distribution)
    )


def readable_channels(user: Principal) -> Q:
    """Return the condition for the distributions of the channels that a user may read."""
    if user.is_superuser or permitted(user, "conda.view_condarepository"):
        return Q()
    repositories = CondaRepository.objects.filter(pulp_domain_id=get_domain_pk())
    visible = get_objects_for_user(user, "conda.view_condarepository", repositories).values("pk")
    internal = Q(content_guard__conda_condacontentguard__internal=True)
    return (
        Q(content_guard=None)
        | (internal if user.is_authenticated else Q(pk__in=[]))
        | Q(repository__in=visible)
        | Q(repository_version__repository__in=visible)
        | Q(publication__repository_version__repository__in=visible)
        | of_owners(user, Right.READ)
    )


def readable_repositories(user: Principal) -> QuerySet[CondaRepository]:
    """Return the channels' repositories of the current domain that a user may see over REST."""
    repositories = CondaRepository.objects.filter(pulp_domain_id=get_domain_pk())
    if user.is_superuser:
        return repositories
    by_role = get_objects_for_user(user, "conda.view_condarepository", repositories)
    return repositories.filter(Q(pk__in=by_role.values("pk")) | of_owners(user, Right.READ))


def of_owners(user: Principal, right: Right) -> Q:
    """Return the condition for repositories and distributions to whose owner a user has a right."""
    return Q(owner__in=owners_with(user, right).values("pk"))


def owners_with(user: Principal, right: Right) -> QuerySet[CondaOwner]:
    """Return the owners to all of whose channels a user has a right: their own, and by role."""
    owners = CondaOwner.objects.filter(pulp_domain_id=get_domain_pk())
    by_role = get_objects_for_user(user, f"conda.{right}_condaowner", owners)
    own = Q(user_id=user.pk) if user.pk is not None else Q(pk__in=[])
    found: QuerySet[CondaOwner] = owners.filter(own | Q(pk__in=by_role.values("pk")))
    return found


def _belongs(repository: Repository | None, owner: CondaOwner) -> bool:
    return repository is None or getattr(repository, "owner_id", None) == owner.pk


def permitted(user: Principal, permission: str, *scopes: object) -> bool:
    """Tell whether a user has a permission on one of the scopes, on the domain or everywhere."""
    return any(user.has_perm(permission, scope) for scope in (*scopes, None, get_domain()))
