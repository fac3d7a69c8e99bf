"""Read a file from an upstream into a spool, and go on where an answer broke off."""

import asyncio
import random
import re
from collections.abc import Callable, Mapping
from datetime import timedelta

from aiohttp import ClientResponse

from pulp_conda.app.models import ABSENT, BUSY, REFUSED, UNAVAILABLE, WRONG
from pulp_conda.app.upstream import (
    Absent,
    Busy,
    LeftAlone,
    Refused,
    Unavailable,
    Upstream,
    UpstreamError,
)

from .failure import FetchFailed
from .spool import Spool

_TRIES = 4
"""How often a request may break off without progress."""
_PROGRESS_BYTES = 1024**2
_PAUSE_SECONDS = 0.25
"""Before the first request that goes on; doubled before each further one."""
_LONGEST_PAUSE_SECONDS = 10
"""Clients that have a part of the file do not wait longer than this for the rest."""
_OK, _PARTIAL = 200, 206
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", re.ASCII)


class Transfer:
    """Reads one file from one upstream."""

    def __init__(self, url: str, size: int | None, spool: Spool, validator: str) -> None:
        self.spool = spool
        self._url = url
        self._size = size
        self.validator = validator
        """The upstream's, for the bytes that are here."""

    async def run(self, upstream: Upstream, added: Callable[[], object]) -> None:
        """Read until the upstream's file ends; call `added` whenever bytes have come.

        Raises:
            FetchFailed: the file cannot be had, or is another one.
            DiskFailed: the spool cannot be written.
        """
        failures, begun = 0, self.spool.arrived
        while not self._is_complete():
            try:
                await self._part(upstream, added)
            except UpstreamError as error:
                if self.spool.arrived - begun >= _PROGRESS_BYTES:
                    failures, begun = 0, self.spool.arrived
                failures += 1
                await _pause(error, failures, has_begun=self.spool.arrived > 0)

    def _is_complete(self) -> bool:
        return self._size is not None and self.spool.arrived == self._size

    async def _part(self, upstream: Upstream, added: Callable[[], object]) -> None:
        here = self.spool.arrived
        async with upstream.stream(self._url, headers=self._conditions()) as response:
            skipped = self._check_head(response, here)
            async for chunk in upstream.chunks(response):
                data, skipped = chunk[skipped:], max(0, skipped - len(chunk))
                if data:
                    await self.spool.append(data)
                    added()
        if self._size is None:
            self._size = self.spool.arrived
        if not self._is_complete():
            raise Unavailable("The upstream's answer ended early.")

    def _conditions(self) -> dict[str, str]:
        if not self.spool.arrived:
            return {}
        # Without a validator, the digest shows whether both parts are of one file.
        condition = {"If-Range": self.validator} if self.validator else {}
        return {"Range": f"bytes={self.spool.arrived}-", **condition}

    def _check_head(self, response: ClientResponse, here: int) -> int:
        """Return how many bytes of the body are here already.

        Bytes may have gone out, so an upstream that sends the whole file again cannot change them:
        if they differ, the digest is wrong.
        """
        if "Content-Encoding" in response.headers:
            raise FetchFailed(WRONG, f"{self._url} is answered with an encoded body")
        if response.status == _OK:
            self._check_size(response.content_length)
            self.validator = _validator(response.headers)
            return here
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if response.status != _PARTIAL or found is None or int(found[1]) != here:
            raise FetchFailed(WRONG, f"{self._url} has no byte {here}, or sends another one")
        self._check_size(None if found[2] == "*" else int(found[2]))
        return 0

    def _check_size(self, size: int | None) -> None:
        if None not in (size, self._size) and size != self._size:
            raise FetchFailed(WRONG, f"{self._url} has {size} bytes, its record says {self._size}")


async def _pause(error: UpstreamError, failures: int, *, has_begun: bool) -> None:
    """Wait before the next request.

    Raises:
        FetchFailed: there is nothing to wait for.
    """
    told = error.retry_after if isinstance(error, Unavailable) else None
    seconds = _PAUSE_SECONDS * 2**failures * random.uniform(0.5, 1) if told is None else told  # noqa: S311
    repeatable = isinstance(error, Unavailable) and has_begun
    if not repeatable or failures >= _TRIES or seconds > _LONGEST_PAUSE_SECONDS:
        raise _failure(error, told) from error
    await asyncio.sleep(seconds)


def _failure(error: UpstreamError, told: float | None) -> FetchFailed:
    if isinstance(error, Absent):
        return FetchFailed(ABSENT, str(error))
    if isinstance(error, Refused):
        return FetchFailed(REFUSED, str(error))
    pause = None if told is None else timedelta(seconds=told)
    status = BUSY if isinstance(error, Busy) else UNAVAILABLE
    # Another process may still ask a host that this one leaves alone.
    return FetchFailed(status, str(error), pause, is_of_file=not isinstance(error, LeftAlone))


def _validator(headers: Mapping[str, str]) -> str:
    """Return what `If-Range` may name: a strong ETag, or else a date (RFC 9110, 13.1.5)."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified", "")
