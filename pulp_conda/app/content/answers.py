"""HTTP answers of the content app, by the same rules for files, shards and rendered pages.

Only small files are read into memory. `sendfile` copies others from the disk, and one buffer of
256 KiB from any other storage.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any, Protocol

from aiohttp.web import HTTPFound, HTTPServiceUnavailable, Request, Response, StreamResponse

from pulp_conda.app.core.serving import count_bytes, storage_parameters
from pulp_conda.app.preconditions import Validators, Verdict, precondition, verdict
from pulp_conda.formats.layout import FileKind

_log = logging.getLogger(__name__)

_CHUNK_BYTES = 256 * 1024
_SMALL_BYTES = 64 * 1024
"""Files up to this size are read at once, and sent together with the head."""

_NOT_STORED = {"Cache-Control": "no-store"}
_S3 = ("storages.backends.s3.S3Storage", "storages.backends.s3boto3.S3Boto3Storage")


class ByteSource(Protocol):
    """The source of an answer's bytes."""

    size: int

    async def send(
        self, request: Request, status: HTTPStatus, headers: dict[str, str], start: int, count: int
    ) -> StreamResponse:
        """Send `count` bytes from `start` on."""


@dataclass(frozen=True, slots=True)
class Representation:
    """What a URL names, with everything that its answer says about it."""

    kind: FileKind
    content_type: str
    cache_control: str
    validators: Validators
    body: ByteSource
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers, besides those that follow from the other fields."""


class Bytes:
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self.size = len(data)
        self._data = memoryview(data)

    async def send(
        self, request: Request, status: HTTPStatus, headers: dict[str, str], start: int, count: int
    ) -> StreamResponse:
        """Send the bytes together with the head."""
        body = bytes(self._data[start : start + count])
        return Response(body=body, status=status, headers=headers)


class FileOnDisk:
    """A file of Pulp's storage on a file system."""

    def __init__(self, path: str, size: int) -> None:
        self.size = size
        self._path = Path(path)

    async def send(
        self, request: Request, status: HTTPStatus, headers: dict[str, str], start: int, count: int
    ) -> StreamResponse:
        """Let the kernel copy the file to the connection; send a small file with the head."""
        if count <= _SMALL_BYTES:
            data = await asyncio.to_thread(self._read, start, count)
            return Response(body=data, status=status, headers=headers)
        file = await asyncio.to_thread(self._opened)
        try:
            return await _send_file(request, status, headers, file, start, count)
        finally:
            file.close()

    def _read(self, start: int, count: int) -> bytes:
        with self._opened() as file:
            file.seek(start)
            return file.read(count)

    def _opened(self) -> IO[bytes]:
        try:
            file = self._path.open("rb")
        except OSError as error:
            raise unreadable(self._path, error) from error
        if file.seek(0, 2) != self.size:
            file.close()
            raise unreadable(self._path, "its size differs from the one that was saved")
        return file


class FileInStorage:
    """A file of a storage that is not a file system."""

    def __init__(self, storage: Any, name: str, size: int) -> None:
        self.size = size
        self._storage = storage
        self._name = name

    async def send(
        self, request: Request, status: HTTPStatus, headers: dict[str, str], start: int, count: int
    ) -> StreamResponse:
        """Copy the file to the connection in chunks."""
        read = await asyncio.to_thread(self._reader, start, count)
        response = StreamResponse(status=status, headers=headers)
        response.content_length = count
        await response.prepare(request)
        while count and (chunk := await asyncio.to_thread(read, min(_CHUNK_BYTES, count))):
            await response.write(chunk)
            count -= len(chunk)
        if count:
            _log.error("%s ended %d bytes early", self._name, count)
            _abort(request)
        await response.write_eof()
        return response

    def _reader(self, start: int, count: int) -> Callable[[int], bytes]:
        try:
            file = self._storage.open(self._name)
            # django-storages reads a whole file from S3 before it returns the first byte.
            if remote := getattr(file, "obj", None):
                span = f"bytes={start}-{start + count - 1}"
                return remote.get(Range=span)["Body"].read
            file.seek(start)
        except Exception as error:  # each storage raises errors of its own
            raise unreadable(self._name, error) from error
        return file.read


async def answer(request: Request, representation: Representation) -> StreamResponse:
    """Answer a GET or a HEAD."""
    decided = verdict(
        request.method, request.headers, representation.validators, representation.body.size
    )
    if decided.status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        return _without_body(decided.status, representation)
    headers = _headers(representation, decided)
    if request.method == "HEAD":
        return Response(status=decided.status, headers=headers)
    if representation.kind is not FileKind.SHARD:
        count_bytes(decided.count)
    return await representation.body.send(
        request, decided.status, headers, decided.start, decided.count
    )


def bodyless(request: Request, representation: Representation) -> StreamResponse | None:
    """Return 304 or 412 if the request's conditions decide on that, else None."""
    status = precondition(request.headers, representation.validators)
    return _without_body(status, representation) if status else None


def redirect(
    request: Request, representation: Representation, domain: Any, name: str, filename: str
) -> HTTPFound:
    """Return a redirect to a file in an object storage, which sends the headers that we would."""
    wanted = {
        "Content-Type": representation.content_type,
        "Cache-Control": representation.cache_control,
        "Content-Disposition": f"attachment;filename={filename}",
    }
    parameters = storage_parameters(domain, wanted)
    arguments = {"http_method": request.method} if domain.storage_class in _S3 else {}
    url = domain.get_storage().url(name, parameters=parameters, **arguments)
    # The URL is signed and expires soon.
    return HTTPFound(url, headers={**_NOT_STORED, "ETag": representation.validators.etag})


def _headers(representation: Representation, decided: Verdict) -> dict[str, str]:
    headers = _identity(representation)
    headers["Content-Type"] = representation.content_type
    headers["Content-Length"] = str(decided.count)
    headers["Accept-Ranges"] = "bytes"
    headers["X-Content-Type-Options"] = "nosniff"
    headers.update(representation.headers)
    if decided.status is HTTPStatus.PARTIAL_CONTENT:
        last = decided.start + decided.count - 1
        headers["Content-Range"] = f"bytes {decided.start}-{last}/{representation.body.size}"
    return headers


def _identity(representation: Representation) -> dict[str, str]:
    headers = {
        "ETag": representation.validators.etag,
        "Cache-Control": representation.cache_control,
    }
    if representation.validators.last_modified:
        headers["Last-Modified"] = representation.validators.last_modified
    return headers


def _without_body(status: HTTPStatus, representation: Representation) -> Response:
    if status is HTTPStatus.NOT_MODIFIED:
        return Response(status=status, headers=_identity(representation))
    headers = {**_NOT_STORED, "ETag": representation.validators.etag}
    if status is HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        headers["Content-Range"] = f"bytes */{representation.body.size}"
    return Response(status=status, headers=headers)


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


def _abort(request: Request) -> None:
    """Break the connection: after the status, only that shows that the body is incomplete."""
    if request.transport is not None:
        request.transport.abort()


def unreadable(name: object, why: object) -> HTTPServiceUnavailable:
    """Return 503 for a file that the storage lost or cannot read, and log the reason."""
    _log.error("%s cannot be read: %s", name, why)
    text = "The file cannot be read from the server's storage; its administrator must repair it.\n"
    return HTTPServiceUnavailable(text=text, headers=_NOT_STORED)
