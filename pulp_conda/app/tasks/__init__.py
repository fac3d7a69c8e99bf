"""Tasks: they unpack their arguments, call `channels` and report.

Their names are stored in the database with every task; renaming one breaks queued tasks.
"""

from .commit import acommit_pending, dispatch_commit
from .patches import upload_patches
from .publish import publish
from .remove import aremove, dispatch_remove

__all__ = [
    "acommit_pending",
    "aremove",
    "dispatch_commit",
    "dispatch_remove",
    "publish",
    "upload_patches",
]
