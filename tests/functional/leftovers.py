"""Removes the data that servers keep outside of the folder of a test run, after its end or kill.

If root runs the tests, PostgreSQL's user may not enter pytest's folders, so a home there has its
data elsewhere. Run as `python -m tests.functional.leftovers FOLDER`. The end of standard input
means the end of the run: the kernel closes it, however pytest ends.
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
def removed_at_the_end(folder: Path) -> Iterator[None]:
    """Remove the data outside of the homes in a folder, also if this process is killed."""
    if os.geteuid() != 0:
        yield
        return
    command = [sys.executable, "-m", "tests.functional.leftovers", str(folder)]
    # In its own session, so that Ctrl-C does not end it.
    remover = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=_PROJECT, start_new_session=True)
    try:
        yield
    finally:
        remover.communicate()


def _remove(cluster: Path, home: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with (home / "lock").open("a") as lock:
        while not _lock(lock.fileno()) and time.monotonic() < deadline:
            time.sleep(0.1)  # the server is stopping
    # PostgreSQL may outlive a killed server for a moment, and write.
    while cluster.exists() and time.monotonic() < deadline:
        shutil.rmtree(cluster, ignore_errors=True)


def _lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main(folder: Path) -> None:
    """Wait for the end of the run, then remove the data."""
    sys.stdin.buffer.read()
    for depth in ("*", "*/*"):
        for link in folder.glob(f"{depth}/postgresql"):
            if link.is_symlink():
                _remove(link.readlink(), link.parent)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
