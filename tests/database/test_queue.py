"""What a commit decides on uploads that wait."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils.timezone import now

from pulp_conda.app.channels.changes.commit import commit_pending
from pulp_conda.app.models import (
    ADDED,
    EXISTS,
    FULL,
    RETIRED,
    CondaPackage,
    CondaPublication,
    CondaRepository,
    PendingChange,
)
from tests.builders import PackageBuilder
from tests.database.factories import committed, save_package, upload, wait


def held(repository: CondaRepository) -> set[str]:
    """Return the digests of what the newest version of a channel holds."""
    packages = CondaPackage.objects.in_version(repository.latest_version())
    return set(packages.values_list("sha256", flat=True))


def builds(number: int) -> list[PackageBuilder]:
    """Return packages of one file name and different bytes."""
    return [PackageBuilder().about(summary=f"build {n}") for n in range(number)]


def test_all_that_wait_come_in_one_version_and_one_publication(repository: CondaRepository) -> None:
    packages = [save_package(PackageBuilder(name)) for name in ("a", "b", "c")]
    waiting = [wait(repository, package) for package in packages]
    assert committed(repository, *waiting) == [ADDED] * 3
    assert repository.latest_version().number == 1
    published = CondaPublication.objects.filter(repository_version__repository=repository)
    assert [each.repository_version.number for each in published] == [1]
    assert held(repository) == {package.sha256 for package in packages}


def test_of_several_uploads_of_one_path_the_newest_wins(repository: CondaRepository) -> None:
    packages = [save_package(builder) for builder in builds(3)]
    waiting = [wait(repository, package) for package in packages]
    assert committed(repository, *waiting) == [EXISTS, EXISTS, ADDED]
    assert held(repository) == {packages[-1].sha256}


def test_the_retry_of_an_interrupted_upload_is_added(repository: CondaRepository) -> None:
    package = save_package(PackageBuilder())
    waiting = [wait(repository, package), wait(repository, package)]
    assert committed(repository, *waiting)[-1] == ADDED


@pytest.mark.parametrize(
    ("same_bytes", "replaces", "outcome"),
    [(True, False, EXISTS), (True, True, ADDED), (False, False, EXISTS), (False, True, ADDED)],
)
def test_a_path_that_is_held(
    repository: CondaRepository, same_bytes: bool, replaces: bool, outcome: str
) -> None:
    first, other = builds(2)
    (package,) = upload(repository, first)
    second = package if same_bytes else save_package(other)
    assert committed(repository, wait(repository, second, replaces=replaces)) == [outcome]
    expected = second if outcome == ADDED else package
    assert held(repository) == {expected.sha256}


def test_what_expired_is_not_added(repository: CondaRepository) -> None:
    late = wait(repository, save_package(PackageBuilder("late")), seconds=-1)
    upload(repository, PackageBuilder("in-time"))
    assert not PendingChange.objects.filter(pk=late.pk).exists()
    names = CondaPackage.objects.in_version(repository.latest_version())
    assert set(names.values_list("name", flat=True)) == {"in-time"}


def test_nothing_that_waits_makes_no_version(repository: CondaRepository) -> None:
    upload(repository, PackageBuilder())
    before = repository.latest_version().number
    commit_pending(repository)
    assert repository.latest_version().number == before


def test_immutable_names_are_not_replaced_and_stay_retired(repository: CondaRepository) -> None:
    CondaRepository.objects.filter(pk=repository.pk).update(immutable_names=True)
    repository.refresh_from_db()
    first, other = builds(2)
    (package,) = upload(repository, first)
    assert committed(repository, wait(repository, save_package(other), replaces=True)) == [EXISTS]
    with repository.new_version() as version:
        version.remove_content(CondaPackage.objects.filter(pk=package.pk))
    assert committed(repository, wait(repository, save_package(other))) == [RETIRED]
    assert committed(repository, wait(repository, package)) == [ADDED]


def test_a_retired_name_is_free_again_after_a_while(repository: CondaRepository) -> None:
    CondaRepository.objects.filter(pk=repository.pk).update(immutable_names=True)
    repository.refresh_from_db()
    first, other = builds(2)
    (package,) = upload(repository, first)
    with repository.new_version() as version:
        version.remove_content(CondaPackage.objects.filter(pk=package.pk))
    long_ago = now() - timedelta(seconds=settings.CONDA_NAME_RETIREMENT_SECONDS + 60)
    repository.versions.update(pulp_created=long_ago)
    assert committed(repository, wait(repository, save_package(other))) == [ADDED]


def test_a_quota_leaves_out_what_has_no_room(
    repository: CondaRepository,
) -> None:
    packages = [save_package(PackageBuilder(name)) for name in ("a", "b", "c")]
    waiting = [wait(repository, package) for package in packages]
    with override_settings(CONDA_MAX_CHANNEL_PACKAGES=2):
        assert committed(repository, *waiting) == [ADDED, ADDED, FULL]


def test_a_channel_that_does_not_publish_itself_adds_all_the_same(
    repository: CondaRepository,
) -> None:
    CondaRepository.objects.filter(pk=repository.pk).update(autopublish=False)
    repository.refresh_from_db()
    (package,) = upload(repository, PackageBuilder())
    assert held(repository) == {package.sha256}
    assert not CondaPublication.objects.filter(repository_version__repository=repository).exists()
    assert committed(repository, wait(repository, package)) == [EXISTS]


def test_a_version_that_was_never_published_is_published_by_the_next_commit(
    repository: CondaRepository,
) -> None:
    package = save_package(PackageBuilder())
    CondaRepository.objects.filter(pk=repository.pk).update(autopublish=False)
    repository.refresh_from_db()
    with repository.new_version() as version:
        version.add_content(CondaPackage.objects.filter(pk=package.pk))
    CondaRepository.objects.filter(pk=repository.pk).update(autopublish=True)
    repository.refresh_from_db()
    # Its file is held and not served, so a client that retries is told that it is in.
    assert committed(repository, wait(repository, package)) == [ADDED]
    assert repository.latest_version().publication_set.filter(complete=True).exists()
