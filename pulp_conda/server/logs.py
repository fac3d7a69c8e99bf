"""Logs that do not grow for ever: a full one becomes NAME.1, that of before NAME.2, and so on."""

import os
import shutil
from pathlib import Path

_FULL_BYTES = 20 * 1024**2
_KEPT = 5


def rotate(log: Path, full_bytes: int = _FULL_BYTES) -> bool:
    """Rotate a log if it is full; tell whether it was.

    The process that writes it keeps its file, which is copied and emptied: what it writes must be
    appended. A line that comes between the two is lost.
    """
    if not log.exists() or log.stat().st_size < full_bytes:
        return False
    for number in range(_KEPT - 1, 0, -1):
        older = _numbered(log, number)
        if older.exists():
            older.replace(_numbered(log, number + 1))
    shutil.copyfile(log, _numbered(log, 1))
    os.truncate(log, 0)
    return True


def _numbered(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")
