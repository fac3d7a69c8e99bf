"""Which versions of a channel clean-up deletes, and which it never does."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulpcore.plugin.models import (
    ContentArtifact,
    CreatedResource,
    Publication,
    PublishedArtifact,
    RepositoryVersion,
)

from pulp_conda.app.channels.index.publish import publish
from pulp_conda.app.channels.upkeep.cleanup import (
    VersionInUse,
    clean_up,
    delete_versions,
    excess_versions,
    needs_clean_up,
)
from pulp_conda.app.core.publications import DistributedPublication
from pulp_conda.app.models import CondaDistribution, CondaPackage, CondaRepository
from tests.builders import PackageBuilder
from tests.database.factories import changed, configured, save_package
from tests.database.tables import described


@pytest.fixture
def packages() -> list[CondaPackage]:
    """Four packages of four names."""
    return [save_package(PackageBuilder(f"demo{number}")) for number in range(4)]


def create(name: str, steps: list[set[int]], packages: list[CondaPackage]) -> CondaRepository:
    """Make a repository with a version for each step, which says what changes."""
    CondaRepository.objects.filter(name=name).delete()
    repository: CondaRepository = CondaRepository.objects.create(name=name, autopublish=False)
    held: set[int] = set()
    for step in steps:
        changed(
            repository,
            add=[packages[number] for number in step - held],
            remove=[packages[number] for number in step & held],
        )
        held ^= step
    return CondaRepository.objects.get(pk=repository.pk)


def numbers(repository: CondaRepository) -> list[int]:
    """Return the numbers of a channel's versions."""
    return list(repository.versions.order_by("number").values_list("number", flat=True))


def excess(repository: CondaRepository) -> list[int]:
    """Return the numbers of the versions that clean-up would delete."""
    found = excess_versions(repository)
    return [RepositoryVersion.objects.get(pk=pk).number for pk in found]


_STEPS = st.lists(st.sets(st.integers(0, 3), min_size=1), min_size=2, max_size=7)


@settings(max_examples=12)
@given(steps=_STEPS, deleted=st.sets(st.integers(0, 6), min_size=1))
def test_at_random_histories_what_is_left_is_what_pulpcore_leaves(
    packages: list[CondaPackage], steps: list[set[int]], deleted: set[int]
) -> None:
    deleted = {number for number in deleted if number < len(steps)}  # never the newest
    theirs, ours = (create(name, steps, packages) for name in ("theirs", "ours"))
    for version in theirs.versions.filter(number__in=deleted).order_by("-number"):
        version.delete()
    doomed = ours.versions.filter(number__in=deleted).values_list("pk", flat=True)
    assert sum(delete_versions(ours, doomed)) == len(deleted)
    left = [
        [described(version) for version in repository.versions.order_by("number")]
        for repository in (theirs, ours)
    ]
    assert left[1] == left[0]


@pytest.mark.parametrize("pinned", ["nothing", "repository", "version", "publication", "all"])
def test_with_publications_what_is_left_is_what_pulpcore_leaves(
    packages: list[CondaPackage], pinned: str
) -> None:
    steps: list[set[int]] = [{0}, {1}, {0, 2}, {3}, {0}, {1, 2}, {2}, {0, 1}]
    left: list[dict[str, Any]] = []
    for name in ("theirs", "ours"):
        repository = create(name, steps, packages)
        published = [publish(repository.versions.get(number=n)) for n in (2, 3, 5, 7, 8)]
        pins: dict[str, dict[str, Any]] = {
            "repository": {"repository": repository},
            "version": {"repository_version": repository.versions.get(number=1)},
            "publication": {"publication": published[1]},
        }
        for pin, served in pins.items():
            if pinned in (pin, "all"):
                CondaDistribution.objects.create(
                    name=f"{name}-{pin}", base_path=f"{name}/{pin}", **served
                )
        repository = configured(repository, retain_repo_versions=2)
        before = rows()
        if name == "theirs":
            super(CondaRepository, repository).cleanup_old_versions()
        else:
            clean_up(repository)
        after = rows()
        publications = Publication.objects.filter(repository_version__repository=repository)
        left.append(
            {
                "versions": [described(each) for each in repository.versions.order_by("number")],
                "published": sorted(
                    publications.values_list("repository_version__number", "complete")
                ),
                "deleted": {table: before[table] - after[table] for table in before},
            }
        )
    assert left[1] == left[0]
    assert left[0]["deleted"]["versions"] >= 4


def rows() -> dict[str, int]:
    """Return the sizes of whole tables."""
    tables: dict[str, Any] = {
        "documents": PublishedArtifact,
        "files": ContentArtifact,
        "resources": CreatedResource,
        "versions": RepositoryVersion,
    }
    return {name: model.objects.count() for name, model in tables.items()}


def test_nothing_is_excess_where_all_versions_are_retained(packages: list[CondaPackage]) -> None:
    repository = create("main", [{0}, {1}, {2}], packages)
    assert excess(repository) == []
    assert not needs_clean_up(repository)


@pytest.mark.parametrize(
    ("retained", "left"), [(1, [3]), (2, [2, 3]), (4, [0, 1, 2, 3]), (9, [0, 1, 2, 3])]
)
def test_the_newest_versions_are_retained(
    packages: list[CondaPackage], retained: int, left: list[int]
) -> None:
    repository = configured(
        create("main", [{0}, {1}, {2}], packages), retain_repo_versions=retained
    )
    assert excess(repository) == [number for number in range(4) if number not in left]
    assert needs_clean_up(repository) is (left != [0, 1, 2, 3])
    clean_up(repository)
    assert numbers(repository) == left
    assert not needs_clean_up(repository)


def test_what_something_protects_is_kept_beside_those_retained(
    packages: list[CondaPackage],
) -> None:
    repository = create("main", [{0}, {1}, {2}, {3}], packages)
    version = repository.versions.get(number=1)
    CondaDistribution.objects.create(name="x", base_path="x/y", repository_version=version)
    repository = configured(repository, retain_repo_versions=2)
    clean_up(repository)
    assert numbers(repository) == [1, 3, 4]


def test_checkpoints_are_kept(packages: list[CondaPackage]) -> None:
    repository = create("main", [{0}, {1}, {2}, {3}], packages)
    publish(repository.versions.get(number=2), checkpoint=True)
    CondaDistribution.objects.create(
        name="x", base_path="x/y", repository=repository, checkpoint=True
    )
    repository = configured(repository, retain_repo_versions=1)
    clean_up(repository)
    assert numbers(repository) == [2, 4]


def test_a_version_that_is_not_complete_is_no_excess(packages: list[CondaPackage]) -> None:
    repository = configured(create("main", [{0}, {1}], packages), retain_repo_versions=1)
    repository.new_version()  # by a task that is gone
    assert excess(repository) == [0, 1]


def test_a_version_that_is_served_by_now_is_not_deleted(packages: list[CondaPackage]) -> None:
    repository = create("main", [{0}, {1}, {2}], packages)
    old = repository.versions.get(number=1)
    CondaDistribution.objects.create(name="x", base_path="x/y", repository_version=old)
    with pytest.raises(VersionInUse):
        list(delete_versions(repository, [old.pk]))
    assert numbers(repository) == [0, 1, 2, 3]


def test_the_newest_version_is_never_deleted(packages: list[CondaPackage]) -> None:
    repository = create("main", [{0}, {1}], packages)
    newest = repository.versions.filter(number__in=[1, 2]).values_list("pk", flat=True)
    assert list(delete_versions(repository, newest)) == []
    assert numbers(repository) == [0, 1, 2]


def test_versions_go_in_batches_each_of_which_is_whole(
    packages: list[CondaPackage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pulp_conda.app.channels.upkeep.cleanup._VERSIONS_PER_BATCH", 2)
    steps: list[set[int]] = [{0}, {1}, {0}, {0, 2}, {1}, {3}]
    repository = create("main", steps, packages)
    newest = described(repository.latest_version())
    doomed = repository.versions.filter(number__lt=5).values_list("pk", flat=True)
    seen = []
    for count in delete_versions(repository, list(doomed)):
        seen.append((count, numbers(repository)))
        assert described(repository.latest_version())["content"] == newest["content"]
    assert seen == [(2, [0, 1, 2, 5, 6]), (2, [0, 5, 6]), (1, [5, 6])]


def test_the_content_of_deleted_versions_is_left_to_pulps_clean_up_of_orphans(
    packages: list[CondaPackage],
) -> None:
    repository = configured(create("main", [{0}, {0, 1}], packages), retain_repo_versions=1)
    clean_up(repository)
    assert CondaPackage.objects.filter(pk=packages[0].pk).exists()


def test_versions_that_were_served_until_recently_are_not_protected(
    repository: CondaRepository,
) -> None:
    """What only they held goes with them, sooner than after the retention."""
    for name in "abc":
        publish(changed(repository, add=[save_package(PackageBuilder(name))]))
    repository = configured(repository, retain_repo_versions=1)
    clean_up(repository)
    assert numbers(repository) == [2, 3]
    served = DistributedPublication.objects.values_list(
        "publication__repository_version__number", flat=True
    )
    assert sorted(served) == [2, 3]
