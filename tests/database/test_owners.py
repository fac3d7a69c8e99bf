"""Owners, their names in any case, and the names of channels."""

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from pulp_file.app.models import FileDistribution, FileRepository
from pulpcore.plugin.util import assign_role

from pulp_conda.app.channels.intake.target_channel import (
    ChannelOverlap,
    ChannelPinned,
    check_not_pinned,
    find_distribution,
    find_or_create_repository,
    repository_of,
)
from pulp_conda.app.models import (
    ChannelName,
    CondaDistribution,
    CondaOwner,
    CondaRepository,
    Requester,
    Right,
    channel_named,
    namesake,
    owners_with,
)
from pulp_conda.formats.errors import InvalidIdentifier
from tests.builders import PackageBuilder
from tests.database.factories import make_channel, upload


def test_an_owner_is_found_in_any_case_and_keeps_the_name_as_it_was_written_first() -> None:
    owner = CondaOwner.objects.get_or_create_named("Acme")
    assert (
        CondaOwner.objects.get_or_create_named("ACME") == CondaOwner.objects.named("acme") == owner
    )
    assert CondaOwner.objects.canonical("aCME") == "Acme"
    assert CondaOwner.objects.count() == 1


def test_a_namespace_called_like_a_user_is_the_users(user: User) -> None:
    owner = CondaOwner.objects.get_or_create_named("SomeBody")
    assert (owner.name, owner.user) == ("somebody", user)
    assert owner.is_of(user)


def test_an_owner_that_was_made_before_the_user_is_not_the_users() -> None:
    CondaOwner.objects.get_or_create_named("alice")
    alice = User.objects.create(username="alice")
    owner = CondaOwner.objects.get_or_create_named("alice")
    assert not owner.is_of(alice)
    assert not Requester(alice).may(Right.CREATE, ChannelName("alice", "main"), None)


def test_a_renamed_user_keeps_their_namespace_and_gets_no_other(user: User) -> None:
    own = CondaOwner.objects.get_or_create_named("somebody")
    CondaOwner.objects.get_or_create_named("acme")
    user.username = "acme"
    user.save()
    assert set(owners_with(user, Right.READ)) == {own}


def test_who_gets_a_name_that_another_user_left_does_not_get_the_namespace(user: User) -> None:
    make_channel("somebody", "main")
    user.username = "moved"
    user.save()
    newcomer = User.objects.create(username="somebody")
    repository = CondaRepository.objects.get()
    channel = ChannelName("somebody", "main")
    assert not Requester(newcomer).may(Right.UPLOAD, channel, repository)
    assert Requester(user).may(Right.UPLOAD, channel, repository)


def test_an_owner_whose_user_is_deleted_is_nobodys(user: User) -> None:
    owner = CondaOwner.objects.get_or_create_named("somebody")
    user.delete()
    owner.refresh_from_db()
    assert owner.user is None
    assert not owner.is_of(User())


@pytest.mark.parametrize(
    ("names", "asked", "expected"),
    [
        (["alice"], "alice", "alice"),
        (["alice"], "ALICE", "alice"),
        (["Alice", "alice"], "alice", "alice"),
        (["Alice", "alice"], "ALICE", None),
        ([], "alice", None),
    ],
)
def test_the_namesake_is_the_one_user_that_a_name_can_mean(
    names: list[str], asked: str, expected: str | None
) -> None:
    for name in names:
        User.objects.create(username=name)
    found = namesake(asked)
    assert (found.username if found else None) == expected


def test_with_domains_names_of_users_mean_nothing(user: User) -> None:
    with override_settings(DOMAIN_ENABLED=True):
        assert namesake("somebody") is None


def test_owners_are_those_that_are_ones_own_or_given_by_role(user: User) -> None:
    own = CondaOwner.objects.get_or_create_named("somebody")
    acme, _other = (CondaOwner.objects.get_or_create_named(name) for name in ("acme", "other"))
    assign_role("conda.channel_publisher", user, acme)
    assert set(owners_with(user, Right.UPLOAD)) == {own, acme}
    assert set(owners_with(user, Right.REMOVE)) == {own}


@pytest.mark.parametrize("name", ["main", "dev/team", "a.b+c-d_e", "x" * 128, "noarch/x", "tt"])
def test_names_that_a_channel_may_have(name: str) -> None:
    assert channel_named("org", name) == ChannelName("org", name)


@pytest.mark.parametrize(
    "name",
    ["t", "t/x", "x/noarch", "linux-64", "..", "a/./b", "20260101T000000Z", "x y", "a:b", "é",
     "x" * 129, "a//b", "/a"],
)  # fmt: skip
def test_names_that_no_channel_may_have(name: str) -> None:
    with pytest.raises(InvalidIdentifier):
        channel_named("org", name)


def test_a_name_that_is_left_out_is_that_of_the_default_channel() -> None:
    assert channel_named("org", None).name == "main"
    with override_settings(CONDA_DEFAULT_CHANNEL="stable"):
        assert channel_named("org", None).name == "stable"


@pytest.mark.parametrize("name", ["main", "top/sub/deep"])
def test_a_base_path_stores_slashes_as_colons_and_is_read_back(name: str) -> None:
    channel = ChannelName("org", name)
    assert channel.base_path == f"org/{name.replace('/', ':')}"
    assert ChannelName.of_base_path(channel.base_path) == channel
    assert channel.path == str(channel) == f"org/{name}"


def test_a_channel_inside_another_is_a_channel_of_its_own() -> None:
    top, sub = make_channel("org", "top"), make_channel("org", "top/sub")
    assert top != sub
    assert find_or_create_repository(ChannelName("org", "top/sub")) == sub


def test_the_first_upload_creates_repository_url_and_owner() -> None:
    repository = find_or_create_repository(ChannelName("org", "main"))
    distribution = CondaDistribution.objects.get()
    assert distribution.repository_id == repository.pk
    assert repository.owner == distribution.owner == CondaOwner.objects.get(name="org")
    assert distribution.channel == ChannelName("org", "main")
    assert find_or_create_repository(ChannelName("org", "main")) == repository


def test_a_name_that_somebody_has_used_keeps_no_channel_from_being_created() -> None:
    FileRepository.objects.create(name="org/main")
    FileDistribution.objects.create(name="org/main", base_path="elsewhere")
    repository = find_or_create_repository(ChannelName("org", "main"))
    assert repository.name.startswith("org/main (")
    assert CondaDistribution.objects.get().base_path == "org/main"


def test_a_url_that_another_plugin_has_is_not_taken() -> None:
    FileDistribution.objects.create(name="other", base_path="org/main")
    with pytest.raises(ChannelOverlap):
        find_or_create_repository(ChannelName("org", "main"))
    assert not CondaRepository.objects.exists()


@pytest.mark.parametrize("pin", ["repository_version", "publication"])
def test_a_channel_that_serves_a_fixed_version_takes_no_uploads(
    repository: CondaRepository, pin: str
) -> None:
    upload(repository, PackageBuilder())
    version = repository.latest_version()
    served = version if pin == "repository_version" else version.publication_set.get()
    CondaDistribution.objects.update(**{"repository": None, pin: served})
    distribution = find_distribution(ChannelName("org", "main"))
    assert repository_of(distribution) == repository, "rights are judged by it all the same"
    with pytest.raises(ChannelPinned):
        check_not_pinned(distribution)
    with pytest.raises(ChannelPinned):
        find_or_create_repository(ChannelName("org", "main"))


def test_a_url_that_was_left_behind_gets_a_new_repository(repository: CondaRepository) -> None:
    (distribution,) = CondaDistribution.objects.all()
    repository.delete()
    distribution.refresh_from_db()
    assert repository_of(distribution) is None
    check_not_pinned(distribution)
    new = find_or_create_repository(ChannelName("org", "main"))
    assert new != repository
    assert CondaDistribution.objects.get().repository_id == new.pk


def test_what_does_not_exist_is_not_pinned() -> None:
    check_not_pinned(None)
    assert repository_of(None) is None


def test_a_checkpoint_url_without_repository_is_pinned() -> None:
    CondaDistribution.objects.create(name="x", base_path="org/main", checkpoint=True)
    with pytest.raises(ChannelPinned):
        find_or_create_repository(ChannelName("org", "main"))


@pytest.mark.parametrize(
    ("setting", "role", "expected"),
    [
        ("owners", "conda.channel_publisher", False),
        ("owners", "conda.channel_maintainer", False),
        ("owners", "conda.channel_writer", True),
        ("owners", "conda.channel_owner", True),
        ("publishers", "conda.channel_publisher", True),
        ("publishers", "conda.channel_reader", False),
    ],
)
def test_who_creates_a_channel_by_uploading_to_it(
    user: User, setting: str, role: str, expected: bool
) -> None:
    assign_role(role, user, CondaOwner.objects.get_or_create_named("acme"))
    with override_settings(CONDA_CHANNEL_CREATION=setting):
        assert Requester(user).may_put(ChannelName("acme", "new"), None) is expected


def test_who_uploads_to_a_channel_that_exists_needs_no_right_to_create(
    repository: CondaRepository, user: User
) -> None:
    assign_role("conda.channel_publisher", user, repository)
    assert Requester(user).may_put(ChannelName("org", "main"), repository)
    assert not Requester(user).may_put(ChannelName("org", "new"), None)


def test_a_repository_has_the_owner_that_its_name_is_in_and_none_outside() -> None:
    inside = CondaRepository.objects.create(name="acme/main")
    outside = CondaRepository.objects.create(name="alone")
    assert inside.owner == CondaOwner.objects.get(name="acme")
    assert outside.owner is None
