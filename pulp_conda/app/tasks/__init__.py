"""Tasks: they unpack their arguments, call `channels` and report.

Their names are stored in the database with every task; renaming one breaks queued tasks.
"""

from .commit import acommit_pending, dispatch_commit
from .publish import publish

__all__ = ["acommit_pending", "dispatch_commit", "publish"]
