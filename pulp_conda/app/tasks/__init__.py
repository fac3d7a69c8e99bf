"""The tasks of the plugin. Each unpacks its arguments, calls `channels` and reports.

Every task in the database stores the name of its function, so renaming one breaks queued tasks.
"""

from .cleanup import (
    clean_up,
    clean_up_all,
    dispatch_clean_up,
    dispatch_clean_up_on_commit,
    schedule_clean_up,
)
from .commit import acommit_pending, dispatch_commit
from .patches import upload_patches
from .probe import probe
from .publish import publish
from .repair import check_files, check_index
from .sync_requests import SyncUnderWay, dispatch_sync
from .sync_schedule import schedule_syncs, sync_due

__all__ = [
    "SyncUnderWay",
    "acommit_pending",
    "check_files",
    "check_index",
    "clean_up",
    "clean_up_all",
    "dispatch_clean_up",
    "dispatch_clean_up_on_commit",
    "dispatch_commit",
    "dispatch_sync",
    "probe",
    "publish",
    "schedule_clean_up",
    "schedule_syncs",
    "sync_due",
    "upload_patches",
]
