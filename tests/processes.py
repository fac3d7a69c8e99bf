"""Processes that tests start. They end with the tests."""

import signal
from pathlib import Path

from pulp_conda.server.processes import die_with_parent

dies_with_tests = die_with_parent(signal.SIGTERM)
"""`preexec_fn` of every process that a test starts: it ends if the run is killed."""


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that nobody waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
