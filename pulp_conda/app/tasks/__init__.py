"""Tasks: they unpack their arguments, call `channels` and report.

Their names are stored in the database with every task; renaming one breaks queued tasks.
"""

from .cleanup import (
    clean_up,
    clean_up_all,
    dispatch_clean_up,
    dispatch_when_exceeded,
    schedule_clean_up,
)
from .commit import acommit_pending, dispatch_commit
from .patches import upload_patches
from .publish import publish
from .repair import check_files, check_index

__all__ = [
    "acommit_pending",
    "check_files",
    "check_index",
    "clean_up",
    "clean_up_all",
    "dispatch_clean_up",
    "dispatch_commit",
    "dispatch_when_exceeded",
    "publish",
    "schedule_clean_up",
    "upload_patches",
]
