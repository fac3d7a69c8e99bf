"""Who may do what to a channel."""

import pytest
from django.contrib.auth.models import AnonymousUser, User
from pulp_file.app.models import FileRepository
from pulpcore.plugin.util import assign_role

from pulp_conda.app.models import (
    AccessToken,
    ChannelName,
    CondaDistribution,
    CondaOwner,
    CondaRepository,
    Requester,
    Right,
    has_right,
)
from tests.database.factories import make_channel

_CHANNEL = ChannelName("org", "main")
_ROLES = {
    "conda.channel_reader": {Right.READ},
    "conda.channel_publisher": {Right.READ, Right.UPLOAD},
    "conda.channel_writer": {Right.READ, Right.UPLOAD, Right.REMOVE, Right.CREATE},
    "conda.channel_maintainer": {Right.READ, Right.UPLOAD, Right.REMOVE, Right.CONFIGURE},
    "conda.channel_owner": set(Right),
}


def rights(user: object, repository: CondaRepository) -> set[Right]:
    """Return what somebody may do to `org/main`; creating is asked for where there is none yet."""
    requester = Requester(user)  # type: ignore[arg-type]
    return {
        right
        for right in Right
        if requester.may(right, _CHANNEL, None if right is Right.CREATE else repository)
    }


def test_a_stranger_may_nothing(repository: CondaRepository, user: User) -> None:
    assert rights(user, repository) == set()
    assert rights(AnonymousUser(), repository) == set()


def test_an_administrator_may_everything(repository: CondaRepository, user: User) -> None:
    user.is_superuser = True
    assert rights(user, repository) == set(Right)


@pytest.mark.parametrize("role", _ROLES)
@pytest.mark.parametrize("scope", ["owner", "everywhere"])
def test_a_role_on_the_owner_gives_its_rights(
    repository: CondaRepository, user: User, role: str, scope: str
) -> None:
    assign_role(role, user, repository.owner if scope == "owner" else None)
    assert rights(user, repository) == _ROLES[role]


@pytest.mark.parametrize("role", _ROLES)
def test_a_role_on_the_channel_creates_no_others(
    repository: CondaRepository, user: User, role: str
) -> None:
    assign_role(role, user, repository)
    assert rights(user, repository) == _ROLES[role] - {Right.CREATE}


def test_users_own_the_namespace_of_their_name(user: User) -> None:
    repository = make_channel("somebody", "main")
    own = ChannelName("somebody", "main")
    assert all(Requester(user).may(right, own, repository) for right in Right)


def test_the_owner_of_a_url_may_only_read_a_strangers_repository(
    repository: CondaRepository, user: User
) -> None:
    """A URL of one owner may lead to the repository of another."""
    CondaDistribution.objects.filter(repository=repository).delete()
    own = CondaOwner.objects.get_or_create_named("somebody")
    CondaDistribution.objects.create(
        name="window", base_path="somebody/window", repository=repository, owner=own
    )
    window = ChannelName("somebody", "window")
    may = {right for right in Right if Requester(user).may(right, window, repository)}
    assert may == {Right.READ}


@pytest.mark.parametrize(
    ("scopes", "bound_to", "expected"),
    [
        (["read"], [], {Right.READ}),
        (["read", "write"], [], {Right.READ, Right.UPLOAD, Right.CREATE}),
        (["delete"], [], {Right.REMOVE}),
        (["read"], ["org"], {Right.READ}),
        (["read"], ["ORG/main"], {Right.READ}),
        (["read"], ["org/other"], set()),
        (["read"], ["organisation"], set()),
    ],
)
def test_a_token_narrows_what_its_user_may(
    repository: CondaRepository,
    user: User,
    scopes: list[str],
    bound_to: list[str],
    expected: set[Right],
) -> None:
    assign_role("conda.channel_owner", user, repository.owner)
    token = AccessToken(user=user, scopes=scopes, bound_to=bound_to)
    requester = Requester(user, token)
    asked = {Right.READ, Right.UPLOAD, Right.REMOVE, Right.CREATE}
    assert {right for right in asked if requester.may(right, _CHANNEL, repository)} == expected


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (["conda.condarepository_creator"], False),
        (["conda.condadistribution_creator"], False),
        (["conda.condarepository_creator", "conda.condadistribution_creator"], True),
    ],
)
def test_creating_channels_takes_the_permission_for_repository_and_url(
    user: User, roles: list[str], expected: bool
) -> None:
    for role in roles:
        assign_role(role, user)
    assert Requester(user).may(Right.CREATE, _CHANNEL, None) is expected


def test_who_owns_the_url_of_another_plugins_repository_may_read_it_alone(user: User) -> None:
    """A conda channel may serve any repository; its owner is then none that we know."""
    owner = CondaOwner.objects.get_or_create_named("somebody")
    files = FileRepository.objects.create(name="files")
    assert {right for right in Right if has_right(user, right, owner, files)} == {Right.READ}
    stranger = User.objects.create(username="stranger")
    assert not any(has_right(stranger, right, owner, files) for right in Right)
