"""The rights of users to channels, by roles on the channel, its owner, the domain or everything.

A channel's owner is stored with its repository and its distribution. Rights never depend on a name
that somebody may change.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from django.conf import settings
from django.db.models import Q, QuerySet
from pulpcore.plugin.models import Repository
from pulpcore.plugin.util import get_domain, get_domain_pk, get_objects_for_user

from .channel_name import ChannelName
from .distribution import CondaDistribution
from .owner import INTERNAL, PUBLIC, CondaOwner, Namespace
from .remote import CondaRemote
from .repository import CondaRepository
from .token import DELETE, READ, WRITE, AccessToken


class Right(StrEnum):
    """A right to a channel. The value is the verb of the permission on its owner.

    CONFIGURE covers settings, the URL, rollback and notices. ADMINISTER covers roles, checks and
    the deletion of the channel.
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
"""The scope that a token needs for each right. No token gives the other rights."""

_MODEL_PERMISSIONS = {
    Right.READ: ("conda.view_condarepository",),
    Right.UPLOAD: ("conda.upload_condarepository",),
    Right.REMOVE: ("conda.modify_condarepository",),
    Right.CREATE: ("conda.add_condarepository", "conda.add_condadistribution"),
    Right.CONFIGURE: ("conda.change_condarepository",),
    Right.ADMINISTER: ("conda.manage_roles_condarepository",),
}
"""The permissions that each right takes in a role on the domain or on everything.

A role on the channel's repository needs the first of them.
"""

PERMISSIONS = frozenset(
    permission
    for right in Right
    for permission in (*_MODEL_PERMISSIONS[right], f"conda.{right}_condaowner")
)
"""All permissions that decide on rights to channels."""


class Principal(Protocol):
    """A user, an anonymous visitor, or a CI job with the permissions of its workload identity."""

    @property
    def pk(self) -> object:
        """The key of a user's row; None for all others."""

    @property
    def is_authenticated(self) -> bool:
        """Whether the requester has proved who they are."""

    @property
    def is_superuser(self) -> bool:
        """Whether they may do everything."""

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Return whether they have a permission on an object, on a domain or on everything."""


class Known(NamedTuple):
    """What was looked up about a requester and a namespace before their rights are judged."""

    principal: Principal
    """The requester's user, whose permissions on the channel are known."""
    namespace: Namespace | None


@dataclass(frozen=True, slots=True)
class Requester:
    """The principal of a request, and the token that narrows their rights."""

    user: Principal
    token: AccessToken | None = None
    known: Known | None = None

    def may(self, right: Right, channel: ChannelName, repository: CondaRepository | None) -> bool:
        """Return whether they have a right to a channel.

        `repository` is None if the channel does not exist yet.
        """
        if not self.user.is_authenticated or not self.token_covers(right, channel):
            return False
        owner = repository.owner if repository else None
        if owner is None or owner.name != channel.owner:
            namespace = self._namespace(channel.owner)
            owner = namespace.owner
            if owner is None and self._is_namesake(namespace):
                return True
        return has_right(self._principal, right, owner, repository)

    def may_put(self, channel: ChannelName, repository: CondaRepository | None) -> bool:
        """Return whether they may upload to a channel, or create it by an upload."""
        if repository is not None or settings.CONDA_CHANNEL_CREATION == "publishers":
            return self.may(Right.UPLOAD, channel, repository)
        return self.may(Right.CREATE, channel, None)

    def may_read(self, distribution: CondaDistribution) -> bool:
        """Return whether they may read a channel. Without a guard everybody may."""
        if distribution.content_guard_id is None:
            return True
        if not self.user.is_authenticated or not self.token_covers(
            Right.READ, distribution.channel
        ):
            return False
        served = distribution.served_repository
        if has_right(self._principal, Right.READ, distribution.owner, served):
            return True
        return _guard_has(distribution, "internal")

    def may_not_know_of(self, distribution: CondaDistribution) -> bool:
        """Return whether a channel's guard hides from them that the channel exists."""
        if self.may_read(distribution):
            return False
        return _guard_has(distribution, "hidden")

    def may_know_of_owner(self, name: str) -> bool:
        """Return whether there is an owner of that name, and they may know it."""
        namespace = self._namespace(name)
        owner = namespace.owner
        if owner is None:
            return self.user.is_authenticated and self._is_namesake(namespace)
        if owner.visibility == PUBLIC or (
            owner.visibility == INTERNAL and self.user.is_authenticated
        ):
            return True
        return self.may(Right.READ, ChannelName(owner.name, ""), None)

    def token_covers(self, right: Right, channel: ChannelName) -> bool:
        """Return whether they use no token, or a token that covers a right."""
        token = self.token
        return token is None or token.covers(_SCOPE[right], channel.owner, channel.name)

    @property
    def _principal(self) -> Principal:
        return self.known.principal if self.known else self.user

    def _namespace(self, name: str) -> Namespace:
        known = self.known and self.known.namespace
        return known if known and known.name == name else CondaOwner.objects.namespace(name)

    def _is_namesake(self, namespace: Namespace) -> bool:
        return namespace.user is not None and namespace.user == self.user.pk


def _guard_has(distribution: CondaDistribution, option: str) -> bool:
    guard = distribution.content_guard
    return guard is not None and bool(getattr(guard.cast(), option, False))


def has_right(
    user: Principal, right: Right, owner: CondaOwner | None, repository: Repository | None
) -> bool:
    """Return whether a user has a right to the repository that a URL of an owner serves.

    A URL of one owner may serve the repository of another. Rights to the URL's owner give the right
    to read that repository, and no other right. `repository` is None for a channel that does not
    exist yet.
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
    # pulpcore refuses to look for a permission on an object of another class.
    if isinstance(repository, CondaRepository) and user.has_perm(needed[0], repository):
        return True
    return any(
        all(user.has_perm(permission, scope) for permission in needed)
        for scope in (None, get_domain())
    )


def owns(user: Principal, right: Right, owner: CondaOwner) -> bool:
    """Return whether a user has a right to all channels of an owner, as the owner or by role."""
    if owner.is_of(user):
        return True
    return user.has_perm(f"conda.{right}_condaowner", owner)


def may_create_in(user: Principal, owner: str) -> bool:
    """Return whether a user may create channels in a namespace, which need not exist yet."""
    return Requester(user).may(Right.CREATE, ChannelName(owner, ""), None)


def may_announce(user: Principal, distribution: CondaDistribution) -> bool:
    """Return whether a user may publish notices in a channel: they may configure the channel.

    A notice appears at the URL. If the URL serves a repository of another owner, rights to that
    repository are not enough.
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
    """Return the condition for distributions of channels that a user may read."""
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
    """Return the conda repositories of the current domain that a user may see over REST."""
    repositories = CondaRepository.objects.filter(pulp_domain_id=get_domain_pk())
    if user.is_superuser:
        return repositories
    by_role = get_objects_for_user(user, "conda.view_condarepository", repositories)
    return repositories.filter(Q(pk__in=by_role.values("pk")) | of_owners(user, Right.READ))


def readable_remotes(user: Principal) -> QuerySet[CondaRemote]:
    """Return the remotes of the current domain that a user may see."""
    remotes = CondaRemote.objects.filter(pulp_domain_id=get_domain_pk())
    if user.is_superuser:
        return remotes
    found: QuerySet[CondaRemote] = get_objects_for_user(user, "conda.view_condaremote", remotes)
    return found


def of_owners(user: Principal, right: Right) -> Q:
    """Return the condition for repositories and distributions whose owner a user has a right to."""
    return Q(owner__in=owners_with(user, right).values("pk"))


def owners_with(user: Principal, right: Right) -> QuerySet[CondaOwner]:
    """Return the owners that a user has a right to, as the owner or by role."""
    owners = CondaOwner.objects.filter(pulp_domain_id=get_domain_pk())
    by_role = get_objects_for_user(user, f"conda.{right}_condaowner", owners)
    own = Q(user_id=user.pk) if user.pk is not None else Q(pk__in=[])
    found: QuerySet[CondaOwner] = owners.filter(own | Q(pk__in=by_role.values("pk")))
    return found


def _belongs(repository: Repository | None, owner: CondaOwner) -> bool:
    return repository is None or getattr(repository, "owner_id", None) == owner.pk


def permitted(user: Principal, permission: str, *scopes: object) -> bool:
    """Return whether a user has a permission on a scope, on the domain or on everything."""
    return any(user.has_perm(permission, scope) for scope in (*scopes, None, get_domain()))
