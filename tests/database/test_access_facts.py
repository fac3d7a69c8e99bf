"""What one statement knows of a requester and a channel decides as Django's models do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.db import connection, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now
from hypothesis import given, settings
from hypothesis import strategies as st
from pulpcore.plugin.models import ContentGuard, Group
from pulpcore.plugin.util import assign_role, get_domain

from pulp_conda.app.access import CHANNEL_ROLES
from pulp_conda.app.models import (
    AccessToken,
    ChannelName,
    CondaContentGuard,
    CondaDistribution,
    CondaOwner,
    CondaRepository,
    Requester,
    Right,
)
from pulp_conda.app.models.access_facts import AccessFacts, Asked, Asker, facts_of
from pulp_conda.app.models.token import SCOPES, digest_of
from tests.builders import PackageBuilder
from tests.database.factories import make_channel, upload

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


def models_answer(world: World) -> tuple[Requester, ChannelName, CondaDistribution | None]:
    """Return what Django's models say of a request: who, for which channel, and what it serves."""
    token = AccessToken.objects.find("secret")
    user = token.principal if token else AnonymousUser()
    if world.asker == "password":
        user = User.objects.get(username="Somebody")
    owner, _, name = world.asked.partition("/")
    channel = ChannelName(CondaOwner.objects.canonical(owner), name)
    found = CondaDistribution.objects.filter(base_path=channel.base_path).first()
    return Requester(user, token), channel, found


def facts_answer(
    facts: AccessFacts,
) -> tuple[Requester, ChannelName, CondaDistribution | None]:
    """Return what the facts say of a request."""
    user: Any = facts.token.principal if facts.token else facts.user or AnonymousUser()
    assert facts.namespace is not None
    assert facts.channel is not None
    channel = ChannelName(facts.namespace.name, facts.channel.name)
    return facts.requester(user, facts.token), channel, facts.distribution


def decided(
    requester: Requester, channel: ChannelName, distribution: CondaDistribution | None
) -> dict[str, object]:
    """Return every decision about a request."""
    served = distribution and distribution.served_repository
    repository = served if isinstance(served, CondaRepository) else None
    answers: dict[str, object] = {
        "channel": channel,
        "distribution": distribution,
        "repository": repository,
        "put": requester.may_put(channel, repository),
        "knows owner": requester.may_know_of_owner(channel.owner),
        **{
            right: requester.may(right, channel, repository) for right in Right if right in _CHECKED
        },
    }
    if distribution is not None:
        answers["read"] = requester.may_read(distribution)
        answers["may not know"] = requester.may_not_know_of(distribution)
        answers["guard"] = distribution.content_guard and distribution.content_guard.pk
        answers["owner"] = distribution.owner
    return answers


_CHECKED = (Right.READ, Right.UPLOAD, Right.REMOVE, Right.CREATE)


def undone(world: World, repository: CondaRepository, check: Callable[[Asker], None]) -> None:
    """Check a world, and undo it."""
    with transaction.atomic():
        check(build(world, repository))
        transaction.set_rollback(True)


@pytest.fixture
def filled(repository: CondaRepository) -> CondaRepository:
    """The repository of a channel with a package."""
    upload(repository, PackageBuilder())
    return repository


@settings(max_examples=100)
@given(world=worlds, creation=st.sampled_from(["owners", "publishers"]))
def test_facts_decide_as_models_do(filled: CondaRepository, world: World, creation: str) -> None:
    def check(asker: Asker) -> None:
        owner, _, name = world.asked.partition("/")
        facts = facts_of(asker, Asked(owner=owner, channel=name))
        with override_settings(CONDA_CHANNEL_CREATION=creation):
            assert decided(*facts_answer(facts)) == decided(*models_answer(world))

    undone(world, filled, check)


def test_one_statement_decides(filled: CondaRepository) -> None:
    world = World(
        token={"scopes": ["read", "write", "delete"]},
        roles=(("group", "conda.channel_writer", "owner"),),
        guard="hidden",
    )

    def check(asker: Asker) -> None:
        for _ in range(2):  # the second prepares the statement
            facts_of(asker, Asked())
        with CaptureQueriesContext(connection) as captured:
            facts = facts_of(asker, Asked(owner="Org", channel="main"))
            answers = decided(*facts_answer(facts))
        assert answers["put"] is answers["read"] is True
        assert len(captured) == 1, [query["sql"] for query in captured.captured_queries]

    undone(world, filled, check)


@pytest.mark.parametrize(
    "change",
    [
        {"expires": now() - timedelta(seconds=1)},
        {"pulp_created": now() - timedelta(days=2)},
        {"digest": "0" * 64},
    ],
)
def test_tokens_that_are_not_valid_are_not_found(
    filled: CondaRepository, change: dict[str, Any]
) -> None:
    def check(asker: Asker) -> None:
        with override_settings(CONDA_TOKEN_MAX_SECONDS=24 * 3600):
            assert facts_of(asker, Asked()).token is not None
            AccessToken.objects.update(**change)
            assert facts_of(asker, Asked()).token is None

    undone(World(token={"scopes": []}), filled, check)


def test_users_who_are_not_active_are_not_found(filled: CondaRepository) -> None:
    def check(asker: Asker) -> None:
        User.objects.update(is_active=False)
        assert facts_of(asker, Asked()).user is None

    undone(World(token={"scopes": []}), filled, check)


class Generous:
    """An authentication backend that gives everybody every permission."""

    def has_perm(self, _user: User, _perm: str, _obj: object = None) -> bool:
        """Return that they have it."""
        return True


def test_a_backend_of_another_kind_is_asked(filled: CondaRepository) -> None:
    def check(asker: Asker) -> None:
        facts = facts_of(asker, Asked(owner="org", channel="main"))
        _, channel, _ = facts_answer(facts)
        assert not facts_answer(facts)[0].may_put(channel, filled)
        with override_settings(AUTHENTICATION_BACKENDS=[f"{__name__}.Generous"]):
            assert facts_answer(facts)[0].may_put(channel, filled)

    undone(World(token={"scopes": ["write"]}), filled, check)


def test_a_path_finds_the_channel_with_the_longest_base_path(filled: CondaRepository) -> None:
    make_channel("org", "main/sub")
    paths = ["org", "org/main", "org/main:sub", "org/main:sub:noarch"]
    facts = facts_of(Asker(), Asked(base_paths=paths))
    assert facts.distribution is not None
    assert facts.distribution.base_path == "org/main:sub"


def test_facts_name_the_access_policy(filled: CondaRepository) -> None:
    statements = [{"action": "*", "principal": "admin", "effect": "allow"}]
    policies = apps.get_model("core", "AccessPolicy").objects
    policies.create(viewset_name="conda/registry", statements=statements)
    assert facts_of(Asker(), Asked(policy="conda/registry")).policy == statements
    assert facts_of(Asker(), Asked(policy="conda/other")).policy is None
