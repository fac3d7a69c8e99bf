"""Changes of a channel that are committed together count in the order of their arrival."""

from typing import NamedTuple

import pytest
from django.test import override_settings

from pulp_conda.app.channels.changes.commit import commit_pending
from pulp_conda.app.models import CondaPackage, CondaRepository, PendingChange
from tests.builders import PackageBuilder
from tests.database.factories import save_package, upload, wait, wait_for_removal

_BUILDERS = {
    "kept": PackageBuilder("kept"),
    "old": PackageBuilder().payload(100),
    "new": PackageBuilder().payload(200),
    "other": PackageBuilder("other"),
}


class _Case(NamedTuple):
    """Changes of a channel that holds `kept` and `old`, and what becomes of them.

    `old` and `new` have one path, which a removal selects.
    """

    steps: str
    outcomes: str
    held: str
    versions: int = 1
    limit: int = 0
    immutable: bool = False


_CASES = [
    _Case("remove, upload new", "removed added", "kept new"),
    _Case("upload new, remove", "exists removed", "kept"),
    _Case("replace new, remove", "added removed", "kept new"),
    _Case("remove, upload old", "removed added", "kept old", versions=0),
    _Case("replace old, remove", "added removed", "kept"),
    _Case("remove, upload old, remove", "removed added removed", "kept old", versions=0),
    _Case("remove, remove", "removed removed", "kept"),
    _Case("remove, upload new, upload old", "removed exists added", "kept old", versions=0),
    _Case("upload other, remove", "added removed", "kept other"),
    _Case("remove, upload new", "removed retired", "kept", immutable=True),
    _Case("remove, upload old", "removed added", "kept old", versions=0, immutable=True),
    _Case("remove, upload new", "removed added", "kept new", limit=2),
    _Case("upload other, remove", "full removed", "kept", limit=2),
    _Case("remove, upload other", "removed added", "kept other", limit=2),
]


def queue(
    repository: CondaRepository, packages: dict[str, CondaPackage], step: str
) -> PendingChange:
    """Let a change wait: `remove`, `upload NAME` or `replace NAME`."""
    if step != "remove":
        action, name = step.split()
        return wait(repository, packages[name], replaces=action == "replace")
    return wait_for_removal(repository, packages["old"].relative_path)


@pytest.mark.parametrize("case", _CASES)
def test_changes_count_in_the_order_of_their_arrival(
    repository: CondaRepository, case: _Case
) -> None:
    CondaRepository.objects.filter(pk=repository.pk).update(
        autopublish=False, immutable_names=case.immutable
    )
    repository.refresh_from_db()
    packages = {name: save_package(builder) for name, builder in _BUILDERS.items()}
    upload(repository, _BUILDERS["kept"], _BUILDERS["old"])
    before = repository.latest_version().number
    changes = [queue(repository, packages, step) for step in case.steps.split(", ")]
    with override_settings(CONDA_MAX_CHANNEL_PACKAGES=case.limit):
        commit_pending(repository)
    for change in changes:
        change.refresh_from_db()
    latest = CondaPackage.objects.in_version(repository.latest_version())
    held = {name for name, package in packages.items() if latest.filter(pk=package.pk).exists()}
    assert " ".join(str(change.outcome) for change in changes) == case.outcomes
    assert held == set(case.held.split())
    assert repository.latest_version().number - before == case.versions
