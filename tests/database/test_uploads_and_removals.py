"""What the requests of clients that upload and remove wait for, and what they are told."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils.timezone import now
from django_guid import set_guid
from pulpcore.plugin.models import Task

from pulp_conda.app.channels.changes.commit import commit_pending
from pulp_conda.app.channels.changes.queue import apply
from pulp_conda.app.channels.changes.remove import NothingToRemove, remove, withdraw
from pulp_conda.app.channels.changes.task_outcome import CommitFailed
from pulp_conda.app.channels.changes.upload import ChannelFull, NameRetired, PackageExists
from pulp_conda.app.models import (
    CondaPackage,
    CondaRepository,
    PendingChange,
    Withdrawal,
    published_version,
)
from pulp_conda.app.tasks import dispatch_commit
from tests.builders import PackageBuilder
from tests.database.factories import changed, configured, request_upload, save_package, upload, wait


@pytest.fixture(autouse=True)
def request_id() -> Iterator[None]:
    """The id that Pulp gives each request, and that each task has."""
    set_guid("tests")
    with override_settings(CONDA_UPLOAD_TIMEOUT_SECONDS=3):
        yield


def names(repository: CondaRepository) -> set[str]:
    """Return the names that the newest index of a channel has."""
    version = published_version(repository.pk)
    assert version
    return set(CondaPackage.objects.in_version(version).values_list("name", flat=True))


def withdrawn(repository: CondaRepository) -> dict[str, int]:
    """Return up to which version each file is withdrawn."""
    found = Withdrawal.objects.filter(repository=repository)
    return dict(found.values_list("filename", "version"))


def drop(repository: CondaRepository, selection: dict[str, str]) -> None:
    """Remove packages as a client does."""
    remove(CondaRepository.objects.get(pk=repository.pk), selection, dispatch_commit)


def move_versions(repository: CondaRepository, by: timedelta) -> None:
    """Move the time of all versions into the past."""
    repository.versions.update(pulp_created=now() - by)


def test_an_upload_returns_when_the_index_names_its_package(repository: CondaRepository) -> None:
    request_upload(repository, save_package(PackageBuilder()))
    assert names(repository) == {"demo"}


def test_nothing_is_left_of_a_change_that_was_applied(repository: CondaRepository) -> None:
    request_upload(repository, save_package(PackageBuilder()))
    assert not PendingChange.objects.exists()
    task = Task.objects.get(name__startswith="pulp_conda")
    assert task.state == "completed"


def test_an_upload_of_a_name_that_is_there_is_refused(repository: CondaRepository) -> None:
    package = save_package(PackageBuilder())
    request_upload(repository, package)
    other = save_package(PackageBuilder().about(summary="other"))
    for refused in (package, other):
        with pytest.raises(PackageExists):
            request_upload(repository, refused)
    request_upload(repository, other, replace=True)
    assert not PendingChange.objects.exists()


def test_an_upload_under_a_retired_name_is_refused(repository: CondaRepository) -> None:
    configured(repository, immutable_names=True)
    package = save_package(PackageBuilder())
    request_upload(repository, package)
    drop(repository, {"name": "demo"})
    with pytest.raises(NameRetired):
        request_upload(repository, save_package(PackageBuilder().about(summary="x")))
    request_upload(repository, package)


def test_an_upload_to_a_full_channel_is_refused(repository: CondaRepository) -> None:
    with override_settings(CONDA_MAX_CHANNEL_BYTES=10), pytest.raises(ChannelFull):
        request_upload(repository, save_package(PackageBuilder()))


def test_a_commit_that_another_made_meanwhile_is_found(repository: CondaRepository) -> None:
    """The one who holds the commit lock applies what the others wait for."""
    change = wait(repository, save_package(PackageBuilder()))

    def dispatch(repository: CondaRepository) -> Task:
        commit_pending(repository)
        (task,) = Task.objects.bulk_create([Task(name="x", state="failed", logging_cid="")])
        return task

    assert apply(change, dispatch) == "added"


def test_a_change_whose_row_is_gone_has_failed(repository: CondaRepository) -> None:
    change = wait(repository, save_package(PackageBuilder()))

    def dispatch(repository: CondaRepository) -> Task:
        PendingChange.objects.all().delete()
        (task,) = Task.objects.bulk_create([Task(name="x", state="running", logging_cid="")])
        return task

    with pytest.raises(CommitFailed):
        apply(change, dispatch)


def test_a_removal_takes_what_has_all_the_fields_and_no_more(repository: CondaRepository) -> None:
    upload(
        repository,
        PackageBuilder("a"),
        PackageBuilder("a", "2.0"),
        PackageBuilder("b"),
        PackageBuilder("a").subdir("linux-64"),
    )
    drop(repository, {"name": "a", "version": "1.0"})
    left = CondaPackage.objects.in_version(repository.latest_version())
    assert sorted(left.values_list("name", "version")) == [("a", "2.0"), ("b", "1.0")]


def test_a_removal_withdraws_files_up_to_the_version_that_was_there(
    repository: CondaRepository,
) -> None:
    (package,) = upload(repository, PackageBuilder())
    drop(repository, {"name": "demo"})
    assert withdrawn(repository) == {package.filename: 1}
    assert repository.latest_version().number == 2


@pytest.mark.parametrize("selection", [{"name": "other"}, {"name": "a\0b"}, {"version": "9"}])
def test_there_is_nothing_to_remove_of_what_never_was_there(
    repository: CondaRepository, selection: dict[str, str]
) -> None:
    upload(repository, PackageBuilder())
    with pytest.raises(NothingToRemove):
        drop(repository, selection)
    assert repository.latest_version().number == 1


def test_what_was_removed_is_not_removed_again(repository: CondaRepository) -> None:
    upload(repository, PackageBuilder())
    drop(repository, {"name": "demo"})
    with pytest.raises(NothingToRemove):
        drop(repository, {"name": "demo"})


def test_what_another_channel_holds_is_not_removed(repository: CondaRepository) -> None:
    other = CondaRepository.objects.create(name="other", autopublish=False)
    changed(other, add=[save_package(PackageBuilder())])
    with pytest.raises(NothingToRemove):
        drop(repository, {"name": "demo"})


def test_what_an_index_named_until_recently_can_be_withdrawn(repository: CondaRepository) -> None:
    """It is still served, and may be what nobody must fetch any more."""
    (old,) = upload(repository, PackageBuilder())
    new = save_package(PackageBuilder().about(summary="new"))
    request_upload(repository, new, replace=True)
    request_upload(repository, save_package(PackageBuilder("b")))
    drop(repository, {"sha256": old.sha256})
    assert withdrawn(repository) == {old.filename: 3}
    assert names(repository) == {"demo", "b"}, "the new one stays"


def test_what_is_not_served_any_more_cannot_be_removed(repository: CondaRepository) -> None:
    (old,) = upload(repository, PackageBuilder())
    new = save_package(PackageBuilder().about(summary="new"))
    request_upload(repository, new, replace=True)
    move_versions(repository, timedelta(days=8))
    with pytest.raises(NothingToRemove):
        drop(repository, {"sha256": old.sha256})


def test_what_came_back_after_its_withdrawal_can_be_removed_again(
    repository: CondaRepository,
) -> None:
    (package,) = upload(repository, PackageBuilder())
    drop(repository, {"name": "demo"})
    request_upload(repository, package)
    drop(repository, {"name": "demo"})
    assert withdrawn(repository) == {package.filename: 3}


def test_an_earlier_withdrawal_takes_nothing_from_a_later_one(repository: CondaRepository) -> None:
    (package,) = upload(repository, PackageBuilder())
    content = CondaPackage.objects.values("pk")
    withdraw(repository, content, 5)
    withdraw(repository, content, 2)
    assert withdrawn(repository) == {package.filename: 5}
    withdraw(repository, content, 7)
    assert withdrawn(repository) == {package.filename: 7}


def test_where_nothing_is_published_by_itself_the_newest_version_counts(
    repository: CondaRepository,
) -> None:
    upload(repository, PackageBuilder("published"))
    silent = configured(repository, autopublish=False)
    upload(silent, PackageBuilder("silent"))
    drop(silent, {"name": "silent"})
    assert names(repository) == {"published"}
    assert silent.latest_version().number == 3
    assert published_version(repository.pk) == repository.versions.get(number=1)


def test_what_the_published_index_names_is_removed_although_a_later_version_lacks_it(
    repository: CondaRepository,
) -> None:
    (package,) = upload(repository, PackageBuilder())
    changed(repository, remove=[package])
    move_versions(repository, timedelta(days=8))
    drop(repository, {"name": "demo"})
    assert names(repository) == set()
