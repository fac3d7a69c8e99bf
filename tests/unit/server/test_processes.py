"""Processes end in time, with all processes that they started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pulp_conda.server import processes
from pulp_conda.server.processes import Process, stop_all
from tests.processes import dies_with_tests, is_alive

_PATIENCE_SECONDS = 60


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
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
    stop_all([deaf], 0.5)
    assert not deaf.is_running()


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


def test_a_dead_process_is_started_again_with_growing_pauses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(processes, "time", clock)
    failing = process(tmp_path, "raise SystemExit(1)")
    failing.start()
    pauses = []
    for _ in range(5):
        wait_for(lambda: not failing.is_running())
        died = clock.now
        while not failing.restart_if_dead():
            clock.now += 0.05
        pauses.append(clock.now - died)
    assert pauses == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2], abs=0.1)


def test_the_end_of_a_log_explains_a_failure(tmp_path: Path) -> None:
    talking = process(tmp_path, "[print(n, flush=True) for n in range(5000)]; exit('too bad')")
    assert talking.run() == 1
    words = talking.log_tail()
    assert words.startswith(f"the end of {tmp_path / 'log'}:\n")
    assert words.endswith("too bad")
    assert len(words.splitlines()) == 13


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
def test_child_processes_of_a_program_die_with_it(tmp_path: Path, death: signal.Signals) -> None:
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
    program = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=env, preexec_fn=dies_with_tests
    )
    assert program.stdout is not None
    child = int(program.stdout.readline())
    assert is_alive(child)
    program.send_signal(death)
    program.wait()
    wait_for(lambda: not is_alive(child))
