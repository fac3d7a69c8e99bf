"""Changes of a channel that are committed together count in the order of their arrival."""

import json
from typing import NamedTuple

from tests.builders import PackageBuilder
from tests.functional.harness import Rest, RunningServer

_COMMIT = """
import json
from datetime import timedelta
from django.test import override_settings
from django.utils.timezone import now
from pulpcore.app.contexts import with_task_context
from pulpcore.plugin.models import Task
from pulp_conda.app.channels.changes.commit import commit_pending
from pulp_conda.app.models import REMOVAL, UPLOAD, CondaPackage, CondaRepository, PendingChange
digests, cases = json.loads({arguments!r})
packages = {{n: CondaPackage.objects.get(sha256=digest) for n, digest in digests.items()}}
selection = {{"subdir": "noarch", "filename": "demo-1.0-0.conda"}}
def queue(repository, newest, step):
    kind = dict(kind=REMOVAL, payload=dict(selection=selection, newest=newest))
    if step != "remove":
        action, name = step.split()
        kind = dict(kind=UPLOAD, package=packages[name], replaces=action == "replace")
    expires = now() + timedelta(minutes=1)
    return PendingChange.objects.create(repository=repository, expires=expires, **kind)
def held(repository):
    latest = CondaPackage.objects.in_version(repository.latest_version())
    return sorted(n for n in packages if latest.filter(pk=packages[n].pk).exists())
def commit(number, steps, limit, immutable):
    repository = CondaRepository.objects.create(
        name=f"{name}/{{number}}", autopublish=False, immutable_names=immutable
    )
    for first in ("kept", "old"):
        queue(repository, 0, f"upload {{first}}")
    commit_pending(repository)
    before = repository.latest_version().number
    changes = [queue(repository, before, step) for step in steps.split(", ")]
    with override_settings(CONDA_MAX_CHANNEL_PACKAGES=limit):
        commit_pending(repository)
    for row in changes:
        row.refresh_from_db()
    versions = repository.latest_version().number - before
    return [" ".join(row.outcome for row in changes), " ".join(held(repository)), versions]
with with_task_context(Task.objects.create(name="a commit", state="running")):
    print(json.dumps([commit(number, *case) for number, case in enumerate(cases)]))
"""


class _Case(NamedTuple):
    """Changes of a channel that holds `kept` and `old`, and what becomes of them.

    `old` and `new` have one path.
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
    _Case("remove, remove", "removed removed", "kept"),
    _Case("remove, upload new, upload old", "removed exists added", "kept old", versions=0),
    _Case("upload other, remove", "added removed", "kept other"),
    _Case("remove, upload new", "removed retired", "kept", immutable=True),
    _Case("remove, upload old", "removed added", "kept old", versions=0, immutable=True),
    _Case("remove, upload new", "removed added", "kept new", limit=2),
    _Case("upload other, remove", "full removed", "kept", limit=2),
    _Case("remove, upload other", "removed added", "kept other", limit=2),
]


def test_changes_count_in_the_order_of_their_arrival(
    server: RunningServer, rest: Rest, owner: str
) -> None:
    packages = {
        "kept": PackageBuilder("kept"),
        "old": PackageBuilder().payload(100),
        "new": PackageBuilder().payload(200),
        "other": PackageBuilder("other"),
    }
    digests = {n: rest.upload(package.conda())["sha256"] for n, package in packages.items()}
    cases = [(case.steps, case.limit, case.immutable) for case in _CASES]
    code = _COMMIT.format(arguments=json.dumps([digests, cases]), name=owner)
    reached = json.loads(server.shell(code).splitlines()[-1])
    for case, result in zip(_CASES, reached, strict=True):
        assert tuple(result) == (case.outcomes, case.held, case.versions), case
