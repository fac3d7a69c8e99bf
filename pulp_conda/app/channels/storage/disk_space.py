"""Room on disk. A reserve is kept free, because a full disk would stop the database."""

import errno
import os
import shutil
from pathlib import Path

from django.conf import settings


def check_room(size: int) -> None:
    """Check that `size` more bytes leave the reserve of the working directory free.

    Raises:
        OSError: they do not. The error number is ENOSPC, as for a full disk.
    """
    reserve = settings.CONDA_DISK_RESERVE_BYTES
    if reserve and free_bytes() - size < reserve:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), settings.WORKING_DIRECTORY)


def free_bytes() -> int:
    """Return the number of free bytes in the working directory, where uploads are received."""
    return shutil.disk_usage(Path(settings.WORKING_DIRECTORY)).free
