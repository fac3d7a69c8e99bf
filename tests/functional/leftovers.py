"""Removes what servers keep outside of a test run's folder, once the run is over or was killed.

As root, PostgreSQL runs as a user who may not enter pytest's folders, so a home there has its
data elsewhere. Run as `python -m tests.functional.leftovers FOLDER`: the run is over when
standard input ends, which the kernel sees to whatever happens to pytest.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PATIENCE_SECONDS = 60
_PROJECT = Path(__file__).parents[2]


@contextmanager
def removed_in_the_end(folder: Path) -> Iterator[None]:
    """Remove what the servers of homes in a folder keep outside, also if this process is killed."""
    if os.geteuid() != 0:
        yield
        return
    command = [sys.executable, "-m", "tests.functional.leftovers", str(folder)]
    # In a session of its own, out of the way of Ctrl-C.
    remover = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=_PROJECT, start_new_session=True)
    try:
        yield
    finally:
        remover.communicate()


def _remove(cluster: Path, home: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with (home / "lock").open("a") as lock:
        while not _taken(lock.fileno()) and time.monotonic() < deadline:
            time.sleep(0.1)  # the server is stopping
    # PostgreSQL may outlive a server that was killed by a moment, and write.
    while cluster.exists() and time.monotonic() < deadline:
        shutil.rmtree(cluster, ignore_errors=True)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main(folder: Path) -> None:
    """Wait for the end of the run, then remove everything."""
    sys.stdin.buffer.read()
    for depth in ("*", "*/*"):
        for link in folder.glob(f"{depth}/postgresql"):
            if link.is_symlink():
                _remove(link.readlink(), link.parent)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
