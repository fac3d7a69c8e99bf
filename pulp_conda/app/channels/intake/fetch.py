"""Fetch a package from a URL that a user gives.

The URL may lead anywhere, and the server can reach machines and services that its users cannot. So
it connects to public addresses only, sends nothing about its users, reads no more bytes than a
package may have, and reports every failure in the same words.
"""

import asyncio
import logging
import socket
import tempfile
from typing import IO, Any

from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from django.conf import settings

from pulp_conda.app.channels.storage.disk_space import check_room
from pulp_conda.app.exceptions import FetchError
from pulp_conda.app.networks import may_be_fetched_from

_log = logging.getLogger(__name__)

_TIMEOUT = ClientTimeout(total=3600, sock_connect=10, sock_read=60)
_MOST_REDIRECTS = 5
_CHUNK_BYTES = 256 * 1024


class _TooLarge(Exception):
    """The answer has more bytes than a package may have."""


def fetch(url: str) -> IO[bytes]:
    """Download a URL into a file in the task's own folder; return the file, open at its beginning.

    Raises:
        FetchError: the URL cannot be fetched, or is not allowed.
    """
    file = tempfile.NamedTemporaryFile(dir=".", delete=False)  # noqa: SIM115 (the caller closes)
    try:
        asyncio.run(_fetch(url, file))
    except (ClientError, OSError, ValueError, TimeoutError, _TooLarge) as error:
        file.close()
        _log.warning("%s could not be fetched: %r", url, error)
        raise FetchError from error
    file.seek(0)
    return file


async def _fetch(url: str, file: IO[bytes]) -> None:
    async with (
        # The address of each connection is checked, also after a redirect. Checking the name would
        # not be enough, because it may have another address the next time it is looked up.
        ClientSession(
            connector=TCPConnector(socket_factory=_socket),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            timeout=_TIMEOUT,
        ) as session,
        session.get(
            url, headers={"Accept-Encoding": "identity"}, max_redirects=_MOST_REDIRECTS
        ) as answer,
    ):
        answer.raise_for_status()
        await _copy(answer, file)


async def _copy(answer: ClientResponse, file: IO[bytes]) -> None:
    limit = settings.CONDA_MAX_PACKAGE_BYTES
    size = answer.content_length or 0
    if size > limit:
        raise _TooLarge(f"{size} bytes are more than a package may have")
    size = 0
    async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
        size += len(chunk)
        if size > limit:
            raise _TooLarge(f"more than {limit} bytes came")
        check_room(len(chunk))
        file.write(chunk)


def _socket(address: Any) -> socket.socket:
    """Return a socket for the address of a name (aiohttp's `SocketFactoryType`)."""
    family, kind, protocol, _, target = address
    if not may_be_fetched_from(target[0], settings.CONDA_FILE_URL_NETWORKS):
        raise PermissionError(f"{target[0]} is no public address")
    return socket.socket(family, kind, protocol)
