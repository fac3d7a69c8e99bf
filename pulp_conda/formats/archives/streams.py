"""Read compressed data within limits of output, memory and processor time.

``bz2`` and ``zstd`` of the standard library (``backports.zstd`` before Python 3.14) have the same
incremental interface, with a limit on the output of each step. So one reader is enough for both.
"""

from __future__ import annotations

import bz2
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from pulp_conda.formats.compression import zstd
from pulp_conda.formats.errors import (
    CorruptArchive,
    ExpandsTooFar,
    TooSlow,
    TrailingData,
    TruncatedArchive,
    TrustedText,
)
from pulp_conda.formats.limits import Limits

CHUNK_BYTES: Final = 256 * 1024
_STEPS_PER_CHECK: Final = 32
_SECOND_STREAM: Final = TrustedText("after its first bzip2 stream, where some clients stop reading")


class Reader(Protocol):
    """An object with ``read``. It may return fewer bytes than asked for, and none at the end."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes."""


class Decompressor(Protocol):
    """The incremental interface that ``bz2`` and ``zstd`` have in common."""

    @property
    def eof(self) -> bool:
        """Whether the frame has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether more output needs more input."""

    @property
    def unused_data(self) -> bytes:
        """The data after the end of the frame."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Decompress ``data``; return at most ``max_length`` bytes."""


class Budget:
    """The remaining bytes and time while one thread reads one package."""

    def __init__(
        self, limits: Limits, size_bytes: int, clock: Callable[[], float] = time.thread_time
    ) -> None:
        self._size_bytes = size_bytes
        self._allowed_bytes = limits.expanded_for(size_bytes)
        self._spent_bytes = 0
        self._steps = 0
        self._clock = clock
        self._allowed_seconds = limits.seconds_for(size_bytes)
        self._deadline = clock() + self._allowed_seconds

    def check_time(self) -> None:
        """Raise TooSlow if the processor time is used up. Called at every step.

        The clock is read only at one of 32 steps, because that takes a microsecond.
        """
        if self._steps % _STEPS_PER_CHECK == 0 and self._clock() > self._deadline:
            raise TooSlow(int(self._allowed_seconds))
        self._steps += 1

    def spend(self, expanded_bytes: int) -> None:
        """Count output. Raises ExpandsTooFar."""
        self._spent_bytes += expanded_bytes
        if self._spent_bytes > self._allowed_bytes:
            raise ExpandsTooFar(self._size_bytes, self._allowed_bytes)


@dataclass(frozen=True, slots=True)
class Compression:
    """A compression format."""

    decompressor: Callable[[], Decompressor]
    """Makes a decompressor of one frame (in bzip2, stream)."""
    several_frames: bool
    """Whether every client reads several frames."""


# pbzip2 writes several streams. conda and mamba join them, but rattler reads only the first, and
# may treat the package as complete.
BZIP2: Final = Compression(bz2.BZ2Decompressor, several_frames=False)


def zstandard(window_log: int) -> Compression:
    """Return zstd with a window of at most 2**window_log bytes."""
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: window_log}
    return Compression(lambda: zstd.ZstdDecompressor(options=options), several_frames=True)


class ExpandedStream:
    """The decompressed data of ``source``, with all frames joined.

    Parallel compressors (zstd -T, pzstd) write several frames. These are allowed if all clients
    read them; no other data may follow a frame.
    """

    def __init__(
        self, source: Reader, compression: Compression, budget: Budget, part: TrustedText
    ) -> None:
        self._source = source
        self._compression = compression
        self._budget = budget
        self._part = part
        self._engine: Decompressor | None = None
        self._frames = 0
        self._frame_is_empty = True
        self._ended = False
        self._chunk = b""
        self._offset = 0

    def read(self, size: int) -> bytes:
        """Return ``size`` bytes, fewer only at the end."""
        start, end = self._offset, self._offset + size
        if end <= len(self._chunk):
            self._offset = end
            return self._chunk[start:end]
        parts = [self._chunk[start:]]
        missing = size - len(parts[0])
        while missing and self._fill():
            self._offset = min(missing, len(self._chunk))
            parts.append(self._chunk[: self._offset])
            missing -= self._offset
        return b"".join(parts)

    def skip(self, size: int) -> int:
        """Skip ``size`` bytes without copying them; return the number of skipped bytes."""
        missing = size - (len(self._chunk) - self._offset)
        if missing <= 0:
            self._offset += size
            return size
        while missing and self._fill():
            self._offset = min(missing, len(self._chunk))
            missing -= self._offset
        return size - missing

    def rest(self) -> bytes:
        """Return some more bytes, none at the end. Used to read all remaining data."""
        if self._offset == len(self._chunk) and not self._fill():
            return b""
        start, self._offset = self._offset, len(self._chunk)
        return self._chunk[start:]

    def _fill(self) -> bool:
        self._chunk = b"" if self._ended else self._expand()
        self._offset = 0
        self._ended = not self._chunk
        return not self._ended

    def _expand(self) -> bytes:
        while True:
            self._budget.check_time()
            data = b""
            if self._engine is None or self._engine.eof:
                data = self._engine.unused_data if self._engine else b""
                data = data or self._source.read(CHUNK_BYTES)
                if not data and self._frames:
                    return b""
                if self._frames and not self._compression.several_frames:
                    raise TrailingData(self._part, _SECOND_STREAM)
                self._engine = self._compression.decompressor()
                self._frames += 1
                self._frame_is_empty = True
            elif self._engine.needs_input:
                data = self._source.read(CHUNK_BYTES)
            if not data and self._engine.needs_input:
                raise TruncatedArchive(self._part)
            if expanded := self._step(self._engine, data):
                self._budget.spend(len(expanded))
                return expanded

    def _step(self, engine: Decompressor, data: bytes) -> bytes:
        try:
            expanded = engine.decompress(data, CHUNK_BYTES)
        except (OSError, ValueError, EOFError, zstd.ZstdError) as error:
            if self._frames > 1 and self._frame_is_empty:
                raise TrailingData(self._part, TrustedText("after its end")) from error
            raise CorruptArchive(self._part, TrustedText(error)) from error
        if expanded:
            self._frame_is_empty = False
        return expanded
