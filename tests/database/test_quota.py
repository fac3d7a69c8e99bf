"""How much a channel and its owner may hold."""

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from pulp_conda.app.channels.changes.quota import Quota
from pulp_conda.app.models import CondaRepository
from tests.builders import PackageBuilder
from tests.database.factories import changed, make_channel, save_package, save_patch, upload

_LIMITS = ["CONDA_MAX_CHANNEL_PACKAGES", "CONDA_MAX_CHANNEL_BYTES", "CONDA_MAX_OWNER_BYTES"]


def test_without_limits_nothing_is_asked_and_everything_fits(repository: CondaRepository) -> None:
    with CaptureQueriesContext(connection) as captured:
        quota = Quota.of(repository)
    assert not captured.captured_queries
    assert quota.take(2**62)


@pytest.mark.parametrize("name", _LIMITS)
def test_a_limit_may_be_reached_and_not_passed(repository: CondaRepository, name: str) -> None:
    limit = 2 if name.endswith("PACKAGES") else 200
    with override_settings(**{name: limit}):
        quota = Quota.of(repository)
    taken = [quota.take(100) for _ in range(3)]
    assert taken == [True, True, False]


@pytest.mark.parametrize("name", _LIMITS)
def test_what_a_channel_holds_counts_against_each_limit(
    repository: CondaRepository, name: str
) -> None:
    (held,) = upload(repository, PackageBuilder())
    limit = 1 if name.endswith("PACKAGES") else held.size
    with override_settings(**{name: limit}):
        assert not Quota.of(repository).take(1)


@pytest.mark.parametrize("name", _LIMITS)
def test_what_only_older_versions_hold_does_not_count(
    repository: CondaRepository, name: str
) -> None:
    held = upload(repository, PackageBuilder())
    changed(repository, remove=held)
    with override_settings(**{name: 1}):
        assert Quota.of(repository).take(1)


def test_a_patch_is_no_package(repository: CondaRepository) -> None:
    changed(repository, add=[save_patch(remove=["x-1-0.conda"])])
    with override_settings(CONDA_MAX_CHANNEL_PACKAGES=1):
        assert Quota.of(repository).take(1)


def test_an_owners_limit_counts_all_of_its_channels_and_no_others(
    repository: CondaRepository,
) -> None:
    (sibling,) = upload(make_channel("org", "dev"), PackageBuilder("sibling"))
    upload(make_channel("stranger", "main"), PackageBuilder("stranger").payload(10_000))
    with override_settings(CONDA_MAX_OWNER_BYTES=sibling.size + 100):
        quota = Quota.of(repository)
    assert quota.owner_bytes == 100


def test_a_channel_outside_of_namespaces_counts_alone_against_an_owners_limit() -> None:
    repository = CondaRepository.objects.create(name="alone", autopublish=False)
    other = CondaRepository.objects.create(name="other", autopublish=False)
    changed(other, add=[save_package(PackageBuilder("other"))])
    held = save_package(PackageBuilder("held"))
    changed(repository, add=[held])
    with override_settings(CONDA_MAX_OWNER_BYTES=held.size + 100):
        assert Quota.of(repository).owner_bytes == 100


def test_what_is_refused_by_one_limit_is_counted_by_none(repository: CondaRepository) -> None:
    with override_settings(CONDA_MAX_CHANNEL_PACKAGES=9, CONDA_MAX_CHANNEL_BYTES=100):
        quota = Quota.of(repository)
    assert not quota.take(101)
    assert (quota.packages, quota.channel_bytes) == (9, 100)


def test_what_is_released_gives_its_room_back(repository: CondaRepository) -> None:
    with override_settings(**dict.fromkeys(_LIMITS, 100)):
        quota = Quota.of(repository)
    assert quota.take(100)
    assert not quota.take(1)
    quota.release(100)
    assert (quota.packages, quota.channel_bytes, quota.owner_bytes) == (100, 100, 100)


def test_by_default_nothing_is_limited() -> None:
    assert [getattr(settings, name) for name in _LIMITS] == [0, 0, 0]
