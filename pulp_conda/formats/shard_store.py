"""Shards set aside on disk while an index is made, to be read again by name."""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from .shards import Shard

_SPOOL_BYTES = 8 * 1024**2
_SEPARATOR = b"\n"
"""Between pieces: JSON text without layout holds no line break."""


class ShardStore:
    """Keeps the shards of a subdir, in their order, until its context ends.

    Small subdirs stay in memory, larger ones lie in a temporary file in `folder`; what stays in
    memory then are the names and where their shards lie.
    """

    def __init__(self, folder: Path | None = None) -> None:
        where = str(folder) if folder else None
        # Closed by the context of the store itself.
        self._file = tempfile.SpooledTemporaryFile(_SPOOL_BYTES, dir=where)  # noqa: SIM115
        self._places: dict[str, tuple[int, int, int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def recorded(self, shards: Iterable[Shard]) -> Iterator[Shard]:
        """Keep shards while they pass: each name once, and all before any is read again."""
        for shard in shards:
            packages = _SEPARATOR.join(piece.encode() for piece in shard.packages)
            packages_conda = _SEPARATOR.join(piece.encode() for piece in shard.packages_conda)
            self._places[shard.name] = (self._file.tell(), len(packages), len(packages_conda))
            self._file.write(packages)
            self._file.write(packages_conda)
            yield shard

    def __iter__(self) -> Iterator[Shard]:
        """Return the shards in the order they came in."""
        return map(self.__getitem__, self._places)

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def __getitem__(self, name: str) -> Shard:
        start, packages, packages_conda = self._places[name]
        self._file.seek(start)
        return Shard(name, self._pieces(packages), self._pieces(packages_conda))

    def _pieces(self, size: int) -> list[str]:
        data = self._file.read(size)
        return data.decode().split("\n") if data else []
