"""A test run that is killed leaves neither processes nor data behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.functional.harness import PATIENCE_SECONDS
from tests.functional.homes import Homes
from tests.processes import dies_with_tests, is_alive

_RUN = """
import json, sys, time
from pathlib import Path
from tests.functional.harness import ONE_OF_EACH, RunningServer
from tests.functional.leftovers import removed_at_the_end
home = Path(sys.argv[1])
with removed_at_the_end(home.parent):
    server = RunningServer(home, arguments=ONE_OF_EACH).start()
    cluster = str((home / "postgresql").resolve())
    print(json.dumps([cluster, *server.pids().values()]), flush=True)
    time.sleep(3600)
"""


def test_a_killed_run_leaves_no_server_behind(homes: Homes, tmp_path: Path) -> None:
    home = homes.make(tmp_path / "run" / "home")
    run = subprocess.Popen(
        [sys.executable, "-c", _RUN, str(home)],
        stdout=subprocess.PIPE, text=True, preexec_fn=dies_with_tests,
    )  # fmt: skip
    assert run.stdout is not None
    cluster, *pids = json.loads(run.stdout.readline())
    assert Path(cluster).exists()
    assert len(pids) >= 5
    assert all(is_alive(pid) for pid in pids)
    run.send_signal(signal.SIGKILL)
    run.wait()
    deadline = time.monotonic() + PATIENCE_SECONDS
    elsewhere = (home / "postgresql").is_symlink()
    assert elsewhere is (os.geteuid() == 0)
    while any(is_alive(pid) for pid in pids) or (elsewhere and Path(cluster).exists()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
