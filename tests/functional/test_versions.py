"""Versions made by our own SQL are those that pulpcore would have made."""

import json
import os
import subprocess
import sys

from tests.builders import PackageBuilder
from tests.functional.harness import RunningServer


def test_our_versions_equal_pulpcores_table_by_table(server: RunningServer, owner: str) -> None:
    for number in range(5):
        package = PackageBuilder(f"demo{number}").conda()
        assert server.put(f"{server.channel(owner)}/x.conda", package).status_code == 201
    env = {
        **os.environ,
        "PULP_SETTINGS": str(server.home / "settings.py"),
        "DJANGO_SETTINGS_MODULE": "pulpcore.app.settings",
    }
    command = [sys.executable, "-m", "tests.functional.equivalence", owner]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    theirs, listed, staged = json.loads(done.stdout.splitlines()[-1])
    assert len(theirs) == 11
    for ours in (listed, staged):
        for number, (expected, made) in enumerate(zip(theirs, ours, strict=True)):
            assert made == expected, f"version {number}"
