"""What a sync was asked to do."""

import hashlib
from typing import Final, NamedTuple

import msgspec

from pulp_conda.app.models import ACCEPT, CondaRemote, CondaRepository

_FORMAT: Final = 1
"""Increase this with every change of the code that makes other units of the same records."""


class SyncOptions(NamedTuple):
    """How a channel is synced."""

    mode: str
    """One of `SYNC_MODES`."""
    optimize: bool = True
    """Whether only names that changed are looked at."""
    force: bool = False
    """Whether the channel may shrink by more than the remote's `max_shrink`, and a document may be
    older than the last one."""
    dry_run: bool = False
    """Whether the sync only reports what it would do."""


class SyncRequest(NamedTuple):
    """What is synced, from where, and how."""

    repository: CondaRepository
    remote: CondaRemote
    options: SyncOptions

    @property
    def holds(self) -> bool:
        """Whether the channel keeps a file whose bytes changed under its name."""
        return self.repository.immutable_names or self.remote.on_replaced != ACCEPT

    @property
    def fetches_files(self) -> bool:
        """Whether the channel gets a package only together with its file."""
        return self.remote.policy == CondaRemote.IMMEDIATE

    @property
    def fingerprint(self) -> str:
        """The digest of everything that decides what a channel takes of the same upstream."""
        remote = self.remote
        deciding = (
            _FORMAT, remote.url, self.options.mode, self.holds, remote.include, remote.exclude,
            remote.newest, remote.max_bytes, remote.licenses, self.fetches_files,
        )  # fmt: skip
        return hashlib.sha256(msgspec.json.encode(deciding)).hexdigest()
