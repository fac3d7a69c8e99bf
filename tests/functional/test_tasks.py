"""Our code makes the same tasks and publications as pulpcore."""

import json
import os
import subprocess
import sys

import pytest

from tests.builders import PackageBuilder
from tests.functional.harness import RunningServer


@pytest.fixture
def both(server: RunningServer, owner: str) -> list[dict[str, list[object]]]:
    """The rows that pulpcore's code left, and those that ours left."""
    for number in range(4):
        package = PackageBuilder(f"demo{number}").conda()
        assert server.put(f"{server.channel(owner)}/x.conda", package).status_code == 201
    env = {
        **os.environ,
        "PULP_SETTINGS": str(server.home / "settings.py"),
        "DJANGO_SETTINGS_MODULE": "pulpcore.app.settings",
    }
    command = [sys.executable, "-m", "tests.functional.equivalence_of_tasks", owner]
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, list[object]]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_our_tasks_and_publications_equal_pulpcores(
    both: list[dict[str, list[object]]],
) -> None:
    theirs, ours = both
    kinds = ("that succeeds", "that fails", "that has to wait")
    for kind, expected, made in zip(kinds, theirs["tasks"], ours["tasks"], strict=True):
        assert made == expected, f"a task {kind}"
    assert len(theirs["publications"]) == 4
    for step, (expected, made) in enumerate(
        zip(theirs["publications"], ours["publications"], strict=True)
    ):
        assert made == expected, f"publications after step {step}"
