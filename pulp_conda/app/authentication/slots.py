"""A limit, across the processes of a machine, on work that occupies a whole processor."""

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
_REFUSALS, _RECENT_SECONDS = 3, 60.0


class NoSlot(Exception):
    """No slot became free in time."""


class Slots:
    """`count` slots for a machine's processes, and one more that is reserved.

    A slot is a lock on a file in a folder that the processes share. So the slot of a process that
    dies becomes free.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self._files = [folder / f"conda-password-check-{number}" for number in range(count)]
        self._reserved = folder / "conda-password-check-reserved"
        self._refusals: deque[float] = deque(maxlen=_REFUSALS)
        self.patient = False
        """Whether this process always waits, since its other work continues meanwhile."""

    def note_refusal(self, **_: Any) -> None:
        """Count work in a slot that led to a refusal."""
        self._refusals.append(time.monotonic())

    @contextmanager
    def taken(self, *, reserved: bool = False) -> Iterator[None]:
        """Hold a slot; with `reserved`, the reserved one may be taken too.

        Raises:
            NoSlot: no slot became free in time. After several refusals in a row an impatient
                process does not wait at all: it takes one request at a time, there are few of
                them, and a process that waits does nothing else.
        """
        patience = 0 if self._was_refused_often() and not self.patient else _PATIENCE_SECONDS
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

    def _was_refused_often(self) -> bool:
        since = time.monotonic() - _RECENT_SECONDS
        return len(self._refusals) == _REFUSALS and self._refusals[0] > since


def _first_free(files: Sequence[Path]) -> int | None:
    """Lock the first file that is free and return its descriptor, None if no file is free."""
    for file in files:
        try:
            # Read-only, because another user of the machine may have made the file.
            descriptor = os.open(file, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError:  # without the folder there is no limit, but users can sign in
            return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            return descriptor
    return None
