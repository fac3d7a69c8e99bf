"""What one statement knows of a requester and a channel decides as Django's models do."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now
from hypothesis import given, settings
from hypothesis import strategies as st

from pulp_conda.app.models import (
    AccessToken,
    ChannelName,
    CondaDistribution,
    CondaOwner,
    CondaRepository,
    Requester,
    Right,
)
from pulp_conda.app.models.access_facts import AccessFacts, Asked, Asker, facts_of
from tests.builders import PackageBuilder
from tests.database.factories import make_channel, upload
from tests.database.rights_worlds import World, build, worlds


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
