"""What the access conditions of the REST API let users do.

The conditions ask little of a view (`access_conditions.View`): its objects, and what its serializer
makes of the request's body. Both are given here.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from pulp_file.app.models import FileRepository
from pulpcore.plugin.util import assign_role
from rest_framework.exceptions import PermissionDenied, ValidationError

from pulp_conda.app.models import (
    CondaDistribution,
    CondaOwner,
    CondaPublication,
    CondaRepository,
    Right,
)
from pulp_conda.app.viewsets import access_conditions as conditions
from tests.builders import PackageBuilder
from tests.database.factories import make_channel, upload


@dataclass
class Asking:
    """A request: who asks, and the body."""

    user: User
    data: Any = field(default_factory=dict)


class Validated:
    """A serializer that found nothing wrong with a body."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.validated_data = body

    def is_valid(self, *, raise_exception: bool) -> bool:
        """Find nothing wrong."""
        return raise_exception


class Seen:
    """A view of an object, or of a list."""

    def __init__(self, shown: Any = None, parent: Any = None, **body: Any) -> None:
        self.detail = shown is not None
        self.parent_viewset = parent
        self._shown, self._parent, self._body = shown, parent, body

    def get_object(self) -> Any:
        """Return the object that the URL names."""
        return self._shown

    def get_parent_object(self) -> Any:
        """Return the object that the URL's first part names."""
        return self._parent

    def get_serializer(self, *_: Any, **__: Any) -> Any:
        """Return the serializer of a request."""
        return Validated(self._body)


def asks(name: str, user: User, view: Seen, *arguments: str, data: Any = None) -> bool:
    """Return whether a condition lets a user do something."""
    condition: Any = getattr(conditions, name)
    return bool(condition(Asking(user, data), view, "create", *arguments))


@pytest.fixture
def maintainer(repository: CondaRepository) -> User:
    """Somebody who maintains all channels of `org`."""
    user = User.objects.create(username="maintainer")
    assign_role("conda.channel_maintainer", user, repository.owner)
    return user


@pytest.fixture
def publisher(repository: CondaRepository) -> User:
    """Somebody who uploads to all channels of `org`."""
    user = User.objects.create(username="publisher")
    assign_role("conda.channel_publisher", user, repository.owner)
    return user


@pytest.fixture
def administrator() -> User:
    """Somebody who may do everything."""
    return User.objects.create(username="administrator", is_superuser=True)


@pytest.fixture
def published(repository: CondaRepository) -> CondaPublication:
    """The publication of the newest version of `org/main`."""
    upload(repository, PackageBuilder())
    return CondaPublication.objects.get()


@pytest.fixture
def window(repository: CondaRepository, user: User) -> CondaDistribution:
    """A URL of the user `somebody` that serves the repository of `org`."""
    return CondaDistribution.objects.create(
        name="window", base_path="somebody/window", repository=repository
    )


def test_a_right_to_a_repository_is_one_to_its_versions_and_publications(
    repository: CondaRepository, published: CondaPublication, maintainer: User, user: User
) -> None:
    for who, expected in ((maintainer, True), (user, False)):
        right = Right.CONFIGURE
        assert asks("has_right_to_repository", who, Seen(repository), right) is expected
        inside = Seen(published.repository_version, repository)
        assert asks("has_right_to_repository", who, inside, right) is expected
        assert asks("has_right_to_published", who, Seen(published), right) is expected


def test_a_right_to_a_served_repository_is_none_to_the_url_of_another_owner(
    window: CondaDistribution, maintainer: User, user: User
) -> None:
    assert not asks("has_right_to_distribution", maintainer, Seen(window), Right.CONFIGURE)
    assert asks("has_right_to_distribution", user, Seen(window), Right.CONFIGURE)


def test_a_right_to_a_channel_is_one_to_its_own_url(
    repository: CondaRepository, user: User
) -> None:
    own = CondaDistribution.objects.get(repository=repository)
    assert not asks("has_right_to_distribution", user, Seen(own), Right.CONFIGURE)
    assign_role("conda.channel_maintainer", user, repository)
    assert asks("has_right_to_distribution", user, Seen(own), Right.CONFIGURE)


def test_a_body_has_to_name_a_repository_that_one_has_the_right_to(
    repository: CondaRepository, published: CondaPublication, publisher: User, user: User
) -> None:
    by_version = Seen(repository_version=published.repository_version)
    for view in (Seen(repository=repository), by_version):
        assert asks("has_right_to_named", publisher, view, Right.UPLOAD)
        assert not asks("has_right_to_named", publisher, view, Right.REMOVE)
        assert not asks("has_right_to_named", user, view, Right.UPLOAD)


def test_only_administrators_save_content_of_no_repository(
    administrator: User, publisher: User
) -> None:
    assert asks("has_right_to_named", administrator, Seen(), Right.UPLOAD)
    with pytest.raises(ValidationError):
        asks("has_right_to_named", publisher, Seen(), Right.UPLOAD)


def test_the_repository_of_another_plugin_is_for_administrators(
    administrator: User, maintainer: User
) -> None:
    view = Seen(repository=FileRepository.objects.create(name="files"))
    assert asks("has_right_to_named", administrator, view, Right.UPLOAD)
    assert not asks("has_right_to_named", maintainer, view, Right.UPLOAD)


def test_publishers_add_files_and_replace_none(
    repository: CondaRepository, publisher: User, maintainer: User, administrator: User
) -> None:
    careful = Seen(repository=repository, overwrite=False)
    assert asks("may_replace_in_named", publisher, careful)
    for body in ({}, {"overwrite": True}):
        view = Seen(repository=repository, **body)
        assert asks("may_replace_in_named", maintainer, view)
        assert asks("may_replace_in_named", administrator, view)
        with pytest.raises(PermissionDenied):
            asks("may_replace_in_named", publisher, view)


def test_an_artifact_may_be_used_by_those_who_see_a_repository_that_holds_it(
    published: CondaPublication, publisher: User, administrator: User, user: User
) -> None:
    (package,) = published.repository_version.content.all()
    view = Seen(artifact=package._artifacts.get())
    assert asks("may_use_artifact", publisher, view)
    assert asks("may_use_artifact", administrator, view)
    assert not asks("may_use_artifact", user, view)
    assert asks("may_use_artifact", user, Seen()), "a body without artifact"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("somebody/new", True), ("org/new", False), ("alone", False), ("", False)],
)
def test_a_repository_is_created_in_ones_own_namespace(
    repository: CondaRepository, user: User, name: str, expected: bool
) -> None:
    assert asks("may_create_named", user, Seen(), data={"name": name}) is expected


def test_a_repository_outside_of_namespaces_takes_the_permission_of_the_model(user: User) -> None:
    assign_role("conda.condarepository_creator", user)
    assert asks("may_create_named", user, Seen(), data={"name": "alone"})
    assert not asks("may_create_named", user, Seen(), data={"name": "org/main"})
    assert asks("may_create_named", user, Seen(), data=["no object"]), "the serializer answers 400"


@pytest.mark.parametrize(
    ("name", "expected"), [("somebody", True), ("SOMEBODY", True), ("org", False), ("", False)]
)
def test_users_create_the_owner_of_their_own_name(user: User, name: str, expected: bool) -> None:
    assert asks("may_create_own_namespace", user, Seen(), data={"name": name}) is expected


def test_users_change_the_owner_of_their_own_name_alone(user: User) -> None:
    own, other = (CondaOwner.objects.get_or_create_named(name) for name in ("somebody", "org"))
    assert asks("has_own_namespace", user, Seen(own))
    assert not asks("has_own_namespace", user, Seen(other))


@pytest.mark.parametrize(("base_path", "expected"), [("somebody/new", True), ("org/new", False)])
def test_a_url_is_created_in_ones_own_namespace(
    repository: CondaRepository, user: User, base_path: str, expected: bool
) -> None:
    assert asks("may_create_at_base_path", user, Seen(base_path=base_path)) is expected


def test_a_change_that_leaves_the_url_as_it_is_creates_none(
    repository: CondaRepository, user: User
) -> None:
    own = CondaDistribution.objects.get(repository=repository)
    assert asks("may_create_at_base_path", user, Seen(own, base_path="org/main"))
    assert asks("may_create_at_base_path", user, Seen(own))
    assert not asks("may_create_at_base_path", user, Seen(own, base_path="org/moved"))
    assert not asks("may_create_at_base_path", user, Seen(base_path="org/main"))


@pytest.mark.parametrize("served", ["repository", "repository_version", "publication"])
def test_whoever_serves_something_may_configure_it(
    repository: CondaRepository,
    published: CondaPublication,
    maintainer: User,
    publisher: User,
    served: str,
) -> None:
    body = {
        "repository": repository,
        "repository_version": published.repository_version,
        "publication": published,
    }
    view = Seen(**{served: body[served]})
    assert asks("may_serve", maintainer, view)
    assert not asks("may_serve", publisher, view)


def test_serving_nothing_takes_no_right(user: User) -> None:
    assert asks("may_serve", user, Seen())


def test_all_that_a_body_serves_counts(repository: CondaRepository, maintainer: User) -> None:
    other = make_channel("other", "main")
    upload(other, PackageBuilder("x"))
    version = other.latest_version()
    assert not asks(
        "may_serve", maintainer, Seen(repository=repository, repository_version=version)
    )


def test_with_domains_urls_take_the_permission_of_the_model(user: User) -> None:
    with override_settings(DOMAIN_ENABLED=True):
        assert not asks("may_create_at_base_path", user, Seen(base_path="new"))
        assign_role("conda.condadistribution_creator", user)
        fresh = User.objects.get(pk=user.pk)
        assert asks("may_create_at_base_path", fresh, Seen(base_path="new"))
