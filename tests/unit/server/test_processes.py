"""Processes end when they should, and nothing that they started stays behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from pulp_conda.server.processes import Process, stop_all


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert condition()


def process(tmp_path: Path, code: str) -> Process:
    return Process("test", [sys.executable, "-c", code], tmp_path / "log")


def test_a_process_that_ignores_signals_is_killed_in_time(tmp_path: Path) -> None:
    deaf = process(
        tmp_path,
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=1);"
        "time.sleep(60)",
    )
    deaf.start()
    wait_for(lambda: "up" in (tmp_path / "log").read_text())
    began = time.monotonic()
    stop_all([deaf], 0.5)
    assert time.monotonic() - began < 2
    assert not deaf.is_running()


def test_a_dead_process_is_started_again_with_growing_pauses(tmp_path: Path) -> None:
    failing = process(tmp_path, "raise SystemExit(1)")
    failing.start()
    starts = []
    deadline = time.monotonic() + 2.5
    while time.monotonic() < deadline:
        if failing.restart_if_dead():
            starts.append(time.monotonic())
        time.sleep(0.01)
    pauses = [later - sooner for sooner, later in pairwise(starts)]
    assert 2 <= len(starts) <= 5
    assert pauses == sorted(pauses)


def test_the_end_of_a_log_explains_a_failure(tmp_path: Path) -> None:
    talking = process(tmp_path, "[print(n, flush=True) for n in range(5000)]; exit('too bad')")
    assert talking.run() == 1
    words = talking.last_words()
    assert words.startswith(f"the end of {tmp_path / 'log'}:\n")
    assert words.endswith("too bad")
    assert len(words.splitlines()) == 13


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
def test_what_a_program_forked_dies_with_it(tmp_path: Path, death: signal.Signals) -> None:
    (tmp_path / "forking.py").write_text(
        "import os, sys, time\n"
        "def main():\n"
        "    assert sys.argv[1:] == ['--option']\n"
        "    child = os.fork()\n"
        "    if child: print(child, flush=True)\n"
        "    time.sleep(60)\n"
    )
    command = [sys.executable, "-m", "pulp_conda.server.program", "forking:main", "--option"]
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    assert program.stdout is not None
    child = int(program.stdout.readline())
    assert is_alive(child)
    program.send_signal(death)
    program.wait()
    wait_for(lambda: not is_alive(child))
