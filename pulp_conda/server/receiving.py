"""Receives the body of a request, within limits, and only after the API has accepted it.

The proxy asks the API by a request of its own (an upload check), which would slow down the upload
of a small package by a tenth. So small bodies are received into memory without a check, as long
as all of them together stay small; their views check them later. An unchecked body is never
written to the disk. The body of a client that waits for `100 Continue` is always checked first.
"""

import asyncio
import contextlib
import errno
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import IO

from aiohttp import HttpVersion11, web

from .failures import failure

_SMALL_BYTES = 256 * 1024
_UNCHECKED_BYTES = 8 * 1024 * 1024
_ALL_UNCHECKED_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_IDLE_SECONDS = 60.0

_UPLOADS = re.compile(r"(?:/t/[^/]+)?/api/(?:packages|channels|v1/upload|anaconda/staged)/")
_DOCUMENTS = re.compile(r"(?:/t/[^/]+)?/api/")
_DOCUMENT_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Allowance:
    """How long a body may be, and how much free space it must leave on the disk, in bytes."""

    limit: int
    reserve: int = 0


class Refused(Exception):
    """A body is refused; `response` is the answer."""

    def __init__(self, response: web.Response) -> None:
        # The rest of the body is not read, so the connection cannot be used again.
        response.force_close()
        super().__init__(response.status)
        self.response = response

    @classmethod
    def because(cls, status: int, message: str) -> "Refused":
        """Refuse with a status and a message of the proxy's own."""
        return cls(failure(status, message))


AskForAllowance = Callable[[], Awaitable[Allowance]]
"""Asks the API for the limits of a request's body; raises Refused."""


def is_upload(method: str, path: str) -> bool:
    """Tell whether a request sends a package by one of the native APIs."""
    return method in ("PUT", "POST") and _UPLOADS.match(path) is not None


def allowance_of(method: str, path: str, *, for_content_app: bool) -> Allowance | None:
    """Return the limits of a URL, None if only the API knows them."""
    if for_content_app:
        return Allowance(_SMALL_BYTES)
    if _DOCUMENTS.match(path) and not is_upload(method, path):
        return Allowance(_DOCUMENT_BYTES)
    return None


class Receiver:
    """Receives request bodies, and counts the memory of unchecked ones."""

    def __init__(self) -> None:
        self._unchecked = 0

    @contextlib.asynccontextmanager
    async def received(
        self, request: web.BaseRequest, allowance: Allowance | None, ask: AskForAllowance
    ) -> AsyncIterator[AsyncIterator[bytes] | None]:
        """Receive the whole body of a request and yield it, or None if there is no body.

        A large body is stored in a file in the working directory. If `allowance` is None, `ask`
        is called for it as soon as the body is too large to be received without a check.

        Raises:
            Refused: the body is refused, too long or malformed, or the client stopped sending.
            OSError: the disk is full, apart from the reserve.
        """
        if not request.body_exists:
            yield None
            return
        size = request.content_length or 0
        with self._memory() as claim, tempfile.SpooledTemporaryFile(dir=".") as body:
            expects = _expects_continue(request)
            if allowance is None and (expects or not claim(size)):
                allowance = await ask()
            _check_size(size, allowance)
            if expects:
                await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                request.writer.output_size = 0  # the answer itself has not begun
            size = 0
            async for chunk in _arriving(request):
                size += len(chunk)
                if allowance is None and not claim(size):
                    allowance = await ask()
                _check_size(size, allowance)
                if allowance is None or size <= _SMALL_BYTES:
                    body.write(chunk)
                else:
                    await asyncio.to_thread(_write_to_disk, body, chunk, allowance.reserve)
            body.seek(0)
            yield _chunks(body)

    @contextlib.contextmanager
    def _memory(self) -> Iterator[Callable[[int], bool]]:
        """Yield a function that claims memory for an unchecked body, and returns whether it could.

        Its argument is the size of the body so far, in bytes.
        """
        claimed = 0

        def claim(size: int) -> bool:
            nonlocal claimed
            more = max(0, size - _SMALL_BYTES - claimed)
            if size > _UNCHECKED_BYTES or (more and self._unchecked + more > _ALL_UNCHECKED_BYTES):
                return False
            claimed += more
            self._unchecked += more
            return True

        try:
            yield claim
        finally:
            self._unchecked -= claimed


def _check_size(size: int, allowance: Allowance | None) -> None:
    if allowance is not None and size > allowance.limit:
        message = f"the body has more than the {allowance.limit} bytes allowed here"
        raise Refused.because(413, message)


def _expects_continue(request: web.BaseRequest) -> bool:
    expected = request.headers.get("Expect", "")
    return expected.lower() == "100-continue" and request.version >= HttpVersion11


async def _arriving(request: web.BaseRequest) -> AsyncIterator[bytes]:
    while True:
        try:
            chunk = request.content.read_nowait()
            if not chunk and not request.content.at_eof():
                async with asyncio.timeout(_IDLE_SECONDS):
                    chunk = await request.content.readany()
        except TimeoutError:
            raise Refused.because(408, "the client stopped sending the body") from None
        except web.RequestPayloadError as error:
            raise Refused.because(400, "the body cannot be read") from error
        if not chunk:
            return
        yield chunk


def _write_to_disk(body: tempfile.SpooledTemporaryFile[bytes], chunk: bytes, reserve: int) -> None:
    if reserve and shutil.disk_usage(".").free - len(chunk) < reserve:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    body.rollover()  # does nothing the second time
    body.write(chunk)


async def _chunks(body: IO[bytes]) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(body.read, _CHUNK_BYTES):
        yield chunk
