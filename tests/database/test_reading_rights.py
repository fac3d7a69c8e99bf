"""Who may read a channel, and who may know that it exists."""

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from aiohttp.web import HTTPForbidden
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, User
from django.test import override_settings
from pulpcore.plugin.models import ContentGuard
from pulpcore.plugin.util import assign_role, get_domain

from pulp_conda.app.models import (
    REQUESTER,
    AccessToken,
    ChannelName,
    CondaContentGuard,
    CondaDistribution,
    CondaOwner,
    CondaRepository,
    Requester,
    Right,
    readable_channels,
    readable_repositories,
)
from tests.builders import PackageBuilder
from tests.database.factories import make_channel, upload

_GUARDS: dict[str, Callable[[], ContentGuard | None]] = {
    "public": lambda: None,
    "private": lambda: CondaContentGuard.objects.create(name="private"),
    "internal": lambda: CondaContentGuard.objects.create(name="internal", internal=True),
    "hidden": lambda: CondaContentGuard.objects.create(name="hidden", hidden=True),
    "pulp's own": lambda: apps.get_model("core", "RBACContentGuard").objects.create(name="pulp"),
}
_SERVING = ["repository", "version", "publication", "nothing"]
_PEOPLE = [
    "anonymous",
    "stranger",
    "namesake",
    "reader of the channel",
    "reader of the owner",
    "reader of the domain",
    "reader of everything",
    "publisher elsewhere",
    "administrator",
]
_READERS = {
    "reader of the channel",
    "reader of the owner",
    "reader of the domain",
    "reader of everything",
    "administrator",
}


def person(kind: str, repository: CondaRepository) -> Any:
    """Create somebody."""
    if kind == "anonymous":
        return AnonymousUser()
    name = "main" if kind == "namesake" else kind.replace(" ", "-")
    user = User.objects.create(username=name, is_superuser=kind == "administrator")
    elsewhere = make_channel("elsewhere", "main") if kind == "publisher elsewhere" else None
    scopes = {
        "reader of the channel": repository,
        "reader of the owner": repository.owner,
        "reader of the domain": get_domain(),
        "reader of everything": None,
        "publisher elsewhere": elsewhere,
    }
    if kind in scopes:
        role = "conda.channel_publisher" if elsewhere else "conda.channel_reader"
        if kind == "reader of the domain":
            assign_role(role, user, domain=scopes[kind])
        else:
            assign_role(role, user, scopes[kind])
    return user


def channel(
    repository: CondaRepository, guard: str, serving: str = "repository"
) -> CondaDistribution:
    """Guard the channel `org/main`, and let it serve something of its repository."""
    upload(repository, PackageBuilder())
    version = repository.latest_version()
    served = {
        "repository": {"repository": repository},
        "version": {"repository_version": version},
        "publication": {"publication": version.publication_set.get()},
        "nothing": {},
    }[serving]
    nothing = {"repository": None, "repository_version": None, "publication": None}
    CondaDistribution.objects.update(**{**nothing, **served}, content_guard=_GUARDS[guard]())
    return CondaDistribution.objects.get()


@pytest.mark.parametrize("kind", _PEOPLE)
@pytest.mark.parametrize("guard", _GUARDS)
def test_who_reads_a_channel_of_each_kind(
    repository: CondaRepository, guard: str, kind: str
) -> None:
    distribution = channel(repository, guard)
    user = person(kind, repository)
    expected = (
        guard == "public" or kind in _READERS or (guard == "internal" and kind != "anonymous")
    )
    requester = Requester(user)
    assert requester.may_read(distribution) is expected
    assert requester.may_not_know_of(distribution) is (guard == "hidden" and not expected)
    found = CondaDistribution.objects.filter(readable_channels(user))
    assert found.filter(pk=distribution.pk).exists() is expected, "lists show what may be read"


@pytest.mark.parametrize("kind", ["stranger", "reader of the channel", "reader of the owner"])
@pytest.mark.parametrize("serving", _SERVING)
def test_whatever_a_private_channel_serves_the_same_people_read_it(
    repository: CondaRepository, serving: str, kind: str
) -> None:
    distribution = channel(repository, "private", serving)
    user = person(kind, repository)
    expected = kind == "reader of the owner" or (
        kind == "reader of the channel" and serving != "nothing"
    )
    assert Requester(user).may_read(distribution) is expected
    found = CondaDistribution.objects.filter(readable_channels(user), pk=distribution.pk)
    assert found.exists() is expected


def test_users_read_the_private_channels_of_their_own_namespace() -> None:
    user = User.objects.create(username="alice")
    own = channel(make_channel("alice", "main"), "private")
    assert Requester(user).may_read(own)
    assert CondaDistribution.objects.filter(readable_channels(user)).get() == own


@pytest.mark.parametrize(
    ("scopes", "bound_to", "expected"),
    [
        (["read"], [], True),
        (["write", "delete"], [], False),
        (["read"], ["org"], True),
        (["read"], ["org/main"], True),
        (["read"], ["org/dev"], False),
        (["read"], ["other"], False),
    ],
)
@pytest.mark.parametrize("guard", ["private", "internal", "hidden"])
def test_a_token_has_to_be_good_for_reading_the_channel(
    repository: CondaRepository, guard: str, scopes: list[str], bound_to: list[str], expected: bool
) -> None:
    distribution = channel(repository, guard)
    user = person("reader of the owner", repository)
    token = AccessToken(user=user, scopes=scopes, bound_to=bound_to)
    assert Requester(user, token).may_read(distribution) is expected


def test_everybody_reads_a_public_channel_with_any_token(repository: CondaRepository) -> None:
    token = AccessToken(scopes=["delete"], bound_to=["other"])
    assert Requester(AnonymousUser(), token).may_read(channel(repository, "public"))


@pytest.mark.parametrize(
    ("guard", "kind", "status"),
    [
        ("private", "anonymous", 401),
        ("private", "stranger", 403),
        ("hidden", "anonymous", 404),
        ("hidden", "stranger", 404),
        ("internal", "anonymous", 401),
        ("internal", "stranger", None),
        ("private", "reader of the channel", None),
        ("hidden", "reader of the owner", None),
    ],
)
@pytest.mark.parametrize("path", ["org/main", "org/main/noarch/repodata.json"])
def test_a_guard_says_who_is_refused_and_how(
    repository: CondaRepository, guard: str, kind: str, status: int | None, path: str
) -> None:
    distribution = channel(repository, guard)
    request = make_mocked_request("GET", f"/{path}", match_info={"path": path})
    request[REQUESTER] = Requester(person(kind, repository))
    assert distribution.content_guard
    guarding = distribution.content_guard.cast()
    if status is None:
        guarding.permit(request)
        return
    with pytest.raises(HTTPForbidden) as refused:
        guarding.permit(request)
    assert refused.value.status == status
    assert ("WWW-Authenticate" in refused.value.headers) is (status == 401)


def test_a_guard_refuses_a_path_without_channel(repository: CondaRepository, user: User) -> None:
    guard = channel(repository, "private").content_guard
    assert guard
    request = make_mocked_request("GET", "/x", match_info={"path": "org/other/x"})
    request[REQUESTER] = Requester(user)
    with pytest.raises(HTTPForbidden):
        guard.cast().permit(request)


@pytest.mark.parametrize(
    ("visibility", "guarded", "internal"),
    [("public", False, False), ("internal", True, True), ("private", True, False)],
)
def test_an_owners_visibility_decides_on_the_guard_of_new_channels(
    visibility: str, guarded: bool, internal: bool
) -> None:
    owner = CondaOwner.objects.create(name="acme", visibility=visibility)
    make_channel("acme", "one")
    make_channel("acme", "two")
    guards = {each.content_guard for each in CondaDistribution.objects.filter(owner=owner)}
    assert len(guards) == 1, "one guard serves all of them"
    (guard,) = guards
    assert (guard is not None) is guarded
    assert guard is None or guard.cast().internal is internal


def test_channels_keep_the_guard_that_they_were_created_with() -> None:
    owner = CondaOwner.objects.create(name="acme", visibility="private")
    make_channel("acme", "old")
    CondaOwner.objects.filter(pk=owner.pk).update(visibility="public")
    make_channel("acme", "new")
    guarded = CondaDistribution.objects.filter(content_guard=None)
    assert list(guarded.values_list("base_path", flat=True)) == ["acme/new"]


@pytest.mark.parametrize("visibility", ["public", "internal", "private"])
def test_an_owner_of_whom_nothing_was_chosen_has_the_servers_visibility(visibility: str) -> None:
    with override_settings(CONDA_DEFAULT_VISIBILITY=visibility):
        owner = CondaOwner.objects.get_or_create_named("acme")
    assert owner.visibility == visibility


@pytest.mark.parametrize(
    ("visibility", "known_to"),
    [
        ("public", {"anonymous", "stranger", "reader of the owner", "administrator"}),
        ("internal", {"stranger", "reader of the owner", "administrator"}),
        ("private", {"reader of the owner", "administrator"}),
    ],
)
def test_who_may_know_of_an_owner(
    repository: CondaRepository, visibility: str, known_to: set[str]
) -> None:
    CondaOwner.objects.update(visibility=visibility)
    people = ["anonymous", "stranger", "reader of the owner", "administrator"]
    found = {
        kind for kind in people if Requester(person(kind, repository)).may_know_of_owner("ORG")
    }
    assert found == known_to


def test_a_namespace_without_owner_is_known_to_its_user_alone(user: User) -> None:
    assert Requester(user).may_know_of_owner("somebody")
    assert not Requester(user).may_know_of_owner("nobody")
    assert not Requester(AnonymousUser()).may_know_of_owner("somebody")
    assert not Requester(User.objects.create(username="other")).may_know_of_owner("somebody")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("anonymous", False),
        ("stranger", False),
        ("reader of the channel", True),
        ("reader of the owner", True),
        ("reader of the domain", True),
        ("reader of everything", True),
        ("administrator", True),
        ("publisher elsewhere", False),
    ],
)
def test_rest_shows_repositories_by_role_alone(
    repository: CondaRepository, kind: str, expected: bool
) -> None:
    user = person(kind, repository)
    assert readable_repositories(user).filter(pk=repository.pk).exists() is expected


def test_a_strangers_repository_at_ones_own_url_may_be_read_there_and_not_over_rest(
    repository: CondaRepository, user: User
) -> None:
    """The one who put it there had the right to; what a URL shows its owner may see."""
    CondaDistribution.objects.all().delete()
    own = CondaOwner.objects.get_or_create_named("somebody")
    window = CondaDistribution.objects.create(
        name="window", base_path="somebody/window", repository=repository, owner=own,
        content_guard=CondaContentGuard.objects.create(name="private"),
    )  # fmt: skip
    assert Requester(user).may_read(window)
    assert not readable_repositories(user).exists()
    assert not Requester(user).may(Right.READ, ChannelName("org", "main"), repository)
