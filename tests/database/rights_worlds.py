"""Worlds of rights: users, groups, roles, tokens and guards around the channels of two owners."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Permission, User
from hypothesis import strategies as st
from pulpcore.plugin.models import ContentGuard, Group
from pulpcore.plugin.util import assign_role, get_domain

from pulp_conda.app.access import CHANNEL_ROLES
from pulp_conda.app.models import (
    AccessToken,
    CondaContentGuard,
    CondaDistribution,
    CondaOwner,
    CondaRepository,
)
from pulp_conda.app.models.access_facts import Asker
from pulp_conda.app.models.token import SCOPES, digest_of

_ROLES = [*CHANNEL_ROLES, "conda.condarepository_creator", "conda.condadistribution_creator"]
_PERMISSIONS = ["view_condarepository", "add_condarepository", "add_condadistribution"]
_SCOPES = ["channel", "owner", "domain", "everything", "window's owner", "another owner"]
_GUARDS: dict[str, Callable[[], ContentGuard | None]] = {
    "none": lambda: None,
    "ours": lambda: CondaContentGuard.objects.create(name="ours"),
    "internal": lambda: CondaContentGuard.objects.create(name="internal", internal=True),
    "hidden": lambda: CondaContentGuard.objects.create(name="hidden", hidden=True),
    "pulp's": lambda: apps.get_model("core", "RBACContentGuard").objects.create(name="pulp's"),
}
_BOUNDS = ["org", "ORG/main", "org/other", "Somebody", "window/main"]
_CHANNELS = ["org/main", "ORG/main", "org/none", "window/main", "somebody/new", "free/main"]


@dataclass(frozen=True)
class World:
    """Who has which rights, what the channels serve, and who asks for which of them."""

    asker: str = "token"
    superuser: bool = False
    token: dict[str, Any] = field(default_factory=dict)
    roles: tuple[tuple[str, str, str], ...] = ()
    django: tuple[tuple[str, str], ...] = ()
    guard: str = "none"
    serves: str = "repository"
    asked: str = "org/main"
    owns_channel: bool = False


worlds = st.builds(
    World,
    asker=st.sampled_from(["token", "password", "job", "anonymous"]),
    superuser=st.sampled_from([False, False, False, True]),
    token=st.fixed_dictionaries(
        {
            "scopes": st.lists(st.sampled_from(SCOPES), unique=True),
            "bound_to": st.lists(st.sampled_from(_BOUNDS), max_size=2),
        }
    ),
    roles=st.lists(
        st.tuples(
            st.sampled_from(["user", "group", "stranger"]),
            st.sampled_from(_ROLES),
            st.sampled_from(_SCOPES),
        ),
        max_size=3,
        unique=True,
    ).map(tuple),
    django=st.lists(
        st.tuples(st.sampled_from(["user", "group"]), st.sampled_from(_PERMISSIONS)), max_size=2
    ).map(tuple),
    guard=st.sampled_from(list(_GUARDS)),
    serves=st.sampled_from(["repository", "version", "publication", "nothing"]),
    asked=st.sampled_from(_CHANNELS),
    owns_channel=st.booleans(),
)


def build(world: World, repository: CondaRepository) -> Asker:
    """Save a world; return who asks."""
    user = User.objects.create(username="Somebody", is_superuser=world.superuser)
    stranger, group = User.objects.create(username="stranger"), Group.objects.create(name="team")
    user.groups.add(group)
    _serve(world, repository)
    if world.owns_channel:
        CondaOwner.objects.filter(name="org").update(user=user)
    scopes: dict[str, Any] = {
        "channel": repository,
        "owner": repository.owner,
        "everything": None,
        "window's owner": CondaOwner.objects.get(name="window"),
        "another owner": CondaOwner.objects.create(name="another"),
    }
    holders = {"user": user, "group": group, "stranger": stranger}
    for holder, role, scope in world.roles:
        if scope == "domain":
            assign_role(role, holders[holder], domain=get_domain())
        elif not role.endswith("_creator") or scope == "everything":
            assign_role(role, holders[holder], scopes[scope])
    for holder, codename in world.django:
        permission = Permission.objects.get(codename=codename, content_type__app_label="conda")
        (user.user_permissions if holder == "user" else group.permissions).add(permission)
    return _asker(world, user)


def _serve(world: World, repository: CondaRepository) -> None:
    """Let `org/main` serve something, and `window/main` the repository of `org/main`."""
    version = repository.latest_version()
    served: dict[str, Any] = {
        "repository": {"repository": repository},
        "version": {"repository_version": version},
        "publication": {"publication": version.publication_set.get()},
        "nothing": {},
    }[world.serves]
    nothing = {"repository": None, "repository_version": None, "publication": None}
    guard = _GUARDS[world.guard]()
    CondaDistribution.objects.update(**{**nothing, **served}, content_guard=guard)
    CondaDistribution.objects.create(
        name="window", base_path="window/main", repository=repository, content_guard=guard
    )


def _asker(world: World, user: User) -> Asker:
    if world.asker == "token":
        AccessToken.create("secret", user=user, name="a", **world.token)
        return Asker(digest=digest_of("secret"))
    if world.asker == "job":
        grants = [{"role": role, "scope": {"type": "global"}} for _, role, _ in world.roles]
        AccessToken.create("secret", user=None, grants=grants, name="a", **world.token)
        return Asker(digest=digest_of("secret"))
    return Asker(username="Somebody") if world.asker == "password" else Asker()
