"""Makes the same versions by pulpcore's way and our two, and prints what each left in the tables.

Run with the settings of a running server: `python -m tests.functional.equivalence OWNER`. The
channels `OWNER/theirs`, `OWNER/listed` and `OWNER/staged` are made of the packages of `OWNER/main`
and of patches.
"""

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402 (Django must be set up before)
from pulpcore.plugin.models import Content, RepositoryContent, RepositoryVersion  # noqa: E402

from pulp_conda.app.channels.changes.delta import Delta  # noqa: E402
from pulp_conda.app.channels.changes.versions import change  # noqa: E402
from pulp_conda.app.models import CondaPackage, CondaRepodataPatch, CondaRepository  # noqa: E402

_Units = Sequence[CondaPackage] | Sequence[CondaRepodataPatch]
_Change = Callable[[CondaRepository, _Units, _Units], None]


def theirs(repository: CondaRepository, add: _Units, remove: _Units) -> None:
    """Change a repository pulpcore's way."""
    with repository.new_version() as version:
        version.remove_content(Content.objects.filter(pk__in=[unit.pk for unit in remove]))
        version.add_content(Content.objects.filter(pk__in=[unit.pk for unit in add]))


def listed(repository: CondaRepository, add: _Units, remove: _Units) -> None:
    """Change a repository our way, by a list of content ids."""
    with transaction.atomic():
        change(repository, Delta.listed([u.pk for u in add], [u.pk for u in remove]))


def staged(repository: CondaRepository, add: _Units, remove: _Units) -> None:
    """Change a repository our way, by a table of content ids."""
    rows = [(unit.pk, "A") for unit in add] + [(unit.pk, "R") for unit in remove]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE delta (content_id uuid PRIMARY KEY, operation text) "
            "ON COMMIT DROP"
        )
        cursor.executemany("INSERT INTO delta VALUES (%s, %s)", rows)
        change(repository, Delta.staged("delta"))


def described(version: RepositoryVersion) -> dict[str, Any]:
    """Return all that the tables say of a version, with nothing that is each one's own."""
    memberships = RepositoryContent.objects.filter(repository=version.repository)
    return {
        "number": version.number,
        "complete": version.complete,
        "base_version": version.base_version,
        "info": version.info,
        "content_ids": sorted(map(str, version.content_ids)),
        "content": sorted(map(str, version.content.values_list("pk", flat=True))),
        "added": sorted(map(str, version.added().values_list("pk", flat=True))),
        "removed": sorted(map(str, version.removed().values_list("pk", flat=True))),
        "memberships": sorted(
            (str(content), added, removed or 0)
            for content, added, removed in memberships.values_list(
                "content_id", "version_added__number", "version_removed__number"
            )
        ),
        "counts": sorted(version.counts.values_list("count_type", "content_type", "count")),
        "next_version": CondaRepository.objects.get(pk=version.repository_id).next_version,
    }


def history(
    name: str, way: _Change, packages: list[CondaPackage], patches: list[CondaRepodataPatch]
) -> list[dict[str, Any]]:
    """Take a new repository through a series of changes."""
    first, second, *others = packages
    changes: list[tuple[_Units, _Units]] = [
        (packages[:1], []),
        (others, []),
        (patches[:1], []),
        ([second], [first]),
        ([first], []),
        ([], [second, *others]),
        (patches[1:], patches[:1]),
        ([second], [first]),
        ([], [second]),
        ([], patches[1:]),
    ]
    CondaRepository.objects.create(name=name, autopublish=False)
    for add, remove in changes:
        way(CondaRepository.objects.get(name=name), add, remove)
    versions = CondaRepository.objects.get(name=name).versions.order_by("number")
    return [described(version) for version in versions]


def patch(subdir: str) -> CondaRepodataPatch:
    """Save a unit of the other kind."""
    unit: CondaRepodataPatch
    unit, _ = CondaRepodataPatch.objects.get_or_create(
        subdir=subdir,
        sha256="0" * 64,
        defaults={"instructions_version": 1, "changed": 0, "revoked": 0, "removed": 0},
    )
    return unit


def main(owner: str) -> None:
    """Print the history of each way."""
    repository = CondaRepository.objects.get(name=f"{owner}/main")
    version = repository.latest_version()
    packages = list(CondaPackage.objects.in_version(version).order_by("filename"))
    patches = [patch(subdir) for subdir in ("noarch", "linux-64")]
    ways = {"theirs": theirs, "listed": listed, "staged": staged}
    print(json.dumps([history(f"{owner}/{n}", way, packages, patches) for n, way in ways.items()]))


if __name__ == "__main__":
    main(sys.argv[1])
