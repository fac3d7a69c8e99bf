"""A channel's notices: which are served, how long, and who may publish them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.utils.timezone import now
from pulpcore.plugin.util import assign_role

from pulp_conda.app.channels.reading.notices import has_room_for, notices_of
from pulp_conda.app.models import (
    CondaDistribution,
    CondaNotice,
    CondaOwner,
    CondaRepository,
    may_announce,
)
from pulp_conda.formats.notices import MAX_BYTES
from tests.database.factories import make_channel


@pytest.fixture
def distribution(repository: CondaRepository) -> CondaDistribution:
    """The channel `org/main`."""
    return CondaDistribution.objects.get(repository=repository)


def served(distribution: CondaDistribution) -> list[dict[str, Any]]:
    """Return the notices that clients of a channel get."""
    return list(json.loads(notices_of(distribution.pk))["notices"])


def announce(distribution: CondaDistribution, message: str, **fields: Any) -> CondaNotice:
    """Save a notice."""
    return CondaNotice.objects.create(distribution=distribution, message=message, **fields)


def test_a_channel_without_notices_serves_an_empty_list(distribution: CondaDistribution) -> None:
    assert served(distribution) == []


def test_notices_are_served_oldest_first(distribution: CondaDistribution) -> None:
    announce(distribution, "new", level="critical")
    announce(distribution, "old", created_at=now() - timedelta(days=1))
    found = [(notice["message"], notice["level"]) for notice in served(distribution)]
    assert found == [("old", "info"), ("new", "critical")]


@pytest.mark.parametrize(("seconds", "expected"), [(60, ["x"]), (-60, [])])
def test_a_notice_is_served_until_it_expires(
    distribution: CondaDistribution, seconds: int, expected: list[str]
) -> None:
    announce(distribution, "x", expires_at=now() + timedelta(seconds=seconds))
    assert [notice["message"] for notice in served(distribution)] == expected


def test_a_notice_belongs_to_the_url_and_not_to_the_repository(
    distribution: CondaDistribution, repository: CondaRepository
) -> None:
    other = CondaDistribution.objects.create(name="dev", base_path="org/dev", repository=repository)
    announce(distribution, "x")
    assert served(other) == []


def test_notices_together_stay_within_what_clients_read(distribution: CondaDistribution) -> None:
    large = announce(distribution, "x" * (MAX_BYTES // 2))
    another = CondaNotice(distribution=distribution, message="y" * (MAX_BYTES // 2))
    assert not has_room_for(another)
    another.message = "y" * (MAX_BYTES // 3)
    assert has_room_for(another)
    assert has_room_for(large), "a notice that is changed does not count twice"


@pytest.mark.parametrize("lapsed", ["expired", "of another channel"])
def test_what_is_not_served_takes_no_room(distribution: CondaDistribution, lapsed: str) -> None:
    make_channel("org", "dev")
    other = CondaDistribution.objects.get(base_path="org/dev")
    if lapsed == "expired":
        announce(distribution, "x" * MAX_BYTES, expires_at=now() - timedelta(seconds=1))
    else:
        announce(other, "x" * MAX_BYTES)
    assert has_room_for(CondaNotice(distribution=distribution, message="y"))


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("conda.channel_reader", False),
        ("conda.channel_publisher", False),
        ("conda.channel_writer", False),
        ("conda.channel_maintainer", True),
        ("conda.channel_owner", True),
    ],
)
@pytest.mark.parametrize("scope", ["owner", "repository", "distribution", "everywhere"])
def test_maintainers_publish_notices(
    distribution: CondaDistribution,
    repository: CondaRepository,
    user: User,
    scope: str,
    role: str,
    expected: bool,
) -> None:
    objects = {"owner": repository.owner, "repository": repository, "distribution": distribution}
    if scope == "distribution":
        role = {True: "conda.condadistribution_owner", False: "conda.condadistribution_viewer"}[
            expected
        ]
    assign_role(role, user, objects.get(scope))
    assert may_announce(user, distribution) is expected


def test_who_maintains_a_repository_does_not_speak_at_the_url_of_another_owner(
    repository: CondaRepository, user: User
) -> None:
    assign_role("conda.channel_owner", user, repository.owner)
    window = CondaDistribution.objects.create(
        name="window", base_path="stranger/window", repository=repository
    )
    assert window.owner == CondaOwner.objects.get(name="stranger")
    assert not may_announce(user, window)


def test_the_owner_of_a_url_speaks_there_whatever_it_serves(
    repository: CondaRepository, user: User
) -> None:
    window = CondaDistribution.objects.create(
        name="window", base_path="somebody/window", repository=repository
    )
    assert may_announce(user, window)
    assert not may_announce(AnonymousUser(), window)


def test_rights_to_a_repository_give_no_voice_at_the_url_of_another_owner(
    repository: CondaRepository, user: User
) -> None:
    make_channel("other", "main")
    elsewhere = CondaDistribution.objects.get(base_path="other/main")
    CondaDistribution.objects.filter(pk=elsewhere.pk).update(repository=repository)
    elsewhere.refresh_from_db()
    assign_role("conda.channel_maintainer", user, repository)
    assert may_announce(user, CondaDistribution.objects.get(base_path="org/main"))
    assert not may_announce(user, elsewhere)
