"""New shards, kept until the index that names them is saved."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from .shards import ShardBytes

_BATCH_SHARDS: Final = 500
_BATCH_BYTES: Final = 512 * 1024
"""A statement holds its parameters several times, as hexadecimal text."""

_SPOOL_BYTES: Final = 4 * 1024**2


class NewShards:
    """The shards of the changed names of a subdir.

    The first 4 MiB stay in memory, and more go to a temporary file in `folder`.
    """

    def __init__(self, folder: Path, changed: Collection[str] | None) -> None:
        """Keep the shards of `changed` names, or of all names if that is None."""
        self.changed = changed
        # `close` closes it.
        self._file = tempfile.SpooledTemporaryFile(_SPOOL_BYTES, dir=str(folder))  # noqa: SIM115
        self._sizes: dict[str, int] = {}
        self._digests: dict[str, bytes] = {}

    def close(self) -> None:
        """Close the temporary file."""
        self._file.close()

    def add(self, name: str, shard: ShardBytes) -> None:
        """Add the shard of a name."""
        self._file.write(shard.data)
        self._sizes[name] = len(shard.data)
        self._digests[name] = shard.digest

    @property
    def names(self) -> Collection[str]:
        """The names that have a shard."""
        return self._sizes.keys()

    def batches(self) -> Iterator[dict[str, ShardBytes]]:
        """Yield up to 500 shards at a time by name, 512 KiB together unless one is larger."""
        self._file.seek(0)
        batch: dict[str, ShardBytes] = {}
        batch_bytes = 0
        for name, size in self._sizes.items():
            if batch and (len(batch) == _BATCH_SHARDS or batch_bytes + size > _BATCH_BYTES):
                yield batch
                batch, batch_bytes = {}, 0
            batch[name] = ShardBytes(self._digests[name], self._file.read(size))
            batch_bytes += size
        if batch:
            yield batch
