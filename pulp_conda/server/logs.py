"""Log rotation: a full log becomes NAME.1, the previous NAME.1 becomes NAME.2, and so on."""

import os
import shutil
from pathlib import Path

_FULL_BYTES = 20 * 1024**2
_KEPT = 5


def rotate(log: Path, full_bytes: int = _FULL_BYTES) -> bool:
    """Rotate a log if it is full; return whether it was.

    The log is copied and emptied, because the process that writes it keeps it open. The process
    must open it for appending. A line that is written between the two steps is lost.
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
