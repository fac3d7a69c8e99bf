"""What the database knows about a requester and a channel, read in one statement.

The statement says nothing about rights. `rights` decides by these facts as it does by Django's
models, and `tests/database/test_access_facts.py` checks that both decide alike.
"""

from collections import defaultdict
from collections.abc import Mapping, Set
from functools import cached_property
from json import loads
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.utils.timezone import now
from pulpcore.plugin.models import Domain

from pulp_conda.app.core.prepared import prepared_cursor

from .access_statement import statement
from .channel_name import ChannelName
from .distribution import CondaDistribution
from .guard import CondaContentGuard
from .owner import CondaOwner, Namesake, Namespace, namesake_among
from .repository import CondaRepository
from .rights import PERMISSIONS, Known, Principal, Requester
from .rows import read, take
from .token import AccessToken, longest_life

_EVERYTHING = ""

_ROLES = (
    "django.contrib.auth.backends.ModelBackend",
    "pulpcore.backends.ObjectRolePermissionBackend",
)
_WITHOUT_ROLES = (
    "pulpcore.app.authentication.PulpNoCreateRemoteUserBackend",
    "pulpcore.app.workload_identity.backend.WorkloadIdentityBackend",
)
"""Backends that give the rows of users no permission beside those of `_ROLES`."""


class Asker(NamedTuple):
    """Who asks: the user of a token, or a user by name, or nobody that is known yet."""

    digest: str | None = None
    username: str | None = None


class Asked(NamedTuple):
    """What is asked for: a namespace and a channel, or the channel of a path.

    `owner` is the name of a namespace in any case, and `channel` its channel. `base_paths` are the
    base paths that a distribution may have, of which the longest counts. `policy` is the name of an
    access policy.
    """

    domain: str = "default"
    owner: str | None = None
    channel: str | None = None
    base_paths: list[str] | None = None
    policy: str | None = None


class KnownUser:
    """A user, some of whose permissions have been looked up (pulpcore's roles, Django's too).

    It answers as `user.has_perm` does, and asks that if it does not know the answer.
    """

    is_authenticated = True

    def __init__(self, user: User, permissions: Mapping[str, Set[str]]) -> None:
        self._user = user
        self._permissions = permissions
        self.pk: object = user.pk
        self.is_superuser = user.is_superuser

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Return whether they have a permission on an object, on a domain or on everything."""
        if self.is_superuser:
            return True
        known = self._permissions.get(_EVERYTHING if obj is None else str(obj.pk))
        if known is None or perm not in PERMISSIONS:
            return self._user.has_perm(perm, obj)
        return perm in known


class AccessFacts:
    """The facts about a requester and a channel. A field is None if the database has no row."""

    def __init__(self, asked: Asked, row: tuple[Any, ...]) -> None:
        rest = iter(row)
        self._asked = asked
        self._domain = take(Domain, rest)
        token = read(AccessToken, take(AccessToken, rest))
        self.user = read(get_user_model(), take(get_user_model(), rest))
        self.token = _of_user(token, self.user)
        self.owner = read(CondaOwner, take(CondaOwner, rest))
        holder = read(CondaOwner, take(CondaOwner, rest))
        self.distribution = read(CondaDistribution, take(CondaDistribution, rest))
        repository = read(CondaRepository, take(CondaRepository, rest))
        guard = read(CondaContentGuard, take(CondaContentGuard, rest))
        self._given, self._namesakes, self._policy = rest
        if self.distribution is not None and holder is not None:
            _relate(self.distribution, holder, repository, guard)
        owners = {each.pk for each in (self.owner, holder) if each}
        self._judged = {*owners, *([repository.pk] if repository else [])}

    @cached_property
    def domain(self) -> Domain | None:
        """The domain of the request."""
        return read(Domain, self._domain)

    @cached_property
    def namespace(self) -> Namespace | None:
        """The namespace that was asked for."""
        name = self._asked.owner
        if name is None:
            return None
        if self.owner is not None:
            return Namespace(self.owner.name, self.owner)
        users = [Namesake(int(pk), username) for pk, username in self._namesakes]
        user = namesake_among(users, name)
        return Namespace(user.username if user else name, None, user and user.pk)

    @property
    def channel(self) -> ChannelName | None:
        """The channel that `distribution` was looked up for, if it was asked for by name."""
        owner, name = self._asked.owner, self._asked.channel
        if owner is None or name is None:
            return None
        return ChannelName(self.owner.name if self.owner else owner, name)

    @property
    def policy(self) -> list[dict[str, Any]] | None:
        """The statements of the access policy, None if there is none of that name."""
        return loads(self._policy) if self._policy is not None else None

    def requester(self, user: Principal, token: AccessToken | None = None) -> Requester:
        """Return a requester whose rights to the channel are judged by these facts."""
        return Requester(user, token, Known(self._principal(user), self.namespace))

    def _principal(self, user: Principal) -> Principal:
        if self.user is None or self.user.pk != user.pk or not _knows_all_backends():
            return user
        given: dict[str, set[str]] = defaultdict(set)
        for on_object, on_domain, codename in self._given:
            for scope in {on_object, on_domain} - {""} or {_EVERYTHING}:
                given[scope].add(f"conda.{codename}")
        looked_up = [_EVERYTHING, *map(str, self._judged)]
        if self._domain is not None:
            looked_up.append(str(self._domain[0]))
        return KnownUser(self.user, {scope: given[scope] for scope in looked_up})


def facts_of(asker: Asker, asked: Asked) -> AccessFacts:
    """Return what the database knows about a requester and a channel."""
    below = None
    if asked.channel is not None:
        path = ChannelName(str(asked.owner), asked.channel).base_path
        if settings.DOMAIN_ENABLED:
            asked = asked._replace(base_paths=[path])
        else:
            below = path.partition("/")[2]
    longest, moment = longest_life(), now()
    values = {
        "digest": asker.digest,
        "username": asker.username,
        "now": moment,
        "oldest": moment - longest if longest else None,
        "domain": asked.domain,
        "owner": asked.owner,
        "namesake": None if settings.DOMAIN_ENABLED else asked.owner,
        "below": below,
        "base_paths": asked.base_paths,
        "policy": asked.policy,
    }
    with prepared_cursor() as cursor:
        cursor.execute(statement(), values)
        return AccessFacts(asked, cursor.fetchone())


def _of_user(token: AccessToken | None, user: User | None) -> AccessToken | None:
    """Return a token with its user, None if its user is not active."""
    if token is None or token.user_id is None:
        return token
    token.user = user
    return token if user else None


def _relate(
    distribution: CondaDistribution,
    owner: CondaOwner,
    repository: CondaRepository | None,
    guard: CondaContentGuard | None,
) -> None:
    """Set the related objects that were looked up. Others are looked up when they are needed."""
    distribution.owner = owner
    if guard is not None:
        distribution.content_guard = guard
    if repository is not None:
        distribution.served_repository = repository
        if repository.owner_id == owner.pk:
            repository.owner = owner


def _knows_all_backends() -> bool:
    """Tell whether no authentication backend may give permissions that were not looked up."""
    backends = settings.AUTHENTICATION_BACKENDS
    return settings.AUTH_USER_MODEL == "auth.User" and (
        set(_ROLES) <= set(backends) <= {*_ROLES, *_WITHOUT_ROLES}
    )
