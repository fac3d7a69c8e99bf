"""Writing documents with their compressed twins, every byte hashed while it passes.

Compressing and hashing a large document takes several times as long as writing it, so that is
done beside each other.
"""

from __future__ import annotations

import bz2
import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self, cast

import zstandard

ZSTD_LEVEL: Final = 1
"""On real repodata level 1 is smaller than levels 3 to 15 and 2 to 75 times as fast."""

_CHUNK_BYTES: Final = 1024**2
_CHUNKS_AHEAD: Final = 4


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that is written and known by its digests."""

    path: Path
    size: int
    digests: dict[str, str]
    """In hex, by the name of the algorithm."""


class HashedFile:
    """A file in the making."""

    def __init__(self, path: Path, algorithms: Sequence[str]) -> None:
        self._path = path
        self._size = 0
        self._hashers = {name: hashlib.new(name) for name in algorithms}
        self._file = path.open("wb")

    def write(self, data: bytes) -> int:
        """Write and hash."""
        for step in self.steps():
            step(data)
        return len(data)

    def steps(self) -> list[Callable[[bytes], object]]:
        """Return what is to be done with every chunk, each free to run beside the others."""
        return [self._append, *(hasher.update for hasher in self._hashers.values())]

    def close(self) -> WrittenFile:
        """Finish the file."""
        self._file.close()
        digests = {name: hasher.hexdigest() for name, hasher in self._hashers.items()}
        return WrittenFile(self._path, self._size, digests)

    def _append(self, data: bytes) -> None:
        self._size += len(data)
        self._file.write(data)


class TwinWriter:
    """Writes a document and its zstd twin; `plain` and `zst` exist when its context has ended.

    Equal bytes give equal twins, however they are cut into pieces. Memory is bounded by a few
    chunks, or by the largest piece. The twin's header says `total_size`, how many bytes will be
    written: decoders that unpack in one call refuse a frame without it. Any other number of bytes
    is a ZstdError.
    """

    plain: WrittenFile
    zst: WrittenFile

    def __init__(self, plain: Path, zst: Path, algorithms: Sequence[str], total_size: int) -> None:
        self._plain = HashedFile(plain, algorithms)
        self._zst = HashedFile(zst, algorithms)
        compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True)
        self._compressed = compressor.stream_writer(
            cast(IO[bytes], self._zst), size=total_size, closefd=False
        )
        self._chunk = bytearray()
        self._threads: list[ThreadPoolExecutor] = []
        self._running: deque[list[Future[object]]] = deque()
        self.size = 0
        """How many bytes were written until now."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._finish()
        finally:
            for thread in self._threads:
                thread.shutdown()
            self.plain, self.zst = self._plain.close(), self._zst.close()

    def write(self, data: bytes) -> None:
        """Append to both."""
        self.size += len(data)
        self._chunk += data
        if len(self._chunk) >= _CHUNK_BYTES:
            chunk, self._chunk = bytes(self._chunk), bytearray()
            # A thread for each step keeps the order of its chunks and waits for no other step.
            self._threads = self._threads or [ThreadPoolExecutor(1) for _ in self._steps()]
            work = zip(self._threads, self._steps(), strict=True)
            self._running.append([thread.submit(step, chunk) for thread, step in work])
            self._wait(_CHUNKS_AHEAD)

    def _finish(self) -> None:
        self._wait(0)
        for step in self._steps():
            step(bytes(self._chunk))
        self._compressed.flush(zstandard.FLUSH_FRAME)

    def _steps(self) -> list[Callable[[bytes], object]]:
        return [self._compressed.write, *self._plain.steps()]

    def _wait(self, left: int) -> None:
        """Wait until no more chunks are under way."""
        while len(self._running) > left:
            for future in self._running.popleft():
                future.result()


def write_bz2(plain: Path, compressed: Path, algorithms: Sequence[str]) -> WrittenFile:
    """Write the bz2 twin of a small document: some 100 ms a megabyte."""
    return write_file(compressed, bz2.compress(plain.read_bytes()), algorithms)


def write_file(path: Path, data: bytes, algorithms: Sequence[str]) -> WrittenFile:
    """Write a small file."""
    file = HashedFile(path, algorithms)
    try:
        file.write(data)
    finally:
        written = file.close()
    return written
