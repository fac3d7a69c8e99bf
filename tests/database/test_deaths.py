"""A process dies, or the disk is full, at a chosen instant: nothing is lost or half-visible."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.timezone import now
from pulpcore.plugin.models import Artifact, ContentArtifact

from pulp_conda.app.channels.changes.commit import commit_pending
from pulp_conda.app.channels.changes.upload import PackageExists
from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.channels.intake.patch_uploads import add_patches, ingest_patches
from pulp_conda.app.channels.upkeep import cleanup
from pulp_conda.app.failpoints import Failpoint
from pulp_conda.app.models import (
    ADDED,
    CondaPackage,
    CondaPublication,
    CondaRepository,
    CondaShard,
    IndexedFile,
    PendingChange,
)
from tests.builders import PackageBuilder
from tests.database.factories import changed, request_upload, save_package, upload, wait
from tests.database.instants import at, dies_at, fill_disk
from tests.database.served import Served, unsound

pytestmark = pytest.mark.usefixtures("real_commits")

_IN_A_COMMIT: list[Failpoint] = [
    "version saved",
    "shards saved",
    "storing documents",
    "index saved",
    "outcomes saved",
]
"""The instants at which the transaction of a commit is open."""


def rows(repository: CondaRepository) -> dict[str, int]:
    """Count what the commits of a channel have left in the database."""
    return {
        "versions": repository.versions.count(),
        "publications": CondaPublication.objects.filter(
            repository_version__repository=repository
        ).count(),
        "shards": CondaShard.objects.filter(repository=repository).count(),
        "times": IndexedFile.objects.filter(repository=repository).count(),
        "documents": ContentArtifact.objects.exclude(published_artifact=None).count(),
        "waiting": PendingChange.objects.filter(repository=repository).count(),
    }


def stored_files() -> set[Path]:
    """Return the files in the storage."""
    return {path for path in Path(settings.MEDIA_ROOT, "artifact").rglob("*") if path.is_file()}


def fails(instant: Failpoint, action: Callable[[], object]) -> bool:
    """Run an action on a disk that is full at an instant."""
    with at(instant, fill_disk), pytest.raises(OSError, match="No space left"):
        action()
    return True


@pytest.mark.parametrize("breaks", [dies_at, fails])
@pytest.mark.parametrize("instant", _IN_A_COMMIT)
def test_what_breaks_during_a_commit_leaves_nothing_and_the_next_one_makes_up_for_it(
    repository: CondaRepository, instant: Failpoint, breaks: Callable[..., bool]
) -> None:
    (first,) = upload(repository, PackageBuilder("first"))
    second, third = save_package(PackageBuilder("second")), save_package(PackageBuilder("third"))
    waiting = wait(repository, second)
    before = rows(repository)
    assert breaks(instant, lambda: commit_pending(repository))
    assert rows(repository) == before
    assert Served.of(repository).packages() == {first.relative_path: first.sha256}
    again = CondaRepository.objects.get(pk=repository.pk)
    later = wait(again, third)
    commit_pending(again)
    for change_ in (waiting, later):
        change_.refresh_from_db()
        assert change_.outcome == ADDED
    named = {each.relative_path: each.sha256 for each in (first, second, third)}
    assert Served.of(again).packages() == named
    assert again.latest_version().number == 2
    assert unsound(Served.of(again)) == []


def test_who_dies_after_the_commit_has_uploaded_and_its_row_goes_with_a_later_commit(
    repository: CondaRepository,
) -> None:
    package = save_package(PackageBuilder())
    assert dies_at("committed", lambda: request_upload(repository, package))
    assert Served.of(repository).packages() == {package.relative_path: package.sha256}
    (left_behind,) = PendingChange.objects.filter(repository=repository)
    assert left_behind.outcome == ADDED
    with pytest.raises(PackageExists):
        request_upload(repository, package)
    PendingChange.objects.filter(pk=left_behind.pk).update(expires=now())
    request_upload(repository, save_package(PackageBuilder("next")))
    assert not PendingChange.objects.filter(repository=repository).exists()
    assert unsound(Served.of(repository)) == []


@pytest.mark.parametrize("instant", ["change queued", "task saved", "task running", "task ended"])
def test_whoever_uploads_next_finishes_what_another_began(
    repository: CondaRepository, instant: Failpoint
) -> None:
    first, second = save_package(PackageBuilder("first")), save_package(PackageBuilder("second"))
    assert dies_at(instant, lambda: request_upload(repository, first))
    request_upload(repository, second)
    assert set(Served.of(repository).packages()) == {first.relative_path, second.relative_path}


@pytest.mark.parametrize("breaks", [dies_at, fails])
@pytest.mark.parametrize("instant", ["storing package", "file stored"])
def test_what_breaks_before_the_unit_leaves_no_row_and_the_upload_can_be_repeated(
    repository: CondaRepository, instant: Failpoint, breaks: Callable[..., bool]
) -> None:
    builder = PackageBuilder("broken").payload(5000)
    before = Artifact.objects.count(), CondaPackage.objects.count()
    assert breaks(instant, lambda: save_package(builder))
    assert (Artifact.objects.count(), CondaPackage.objects.count()) == before
    (package,) = upload(repository, builder)
    assert Served.of(repository).package(package.relative_path) == builder.conda()


def test_a_full_disk_leaves_no_part_of_a_file(repository: CondaRepository) -> None:
    upload(repository, PackageBuilder("there"))
    before = stored_files()
    assert fails("storing package", lambda: save_package(PackageBuilder("full")))
    assert stored_files() == before


def test_a_copy_that_broke_is_made_whole_by_the_next_upload(repository: CondaRepository) -> None:
    builder = PackageBuilder("copied").payload(5000)
    package = save_package(builder)
    (stored,) = [path for path in stored_files() if path.name == package.sha256[2:]]
    stored.write_bytes(builder.conda()[:1000])  # what a copy across file systems leaves
    assert dies_at("copying file", lambda: save_package(builder))
    upload(repository, builder)
    assert Served.of(repository).package(package.relative_path) == builder.conda()


def test_patches_are_in_the_channel_with_their_index_or_not_at_all(
    repository: CondaRepository,
) -> None:
    (package,) = upload(repository, PackageBuilder())
    document = b'{"patch_instructions_version": 1, "remove": ["%s"]}'
    file = BytesIO(document % package.filename.encode())
    patches = ingest_patches(file, "noarch")
    before = rows(repository)
    assert dies_at("version saved", lambda: add_patches(repository, patches))
    assert rows(repository) == before
    add_patches(CondaRepository.objects.get(pk=repository.pk), patches)
    assert Served.of(repository).packages() == {}
    assert unsound(Served.of(repository)) == []


def history(repository: CondaRepository, number: int) -> dict[int, set[str]]:
    """Make versions, each with another build of one package; return what each of them holds."""
    for build in range(number):
        package = save_package(PackageBuilder(build=str(build)))
        held = CondaPackage.objects.in_version(repository.latest_version())
        publish(changed(repository, add=[package], remove=[] if build % 3 else list(held)))
    return contents(repository)


def contents(repository: CondaRepository) -> dict[int, set[str]]:
    """Return the file names in each version of a channel."""
    return {
        version.number: {package.filename for package in CondaPackage.objects.in_version(version)}
        for version in repository.versions.all()
    }


@pytest.mark.parametrize("instant", ["versions deleted", "shards deleted"])
def test_a_clean_up_that_died_between_two_batches_is_brought_to_its_end_by_the_next(
    repository: CondaRepository, instant: Failpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "_VERSIONS_PER_BATCH", 2)
    monkeypatch.setattr(cleanup, "_SHARDS_PER_BATCH", 1)
    before = history(repository, 8)
    CondaRepository.objects.filter(pk=repository.pk).update(retain_repo_versions=2)
    repository.refresh_from_db()
    CondaShard.objects.exclude(superseded=None).update(superseded="2000-01-01T00:00Z")
    assert dies_at(instant, lambda: cleanup.clean_up(repository))
    assert cleanup.needs_clean_up(repository)
    assert contents(repository).items() <= before.items()
    assert unsound(Served.of(repository)) == []
    cleanup.clean_up(repository)
    assert not cleanup.needs_clean_up(repository)
    # Two, and the one that is served.
    assert contents(repository) == {number: before[number] for number in (6, 7, 8)}
    assert unsound(Served.of(repository)) == []
