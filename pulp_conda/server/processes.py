"""Child processes: each is started in its own session, watched, restarted, and finally killed."""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_LONGEST_BACKOFF_S = 10.0
_TAIL_BYTES = 4000
_TAIL_LINES = 12


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """Return a `preexec_fn`: the child gets a signal when its parent dies."""
    libc = ctypes.CDLL(None, use_errno=True)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(death_signal))

    return ask


@dataclass(slots=True)
class Process:
    """One process of the server; `identity` and `pass_fds` go to `subprocess.Popen`."""

    name: str
    command: list[str]
    log: Path
    env: dict[str, str] | None = None
    cwd: Path = Path("/")
    stop_signal: signal.Signals = signal.SIGTERM
    identity: dict[str, Any] = field(default_factory=dict)
    pass_fds: tuple[int, ...] = ()
    _popen: "subprocess.Popen[bytes] | None" = None
    _started: float = 0.0
    _failures: int = 0

    @property
    def pid(self) -> int | None:
        """The id of the process and of its group; None before the start."""
        return self._popen.pid if self._popen else None

    def start(self) -> None:
        """Start the process, which writes to its log and ends with this process."""
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.env,
                cwd=self.cwd,
                start_new_session=True,
                preexec_fn=die_with_parent(self.stop_signal),
                pass_fds=self.pass_fds,
                **self.identity,
            )
        self._started = time.monotonic()

    def run(self) -> int:
        """Start the process with an empty log, wait until it ends and return its exit status."""
        self.log.unlink(missing_ok=True)
        self.start()
        assert self._popen is not None  # noqa: S101 (start() made it)
        return self._popen.wait()

    def is_running(self) -> bool:
        """Tell whether the process is alive."""
        return self._popen is not None and self._popen.poll() is None

    def family(self) -> set[int]:
        """Return the ids of the process and its children that are alive."""
        if self._popen is None or not self.is_running():
            return set()
        pid = self._popen.pid
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            children = []
        return {pid, *map(int, children)}

    def restart_if_dead(self) -> bool:
        """Start the process again if it died, after a delay that grows with each failure.

        Returns:
            Whether it was started.
        """
        if self.is_running():
            return False
        lived = time.monotonic() - self._started
        if lived > _LONGEST_BACKOFF_S:
            self._failures = 0
        if lived < min(0.2 * 2**self._failures, _LONGEST_BACKOFF_S):
            return False
        self._failures += 1
        self._signal(signal.SIGKILL)  # the rest of its group
        self.start()
        return True

    def log_tail(self) -> str:
        """Return the end of the log and its path, for an error message."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
        return "\n  ".join((f"the end of {self.log}:", *lines))

    def ask_to_stop(self) -> None:
        """Send the process its stop signal."""
        if self.is_running() and self._popen:
            self._popen.send_signal(self.stop_signal)

    def kill(self) -> None:
        """Kill the process and its group, and wait until it has ended."""
        self._signal(signal.SIGKILL)
        if self._popen:
            self._popen.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self._popen:
            try:
                os.killpg(self._popen.pid, number)
            except ProcessLookupError:
                return


def stop_all(processes: Iterable[Process], seconds: float) -> None:
    """Ask processes to end, wait, and kill the rest, which loses no data of PostgreSQL."""
    processes = list(processes)
    for process in processes:
        process.ask_to_stop()
    deadline = time.monotonic() + seconds
    while any(process.is_running() for process in processes) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in processes:
        process.kill()
