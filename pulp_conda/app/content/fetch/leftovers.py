"""Delete what fetches leave behind that nobody goes on with: their processes died, or stopped."""

import asyncio
import logging
import os
import time
from contextlib import suppress
from pathlib import Path

from django.db import Error

from pulp_conda.app.channels.transfer import spool
from pulp_conda.app.content.database import ask

from . import leases

_log = logging.getLogger(__name__)

_INTERVAL_SECONDS = 600
_KEPT_SECONDS = 3600

_last = float("-inf")


async def sweep() -> None:
    """Delete old leftovers, at most every ten minutes in each process."""
    global _last
    if time.monotonic() - _last < _INTERVAL_SECONDS:
        return
    _last = time.monotonic()
    try:
        await ask(leases.forget)
        await asyncio.to_thread(remove_old_spools)
    except (Error, OSError) as error:
        _log.warning("old fetches could not be removed: %s", error)


def remove_old_spools() -> None:
    """Delete the spools that nobody has written for an hour. Blocks."""
    if not spool.folder().exists():
        return
    for path in spool.folder().iterdir():
        with suppress(OSError):
            if path.stat().st_mtime < time.time() - _KEPT_SECONDS:
                _remove_if_unlocked(path)


def _remove_if_unlocked(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        if spool.lock(descriptor):
            path.unlink()
    finally:
        os.close(descriptor)
