"""The bytes of a package whose file is not here, as the source of an answer."""

from collections.abc import Callable
from http import HTTPStatus

from aiohttp.web import Request, StreamResponse

from pulp_conda.app.channels.transfer.failure import FetchFailed
from pulp_conda.app.channels.transfer.spool import Spool
from pulp_conda.app.channels.transfer.wanted import WantedFile
from pulp_conda.app.content.database import ask
from pulp_conda.app.content.sources import StoredBytes, abort

from .arrival import ClientGone
from .failures import http_error
from .fetches import Fetch

_CHUNK_BYTES = 1024**2

InStorage = Callable[[str, int], StoredBytes]
"""Returns the bytes of a file of the storage, by its name and size."""


class UpstreamBytes:
    """A file that is fetched when its bytes are sent. A HEAD and a 304 fetch nothing."""

    def __init__(self, wanted: WantedFile, in_storage: InStorage) -> None:
        self.is_measured = wanted.size is not None
        self.has_ranges = self.is_measured
        self._wanted = wanted
        self._in_storage = in_storage
        self._fetch: Fetch | None = None

    async def measured(self) -> int:
        """Return the size that the record says, or else that of the file, after its fetch.

        Raises:
            HTTPException: the file cannot be had.
        """
        if self._wanted.size is not None:
            return self._wanted.size
        self._fetch = Fetch.of(self._wanted)
        try:
            return await self._fetch.arrival.measured()
        except BaseException as error:
            self._fetch.leave()
            if isinstance(error, FetchFailed):
                raise http_error(error) from error
            raise

    async def send(
        self, request: Request, status: HTTPStatus, headers: dict[str, str], start: int, count: int
    ) -> StreamResponse:
        """Send what comes. The head waits for the first byte, a range for the fetch to reach it.

        Raises:
            HTTPException: the file cannot be had, and nothing was sent.
        """
        fetch, self._fetch = self._fetch or Fetch.of(self._wanted), None
        try:
            await fetch.arrival.readable(start, lambda: _is_gone(request))
            if fetch.arrival.stored:
                file = await ask(self._in_storage, *fetch.arrival.stored)
                return await file.send(request, status, headers, start, count)
            return await _send(request, status, headers, fetch, start, start + count)
        except FetchFailed as failure:
            raise http_error(failure) from failure
        except ClientGone:
            raise ConnectionResetError("the client is gone") from None
        finally:
            fetch.leave()


async def _send(
    request: Request,
    status: HTTPStatus,
    headers: dict[str, str],
    fetch: Fetch,
    position: int,
    end: int,
) -> StreamResponse:
    response = StreamResponse(status=status, headers=headers)
    await response.prepare(request)
    arrival = fetch.arrival
    try:
        while position < end:
            limit = min(end, await arrival.readable(position, lambda: _is_gone(request)))
            if arrival.spool is None:  # it was dropped, for that of another upstream
                continue
            count = min(limit - position, _CHUNK_BYTES)
            position += await _pass_on(request, response, arrival.spool, position, count)
    except (FetchFailed, ClientGone):
        pass
    if position < end:
        abort(request)  # after the head, only that shows that the file is incomplete
    await response.write_eof()
    return response


async def _pass_on(
    request: Request, response: StreamResponse, spool: Spool, position: int, count: int
) -> int:
    """Send bytes of a spool; return how many."""
    if request.transport is None:
        raise ConnectionResetError("the client is gone")
    try:
        return await spool.send(request.transport, position, count)
    except (NotImplementedError, RuntimeError):  # TLS, or uvloop
        chunk = await spool.read(position, count)
        await response.write(chunk)
        return len(chunk)


def _is_gone(request: Request) -> bool:
    return request.transport is None or request.transport.is_closing()
