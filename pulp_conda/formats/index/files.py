"""Write documents and hash them.

Hashing a large document takes several times as long as writing it, so threads do these in parallel.
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
from typing import Final, Self

from pulp_conda.formats.compression import decompressed, zstd

ZSTD_LEVEL: Final = 1
"""On real repodata level 1 is 2 to 75 times as fast as levels 3 to 15, and smaller."""

_CHUNK_BYTES: Final = 1024**2
_CHUNKS_AHEAD: Final = 4


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that has been written, and its digests."""

    path: Path
    size: int
    digests: dict[str, str]
    """In hex, by algorithm."""


class HashedFile:
    """A file that is hashed while it is written."""

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
        """Return the functions that take each chunk; they may run in parallel."""
        return [self._append, *(hasher.update for hasher in self._hashers.values())]

    def close(self) -> WrittenFile:
        """Close the file and return its size and digests."""
        self._file.close()
        digests = {name: hasher.hexdigest() for name, hasher in self._hashers.items()}
        return WrittenFile(self._path, self._size, digests)

    def _append(self, data: bytes) -> None:
        self._size += len(data)
        self._file.write(data)


class DocumentWriter:
    """Writes and hashes a large file; `written` is set when its context ends.

    A few chunks, or the largest write, are in memory.
    """

    written: WrittenFile

    def __init__(self, path: Path, algorithms: Sequence[str]) -> None:
        self._file = HashedFile(path, algorithms)
        self._chunk = bytearray()
        self._threads: list[ThreadPoolExecutor] = []
        self._running: deque[list[Future[object]]] = deque()
        self.size = 0
        """The number of bytes written so far."""

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
                self._wait(0)
                self._file.write(bytes(self._chunk))
        finally:
            for thread in self._threads:
                thread.shutdown()
            self.written = self._file.close()

    def write(self, data: bytes) -> None:
        """Append to the file."""
        self.size += len(data)
        self._chunk += data
        if len(self._chunk) >= _CHUNK_BYTES:
            chunk, self._chunk = bytes(self._chunk), bytearray()
            steps = self._file.steps()
            # Each step has one thread: its chunks stay in order, and it waits for no other step.
            self._threads = self._threads or [ThreadPoolExecutor(1) for _ in steps]
            work = zip(self._threads, steps, strict=True)
            self._running.append([thread.submit(step, chunk) for thread, step in work])
            self._wait(_CHUNKS_AHEAD)

    def _wait(self, left: int) -> None:
        """Wait until at most `left` chunks are being processed."""
        while len(self._running) > left:
            for future in self._running.popleft():
                future.result()


def write_plain(zst: Path, size: int, plain: Path, algorithms: Sequence[str]) -> WrittenFile:
    """Write the text of a compressed document; `size` is that of the text in bytes."""
    if size <= _CHUNK_BYTES:
        return write_file(plain, zstd.decompress(zst.read_bytes()), algorithms)
    with (
        zst.open("rb") as file,
        decompressed(file) as text,
        DocumentWriter(plain, algorithms) as writer,
    ):
        while chunk := text.read(_CHUNK_BYTES):
            writer.write(chunk)
    return writer.written


def write_bz2(zst: Path, compressed: Path, algorithms: Sequence[str]) -> WrittenFile:
    """Write the bz2 variant of a small document; this takes about 100 ms for a megabyte."""
    return write_file(compressed, bz2.compress(zstd.decompress(zst.read_bytes())), algorithms)


def write_file(path: Path, data: bytes, algorithms: Sequence[str]) -> WrittenFile:
    """Write a small file."""
    file = HashedFile(path, algorithms)
    try:
        file.write(data)
    finally:
        written = file.close()
    return written
