"""How many of a machine's processes may do something at once that takes a whole processor."""

import fcntl
import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_PATIENCE_SECONDS = 15.0
_POLL_SECONDS = 0.02
_REFUSALS, _LATELY_SECONDS = 3, 60.0


class NoSlot(Exception):
    """No slot became free in time."""


class Slots:
    """Holds of which there are `count` on a machine, and one more for what has earned it.

    A slot is a locked file of a folder that the processes share, so it is free again when its
    process dies.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._files = [folder / f"conda-password-check-{number}" for number in range(count)]
        self._reserved = folder / "conda-password-check-reserved"
        self._refusals: deque[float] = deque(maxlen=_REFUSALS)
        self.patient = False
        """Whether this process waits at any time: for one whose other work goes on meanwhile."""

    def note_refusal(self, **_: Any) -> None:
        """Take note that what was done in a slot was for nothing."""
        self._refusals.append(time.monotonic())

    @contextmanager
    def taken(self, *, reserved: bool = False) -> Iterator[None]:
        """Hold a slot, if need be the reserved one.

        Raises:
            NoSlot: there was none in time; after some refusals in a row that is at once. A server
                has few processes that take one request at a time, and one that waits does
                nothing else.
        """
        patience = 0 if self._is_in_vain() and not self.patient else _PATIENCE_SECONDS
        deadline = time.monotonic() + patience
        files = [self._reserved, *self._files] if reserved else self._files
        while (slot := _first_free(files)) is None:
            if time.monotonic() >= deadline:
                raise NoSlot
            time.sleep(_POLL_SECONDS)
        try:
            yield
        finally:
            os.close(slot)

    def _is_in_vain(self) -> bool:
        since = time.monotonic() - _LATELY_SECONDS
        return len(self._refusals) == _REFUSALS and self._refusals[0] > since


def _first_free(files: Sequence[Path]) -> int | None:
    """Return the descriptor of a file that is locked now, None if others have locked them all."""
    for file in files:
        try:
            # Not for writing, for another of the machine's users may have made the file.
            descriptor = os.open(file, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError:  # better no bound than that nobody can sign in
            return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            return descriptor
    return None
