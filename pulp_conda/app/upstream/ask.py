"""Ask an upstream: GET with the credentials, connections and manners that a remote says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

from aiohttp import (
    ClientOSError,
    ClientPayloadError,
    ClientResponse,
    ServerConnectionError,
    hdrs,
)
from multidict import CIMultiDict
from yarl import URL

from pulp_conda.app.models import CondaRemote

from .bodies import Pace, chunks, whole
from .breaker import Breaker, breaker_of
from .credentials import Credentials
from .errors import Absent, Busy, Forbidden, Refused, Unavailable, Untrusted, UpstreamError
from .failures import check_status, named, named_error
from .retry_after import backoff
from .session import new_session, own_tls
from .urls import checked

_MOST_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)

_BODY_ERRORS = (ClientPayloadError, ServerConnectionError, ClientOSError)
"""What aiohttp raises while a body is read, and in no other place."""

_T = TypeVar("_T")


class Answer(NamedTuple):
    """An answer with its whole body: 200, or the 206, 304 or 416 that was asked for."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    """The URL that was asked, before redirects, as it may be stored and shown."""


class Upstream:
    """Requests to one remote, within one event loop.

    `patience` is the time in seconds that one request may spend on repeating itself while the
    upstream is unavailable; 0 asks once. No request is repeated after its body was given to the
    caller. URLs are given without secrets, which are added here.
    """

    def __init__(
        self, remote: CondaRemote, *, patience: float = 0, pace: Pace | None = None
    ) -> None:
        self._remote = remote
        self._patience = patience
        self._pace = pace or Pace()
        self._credentials = Credentials.of(remote)
        self._concurrency = remote.download_concurrency or remote.DEFAULT_DOWNLOAD_CONCURRENCY

    async def __aenter__(self) -> Self:
        self._free = asyncio.Semaphore(self._concurrency)
        self._own_tls = own_tls(self._remote)
        self._session = new_session(self._remote, self._concurrency)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    def shown(self, url: str | URL) -> str:
        """Return a URL as it may be stored and shown: without secrets, query and fragment."""
        return self._credentials.shown(url)

    async def get(
        self,
        url: str,
        *,
        limit: int,
        headers: Mapping[str, str] | None = None,
        optional: bool = False,
    ) -> Answer:
        """Return the answer to a GET, with a body of at most `limit` bytes.

        Of an `optional` file, 403 and 501 mean that it is absent.

        Raises:
            UpstreamError: the file could not be had.
        """

        async def once() -> Answer:
            async with self._answered(url, headers or {}, optional) as response:
                body = await whole(response, self.shown(url), self._pace, limit)
                return Answer(response.status, response.headers, body, self.shown(url))

        return await self._patiently(once)

    @asynccontextmanager
    async def stream(
        self, url: str, *, headers: Mapping[str, str] | None = None, optional: bool = False
    ) -> AsyncIterator[ClientResponse]:
        """Give the answer to a GET, whose body the caller reads (see `chunks`).

        Of an `optional` file, 403 and 501 mean that it is absent. Errors of the connection get
        their names here, also while the body is read.

        Raises:
            UpstreamError: the file could not be had.
        """
        async with AsyncExitStack() as stack:

            async def once() -> ClientResponse:
                answered = self._answered(url, headers or {}, optional)
                return await stack.enter_async_context(answered)

            yield await self._patiently(once)

    def chunks(self, response: ClientResponse) -> AsyncIterator[bytes]:
        """Yield the body of a streamed answer.

        Raises:
            Unavailable: it comes too slowly.
        """
        return chunks(response, self.shown(response.url), self._pace)

    async def _patiently(self, ask: Callable[[], Awaitable[_T]]) -> _T:
        loop = asyncio.get_running_loop()
        deadline, failures = loop.time() + self._patience, 0
        retries = self._remote.max_retries
        most = self._remote.DEFAULT_MAX_RETRIES if retries is None else retries
        while True:
            try:
                return await ask()
            except Untrusted:
                raise
            except Unavailable as error:
                failures += 1
                pause = backoff(failures) if error.retry_after is None else error.retry_after
                if failures > most or loop.time() + pause > deadline:
                    raise
            await asyncio.sleep(pause)

    @asynccontextmanager
    async def _answered(
        self, url: str, headers: Mapping[str, str], optional: bool
    ) -> AsyncIterator[ClientResponse]:
        target = checked(url)
        shown = self.shown(target)
        if self._credentials.need_tls and target.scheme != "https":
            raise Forbidden(f"{shown} is not asked without TLS, since the remote's url has it.")
        async with self._free:
            breaker = breaker_of(self._remote.pulp_id, str(target.origin()))
            began = breaker.enter()
            try:
                with named(shown):
                    response = await self._followed(target, headers)
                async with response:
                    asked, status = set(headers), response.status
                    check_status(status, response.headers, asked, shown, optional=optional)
                    breaker.succeeded()
                    yield response
            except _BODY_ERRORS as error:
                breaker.failed(began)
                raise named_error(error, shown) from None
            except UpstreamError as error:
                _note(breaker, began, error)
                raise

    async def _followed(self, target: URL, headers: Mapping[str, str]) -> ClientResponse:
        """Return the answer at the end of all redirects."""
        target = self._credentials.added_to(target)
        for _ in range(_MOST_REDIRECTS + 1):
            response = await self._sent(target, headers)
            if response.status not in _REDIRECTS:
                return response
            location = response.headers.get(hdrs.LOCATION, "")
            response.release()
            target = self._redirected(target, location)
        raise Forbidden(f"{self.shown(target)} is redirected more than {_MOST_REDIRECTS} times.")

    def _redirected(self, asked: URL, location: str) -> URL:
        try:
            target = checked(asked.join(URL(location, encoded=True)))
        except ValueError:
            raise Forbidden(f"{self.shown(asked)} is redirected to no valid URL.") from None
        if asked.scheme == "https" and target.scheme != "https":
            raise Forbidden(f"{self.shown(asked)} is redirected from https to http.")
        if self._credentials.leak_by(target):
            raise Forbidden(f"{self.shown(asked)} is redirected to a host that may not be told it.")
        return target

    async def _sent(self, target: URL, headers: Mapping[str, str]) -> ClientResponse:
        if self._remote.rate_limit:
            await self._remote.download_throttler.acquire()
        sent = CIMultiDict[str]()
        is_own = self._credentials.belong_to(target)
        if is_own:
            sent.extend(self._credentials.headers)
        sent.update(headers)
        return await self._session.get(
            target, headers=sent, allow_redirects=False, ssl=self._own_tls if is_own else True
        )


def _note(breaker: Breaker, began: float, error: UpstreamError) -> None:
    """Tell a breaker how a request failed. That a file is absent or refused is an answer."""
    if isinstance(error, Busy):
        error.retry_after = breaker.told_to_wait(began, error.retry_after)
    elif isinstance(error, Unavailable):
        breaker.failed(began)
    elif isinstance(error, Absent | Refused):
        breaker.succeeded()
