"""The memory that the processes of a server take."""

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.functional.harness import RunningServer

_SAMPLE_SECONDS = 0.02


@dataclass
class Peak:
    """The most memory that a child of the workers took, sampled: each task is such a child."""

    masters: list[int]
    megabytes: float = 0
    _done: threading.Event = field(default_factory=threading.Event)

    def sample(self) -> None:
        """Look over and over."""
        while not self._done.wait(_SAMPLE_SECONDS):
            for master in self.masters:
                for pid in _children(master):
                    self.megabytes = max(self.megabytes, _peak_mb(pid))


@contextmanager
def peak_of_tasks(server: RunningServer) -> Any:
    """Measure the memory of the tasks that run meanwhile."""
    pids = server.pids()
    peak = Peak([pid for name, pid in pids.items() if name.startswith("worker")])
    thread = threading.Thread(target=peak.sample)
    thread.start()
    try:
        yield peak
    finally:
        peak._done.set()
        thread.join()


def _children(pid: int) -> list[int]:
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except OSError:
        return []


def _peak_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(found[0].split()[1]) / 1024 if found else 0


def content_peak_mb(server: RunningServer) -> float:
    """Return the most memory that a content process ever took."""
    return max(_peak_mb(pid) for pid in _children(server.pids()["content"]))
