"""The file in which a fetched file arrives, with many readers.

Its writer has it locked, so that other processes see at once that the writer is gone. Bytes are
only ever added. Each process that reads it computes the digest of all that it sends.
"""

import asyncio
import fcntl
import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Self
from uuid import uuid4

from django.conf import settings

from pulp_conda.app.channels.storage.disk_space import check_room
from pulp_conda.app.models import WRONG

from .failure import FetchFailed
from .wanted import WantedFile

HELD_BACK_BYTES = 64 * 1024
"""The last bytes of a file go out when its digest is right, so that no client has a wrong one."""
CHECKED_FIRST_BYTES = 1024**2
"""Files up to this size are checked before the first byte goes out."""
_CHUNK_BYTES = 1024**2
_FOLDER = "conda-fetch"
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC


def folder() -> Path:
    """Return the folder of all spools."""
    return Path(settings.WORKING_DIRECTORY) / _FOLDER


def new_name() -> str:
    """Return the name of a new spool."""
    return str(uuid4())


class DiskFailed(Exception):
    """The disk is full, or fails otherwise."""


class Spool:
    """A spool, as far as this process knows it."""

    def __init__(self, path: Path, descriptor: int, wanted: WantedFile) -> None:
        self.path = path
        self.arrived = 0
        """How many bytes are here, and counted in the digest."""
        self.is_whole = False
        self.was_read = False
        """Whether a client may have got some of its bytes."""
        self._descriptor = descriptor
        # Readers name positions, so that they can share it.
        self._file = open(descriptor, "rb", buffering=0, closefd=False)  # noqa: SIM115
        self._wanted = wanted
        self._hashers = {
            name: hashlib.new(name, usedforsecurity=False) for name in {"sha256", wanted.algorithm}
        }

    @classmethod
    def create(cls, name: str, wanted: WantedFile) -> Self:
        """Make a new spool, locked by this process. Blocks.

        Raises:
            DiskFailed: the disk has no room for the file.
        """
        try:
            folder().mkdir(exist_ok=True)
            check_room(wanted.size or 0)
            descriptor = _new_file(folder() / name)
        except OSError as error:
            raise DiskFailed(str(error)) from error
        return cls(folder() / name, descriptor, wanted)

    @classmethod
    def find(cls, name: str, wanted: WantedFile) -> Self | None:
        """Open the spool of another fetch; None if this host does not have it. Blocks."""
        path = folder() / name
        try:
            return cls(path, os.open(path, _FLAGS), wanted) if name else None
        except OSError:
            return None

    def lock(self) -> bool:
        """Become the writer; return False if there is one."""
        return lock(self._descriptor)

    def move(self, name: str) -> None:
        """Copy what has arrived into a new file, and go on with that. Blocks.

        The writer of the old file has lost its lease, and may still add to it.

        Raises:
            DiskFailed: the disk has no room for the file.
        """
        try:
            check_room(self._wanted.size or self.arrived)
            target = _new_file(folder() / name)
            try:
                _copy(self._descriptor, target, self.arrived)
                # Readers know the number, which is that of the new file from now on.
                os.dup2(target, self._descriptor)
            finally:
                os.close(target)
        except OSError as error:
            raise DiskFailed(str(error)) from error
        self.path = folder() / name

    @property
    def readable(self) -> int:
        """How many bytes may go out."""
        size = self._wanted.size
        if self.is_whole:
            return self.arrived
        if size is None or size <= CHECKED_FIRST_BYTES:
            return 0
        return max(0, min(self.arrived, size - HELD_BACK_BYTES))

    @property
    def sha256(self) -> str:
        """The digest of all that is here."""
        return self._hashers["sha256"].hexdigest()

    async def append(self, data: bytes) -> None:
        """Add bytes.

        Raises:
            FetchFailed: the file is longer than its record says.
            DiskFailed: the disk is full.
        """
        size = self._wanted.size
        if size is not None and self.arrived + len(data) > size:
            raise FetchFailed(WRONG, f"{self._wanted.path} is longer than {size} bytes")
        try:
            await asyncio.to_thread(self._append, data)
        except OSError as error:
            raise DiskFailed(str(error)) from error
        self.arrived += len(data)

    def _append(self, data: bytes) -> None:
        if self._wanted.size is None:
            check_room(len(data))
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]
        self._count(data)

    async def catch_up(self) -> bool:
        """Count bytes that another process added; return whether there were some."""
        data = await asyncio.to_thread(os.pread, self._descriptor, _CHUNK_BYTES, self.arrived)
        if data:
            await asyncio.to_thread(self._count, data)
            self.arrived += len(data)
        return bool(data)

    def _count(self, data: bytes) -> None:
        for hasher in self._hashers.values():
            hasher.update(data)

    def is_right(self) -> bool:
        """Return whether all is here, with the right digest."""
        wanted = self._wanted
        found = self._hashers[wanted.algorithm].hexdigest()
        return wanted.size in (None, self.arrived) and found == wanted.digest

    def check(self) -> None:
        """Let all bytes go out if the file is right.

        Raises:
            FetchFailed: it is not.
        """
        wanted = self._wanted
        if not self.is_right():
            found = self._hashers[wanted.algorithm].hexdigest()
            raise FetchFailed(
                WRONG,
                f"{wanted.path} has {self.arrived} bytes and the {wanted.algorithm} {found},"
                f" its record says {wanted.size or 'nothing of its size'} and {wanted.digest}",
            )
        self.is_whole = True

    async def send(self, transport: asyncio.Transport, position: int, count: int) -> int:
        """Let the kernel copy bytes that are here to a connection; return how many it copied.

        Raises:
            ConnectionError: the client left.
            NotImplementedError, RuntimeError: the connection needs `read`.
        """
        self.was_read = True
        loop = asyncio.get_running_loop()
        return await loop.sendfile(transport, self._file, position, count, fallback=False)

    async def read(self, position: int, count: int) -> bytes:
        """Read bytes that are here."""
        self.was_read = True
        return await asyncio.to_thread(os.pread, self._descriptor, count, position)

    def remove(self) -> None:
        """Delete the file. Who has it open may read on."""
        with suppress(OSError):
            self.path.unlink()

    def close(self) -> None:
        """Close the file, and give up its lock."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _new_file(path: Path) -> int:
    """Make a file that is locked from the moment at which others can see it."""
    made = path.with_suffix(".new")
    descriptor = os.open(made, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
    lock(descriptor)
    made.rename(path)
    return descriptor


def lock(descriptor: int) -> bool:
    """Lock a file for its writer; return False if another process has it locked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _copy(source: int, target: int, size: int) -> None:
    position = 0
    while chunk := os.pread(source, min(_CHUNK_BYTES, size - position), position):
        os.write(target, chunk)
        position += len(chunk)
