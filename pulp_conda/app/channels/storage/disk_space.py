"""Room on disk: a part of it is kept free, since a database on a full disk stops for everybody."""

import errno
import os
import shutil
from pathlib import Path

from django.conf import settings


def check_room(size: int) -> None:
    """Check that the working directory can take so many bytes and keep its reserve.

    Raises:
        OSError: it cannot; the number is that of a full disk, ENOSPC.
    """
    reserve = settings.CONDA_DISK_RESERVE_BYTES
    if reserve and free_bytes() - size < reserve:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), settings.WORKING_DIRECTORY)


def free_bytes() -> int:
    """Return how much room is left where uploads are received."""
    return shutil.disk_usage(Path(settings.WORKING_DIRECTORY)).free
