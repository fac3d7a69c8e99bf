"""The sources of answers' bytes: memory, files, and the text of compressed files.

Only small files are read into memory. `sendfile` copies others from the disk, and one buffer of
256 KiB from any other storage.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any, Protocol

from aiohttp.web import HTTPServiceUnavailable, Request, Response, StreamResponse

from pulp_conda.formats.compression import (
    HEADER_BYTES,
    Readable,
    decompressed,
    text_size,
    zstd,
)

_log = logging.getLogger(__name__)

_CHUNK_BYTES = 256 * 1024
_SMALL_BYTES = 64 * 1024
"""Files up to this size are read at once, and sent together with the head."""

_NOT_STORED = {"Cache-Control": "no-store"}


class ByteSource(Protocol):
    """The source of an answer's bytes."""

    has_ranges: bool
    """Whether it sends a part of its bytes."""
    is_measured: bool
    """Whether its size is known without reading it."""

    async def measured(self) -> int:
        """Return the number of its bytes.

        Raises:
            HTTPServiceUnavailable: it cannot be read.
        """

    async def send(
        self, request: Request, status: HTTPStatus, headers: dict[str, str], start: int, count: int
    ) -> StreamResponse:
        """Send `count` bytes from `start` on."""


class Bytes:
    """Bytes in memory."""

    has_ranges = True
    is_measured = True

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)

    async def measured(self) -> int:
        """Return the number of bytes."""
        return len(self._data)

    async def send(
        self, request: Request, status: HTTPStatus, headers: dict[str, str], start: int, count: int
    ) -> StreamResponse:
        """Send the bytes together with the head."""
        body = bytes(self._data[start : start + count])
        return Response(body=body, status=status, headers=headers)


class Opened(Readable, Protocol):
    """A file that was opened for reading."""

    def close(self) -> None:
        """Close it."""


class StoredBytes(ByteSource, Protocol):
    """A file of Pulp's storage."""

    name: str

    def opened(self, start: int, count: int) -> Opened:
        """Open it for reading `count` bytes from `start` on. Blocks.

        Raises:
            HTTPServiceUnavailable: the storage lost it.
        """


class FileOnDisk:
    """A file of Pulp's storage on a file system."""

    has_ranges = True
    is_measured = True

    def __init__(self, path: str, size: int) -> None:
        self.name = path
        self._size = size
        self._path = Path(path)

    async def measured(self) -> int:
        """Return the size that was saved."""
        return self._size

    async def send(
        self, request: Request, status: HTTPStatus, headers: dict[str, str], start: int, count: int
    ) -> StreamResponse:
        """Let the kernel copy the file to the connection; send a small file with the head."""
        if count <= _SMALL_BYTES:
            data = await asyncio.to_thread(self._read, start, count)
            return Response(body=data, status=status, headers=headers)
        file = await asyncio.to_thread(self.opened)
        try:
            return await _send_file(request, status, headers, file, start, count)
        finally:
            file.close()

    def _read(self, start: int, count: int) -> bytes:
        with self.opened(start) as file:
            return file.read(count)

    def opened(self, start: int = 0, count: int = 0) -> IO[bytes]:
        """Open the file at a position. Blocks."""
        try:
            file = self._path.open("rb")
        except OSError as error:
            raise unreadable(self._path, error) from error
        if file.seek(0, 2) != self._size:
            file.close()
            raise unreadable(self._path, "its size differs from the one that was saved")
        file.seek(start)
        return file


class FileInStorage:
    """A file of a storage that is not a file system."""

    has_ranges = True
    is_measured = True

    def __init__(self, storage: Any, name: str, size: int) -> None:
        self.name = name
        self._size = size
        self._storage = storage

    async def measured(self) -> int:
        """Return the size that was saved."""
        return self._size

    async def send(
        self, request: Request, status: HTTPStatus, headers: dict[str, str], start: int, count: int
    ) -> StreamResponse:
        """Copy the file to the connection in chunks."""
        with closing(await asyncio.to_thread(self.opened, start, count)) as file:
            return await _send(request, status, headers, file.read, count, self.name)

    def opened(self, start: int, count: int) -> Opened:
        """Request some bytes of the file. Blocks."""
        try:
            file = self._storage.open(self.name)
            # django-storages reads a whole file from S3 before it returns the first byte.
            if remote := getattr(file, "obj", None):
                span = f"bytes={start}-{start + count - 1}"
                body: Opened = remote.get(Range=span)["Body"]
                return body
            file.seek(start)
        except Exception as error:  # each storage raises errors of its own
            raise unreadable(self.name, error) from error
        opened: Opened = file
        return opened


class CompressedText:
    """The text of a compressed document, decompressed while it is sent.

    A position in it is found only by decompressing all before it, so it has no ranges.
    """

    has_ranges = False
    is_measured = True

    def __init__(self, file: StoredBytes) -> None:
        self._file = file

    async def measured(self) -> int:
        """Return the size that the head of the file states."""
        return await asyncio.to_thread(self._measured)

    def _measured(self) -> int:
        with closing(self._file.opened(0, HEADER_BYTES)) as file:
            try:
                return text_size(file.read(HEADER_BYTES))
            except zstd.ZstdError as error:
                raise unreadable(self._file.name, error) from error

    async def send(
        self, request: Request, status: HTTPStatus, headers: dict[str, str], start: int, count: int
    ) -> StreamResponse:
        """Decompress in a thread, in chunks."""
        size = await self._file.measured()
        opened = await asyncio.to_thread(self._file.opened, 0, size)
        with closing(opened) as file, decompressed(file) as text:
            try:
                first = await asyncio.to_thread(text.read, _CHUNK_BYTES)
            except (zstd.ZstdError, EOFError) as error:
                raise unreadable(self._file.name, error) from error
            chunks = iter([first])

            def read(size: int) -> bytes:
                return next(chunks, b"") or text.read(size)

            return await _send(request, status, headers, read, count, self._file.name)


async def _send(
    request: Request,
    status: HTTPStatus,
    headers: dict[str, str],
    read: Callable[[int], bytes],
    count: int,
    name: str,
) -> StreamResponse:
    """Send what `read` returns, in chunks that are read in a thread."""
    response = StreamResponse(status=status, headers=headers)
    response.content_length = count
    await response.prepare(request)
    try:
        while count and (chunk := await asyncio.to_thread(read, min(_CHUNK_BYTES, count))):
            await response.write(chunk)
            count -= len(chunk)
    except (zstd.ZstdError, EOFError) as error:
        _log.error("%s cannot be read: %s", name, error)
    if count:
        _log.error("%s ended %d bytes early", name, count)
        abort(request)
    await response.write_eof()
    return response


async def _send_file(
    request: Request,
    status: HTTPStatus,
    headers: dict[str, str],
    file: IO[bytes],
    start: int,
    count: int,
) -> StreamResponse:
    response = StreamResponse(status=status, headers=headers)
    await response.prepare(request)
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client is gone")
    loop = asyncio.get_running_loop()
    try:
        await loop.sendfile(transport, file, start, count)
    except NotImplementedError:  # uvloop
        await asyncio.to_thread(file.seek, start)
        while count and (chunk := await asyncio.to_thread(file.read, min(_CHUNK_BYTES, count))):
            await response.write(chunk)
            count -= len(chunk)
    await response.write_eof()
    return response


def abort(request: Request) -> None:
    """Break the connection: after the status, only that shows that the body is incomplete."""
    if request.transport is not None:
        request.transport.abort()


def unreadable(name: object, why: object) -> HTTPServiceUnavailable:
    """Return 503 for a file that the storage lost or cannot read, and log the reason."""
    _log.error("%s cannot be read: %s", name, why)
    text = "The file cannot be read from the server's storage; its administrator must repair it.\n"
    return HTTPServiceUnavailable(text=text, headers=_NOT_STORED)
