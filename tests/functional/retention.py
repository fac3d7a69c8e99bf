"""Deletes the same versions by pulpcore's way and by ours and prints what each left in the tables.

Run with the settings of a running server: `python -m tests.functional.retention OWNER SEED`. The
packages are those of the channel `OWNER/main`; histories are made of them at random.
"""

import json
import random
import sys
from collections.abc import Callable
from typing import Any

from tests.functional.equivalence import described, listed  # sets Django up

from pulpcore.plugin.models import (  # isort: skip
    ContentArtifact,
    CreatedResource,
    Publication,
    PublishedArtifact,
    RepositoryVersion,
    Task,
)

from pulp_conda.app.channels.upkeep.cleanup import delete_versions, excess_versions  # isort: skip
from pulp_conda.app.channels.index.documents import save_documents  # isort: skip
from pulp_conda.app.models import (  # isort: skip
    CondaDistribution,
    CondaPackage,
    CondaPublication,
    CondaRepository,
)

_HISTORIES = 12
_VERSIONS = 9

_Deletion = Callable[[CondaRepository, list[int]], None]


def one_by_one(repository: CondaRepository, doomed: list[int]) -> None:
    """Delete versions pulpcore's way, in its order."""
    for version in repository.versions.filter(number__in=doomed).order_by("-number"):
        version.delete()


def together(repository: CondaRepository, doomed: list[int]) -> None:
    """Delete versions our way."""
    versions = repository.versions.filter(number__in=doomed)
    deleted = sum(delete_versions(repository, versions.values_list("pk", flat=True)))
    assert deleted == len(doomed)


def create(name: str, seed: str, packages: list[CondaPackage]) -> CondaRepository:
    """Make a repository whose every version adds and removes some packages at random."""
    chance = random.Random(seed)
    repository: CondaRepository = CondaRepository.objects.create(name=name, autopublish=False)
    held: set[CondaPackage] = set()
    for _ in range(_VERSIONS):
        changed = set(chance.sample(packages, chance.randint(1, len(packages))))
        listed(repository, sorted(changed - held, key=str), sorted(changed & held, key=str))
        held ^= changed
    return repository


def histories(name: str, deletion: _Deletion, seed: str, packages: list[CondaPackage]) -> Any:
    """Take repositories through their histories and return what is left of each."""
    left = []
    for number in range(_HISTORIES):
        own = f"{seed}-{number}"
        repository = create(f"{name}{number}", own, packages)
        chance = random.Random(own)
        doomed = chance.sample(range(_VERSIONS), chance.randint(1, _VERSIONS))
        deletion(repository, doomed)
        left.append([described(version) for version in repository.versions.order_by("number")])
    return left


def retained(name: str, clean: Callable[[CondaRepository], None], packages: Any) -> Any:
    """Publish versions, serve some, clean up, and return what is left in all tables."""
    repository = create(name, "published", packages)
    file = ContentArtifact.objects.get(content=packages[0]).artifact_id
    for version in repository.versions.filter(number__in=[2, 3, 5, 8, 9]):
        publication = CondaPublication.objects.create(repository_version=version, complete=True)
        save_documents(publication, {}, {"noarch/a": file, "noarch/b": file}, {})
        CreatedResource.objects.create(content_object=publication, task=Task.objects.first())
    pinned = Publication.objects.get(repository_version=repository.versions.get(number=3))
    for path, source in (
        ("live", {"repository": repository}),
        ("version", {"repository_version": repository.versions.get(number=1)}),
        ("publication", {"publication": pinned}),
    ):
        CondaDistribution.objects.create(
            name=f"{name}-{path}", base_path=f"{name}/{path}", **source
        )
    CondaRepository.objects.filter(pk=repository.pk).update(retain_repo_versions=2)
    clean(CondaRepository.objects.get(pk=repository.pk))
    versions = repository.versions.order_by("number")
    publications = Publication.objects.filter(repository_version__in=versions)
    return {
        "versions": [described(version) for version in versions],
        "published": sorted(publications.values_list("repository_version__number", "complete")),
        "documents": PublishedArtifact.objects.filter(publication__in=publications).count(),
        "all documents": PublishedArtifact.objects.count(),
        "files": ContentArtifact.objects.count(),
        "resources": CreatedResource.objects.count(),
        "all versions": RepositoryVersion.objects.count(),
    }


def theirs(repository: CondaRepository) -> None:
    """Clean up as pulpcore does with every new version."""
    super(CondaRepository, repository).cleanup_old_versions()


def in_a_task(repository: CondaRepository) -> None:
    """Clean up as our task does."""
    assert list(delete_versions(repository, excess_versions(repository)))


def difference(before: Any, after: Any) -> Any:
    """Return what two runs left, numbers of whole tables as what each run added."""
    return {
        key: after[key] - before[key] if key.startswith(("all ", "files", "res")) else after[key]
        for key in after
    }


def totals() -> Any:
    """Return the sizes of whole tables."""
    return {
        "all documents": PublishedArtifact.objects.count(),
        "files": ContentArtifact.objects.count(),
        "resources": CreatedResource.objects.count(),
        "all versions": RepositoryVersion.objects.count(),
    }


def main(owner: str, seed: str) -> None:
    """Print what is left of all histories, theirs and ours."""
    latest = CondaRepository.objects.get(name=f"{owner}/main").latest_version()
    packages = list(CondaPackage.objects.in_version(latest).order_by("filename"))
    results = []
    for name, deletion, clean in (
        ("theirs", one_by_one, theirs),
        ("ours", together, in_a_task),
    ):
        before = totals()
        left = retained(f"{owner}/served-{name}", clean, packages)
        results.append(
            {
                "served": difference(before, left),
                "histories": histories(f"{owner}/{name}", deletion, seed, packages),
            }
        )
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
