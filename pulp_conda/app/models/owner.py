"""Owners: the namespaces that channels are created in. A role on an owner holds in all of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models.functions import Upper
from pulpcore.plugin.models import AutoAddObjPermsMixin, BaseModel
from pulpcore.plugin.util import get_domain_pk

PUBLIC, INTERNAL, PRIVATE = "public", "internal", "private"
VISIBILITIES = (PUBLIC, INTERNAL, PRIVATE)
"""Who may read new channels of an owner.

In this order: everybody; every signed-in user; users with a role on the channel or its owner.
"""


def default_visibility() -> str:
    """Return the visibility of an owner that was created without one."""
    visibility: str = settings.CONDA_DEFAULT_VISIBILITY
    return visibility


class OwnerManager(models.Manager["CondaOwner"]):
    """Finds owners of the current domain. Upper and lower case make no difference."""

    def named(self, name: str) -> "CondaOwner | None":
        """Return the owner of a name, None if there is none yet."""
        return self.filter(name__iexact=name, pulp_domain_id=get_domain_pk()).first()

    def get_or_create_named(self, name: str) -> "CondaOwner":
        """Return the owner of a name; create it if there is none.

        A namespace with the name of a user belongs to that user. With domains the namespace belongs
        to the domain, and names of users mean nothing.
        """
        if owner := self.named(name):
            return owner
        user = namesake(name)
        # In bulk, because a hook of `create` would give the first uploader a role on the namespace.
        # Another request may create it in the meantime, perhaps in another case.
        self.bulk_create(
            [self.model(name=user.username if user else name, user=user)], ignore_conflicts=True
        )
        return self.get(name__iexact=name, pulp_domain_id=get_domain_pk())

    def create_own(self, user: Any, **fields: Any) -> "CondaOwner":
        """Create a user's own namespace, spelled like the user's name.

        In bulk, without the hook that gives a role: the namespace is the user's without any role.
        """
        own = self.model(**{**fields, "name": user.username, "user": user})
        return self.bulk_create([own])[0]

    def namespace(self, name: str) -> "Namespace":
        """Return the namespace of a name."""
        if owner := self.named(name):
            return Namespace(owner.name, owner)
        user = namesake(name)
        return Namespace(user.username, None, user.pk) if user else Namespace(name)

    def canonical(self, name: str) -> str:
        """Return the spelling of an owner's name that is given in any case."""
        return self.namespace(name).name


def namesake(name: str) -> Any:
    """Return the user with the name of a namespace, None if there is none.

    In Pulp, user names may differ by case alone. If no user has exactly this name, and several have
    it in another case, the result is None.
    """
    if settings.DOMAIN_ENABLED:
        return None
    return namesake_among(get_user_model().objects.filter(username__iexact=name)[:100], name)


class _Named(Protocol):
    @property
    def username(self) -> str: ...


_User = TypeVar("_User", bound=_Named)


def namesake_among(users: Iterable[_User], name: str) -> _User | None:
    """Return the namesake of a namespace among the users with its name in any case."""
    users = list(users)
    exact = [user for user in users if user.username == name]
    matches = exact or users
    return matches[0] if len(matches) == 1 else None


class Namesake(NamedTuple):
    """The key and the name of a user who has the name of a namespace."""

    pk: int
    username: str


@dataclass(frozen=True, slots=True)
class Namespace:
    """The first part of channels' names, as it is stored.

    It is that of an owner, or else that of the user with its name (`user` is their key), or free.
    """

    name: str
    owner: "CondaOwner | None" = None
    user: object = None


class CondaOwner(BaseModel, AutoAddObjPermsMixin):
    """The namespace that channels belong to from their creation on.

    A role on an owner holds for all its channels. `user` is set on a user's own namespace, and
    None on that of an organisation. The name never changes, because the URLs of the channels
    contain it. With domains the owner is the domain.
    """

    name = models.TextField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    visibility = models.TextField(default=default_visibility)
    description = models.TextField(null=True)
    pulp_domain = models.ForeignKey("core.Domain", default=get_domain_pk, on_delete=models.PROTECT)

    objects = OwnerManager()

    def is_of(self, user: Any) -> bool:
        """Return whether this is the own namespace of a user. CI jobs have no such namespace."""
        return self.user_id is not None and self.user_id == user.pk

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        constraints = [
            models.UniqueConstraint(Upper("name"), "pulp_domain", name="conda_owner_name"),
        ]
        permissions = [
            ("upload_condaowner", "Can upload packages to the owner's channels"),
            ("modify_condaowner", "Can add and remove packages of the owner's channels"),
            ("create_condaowner", "Can create channels of the owner"),
            ("configure_condaowner", "Can change settings of the owner's channels"),
            ("manage_roles_condaowner", "Can manage role assignments on owners"),
        ]
