"""Connections to upstreams, which the fetches of a process share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from pulp_conda.app.channels.transfer.failure import FetchFailed
from pulp_conda.app.content.database import ask
from pulp_conda.app.models import UNAVAILABLE, CondaRemote
from pulp_conda.app.upstream import Upstream, UpstreamError

_IDLE_SECONDS = 30
"""How long connections that nobody uses are kept."""


@dataclass
class _Shared:
    upstream: Upstream
    users: int = 0


_open: dict[tuple[UUID, str], _Shared] = {}
"""By the remote and its state: who changed a remote does not want its old credentials sent."""


@asynccontextmanager
async def upstream_of(remote: UUID) -> AsyncIterator[Upstream]:
    """Give the connections to a remote.

    Raises:
        FetchFailed: the remote was deleted, or its certificates cannot be read.
    """
    row = await ask(CondaRemote.objects.filter(pk=remote).first)
    if row is None:
        raise FetchFailed(UNAVAILABLE, "the remote was deleted")
    key = (remote, str(row.pulp_last_updated))
    if key not in _open:
        try:
            _open[key] = _Shared(await Upstream(row).__aenter__())
        except UpstreamError as error:
            raise FetchFailed(UNAVAILABLE, str(error)) from error
    shared = _open[key]
    shared.users += 1
    try:
        yield shared.upstream
    finally:
        shared.users -= 1
        if not shared.users:
            asyncio.get_running_loop().call_later(_IDLE_SECONDS, _close_if_idle, key)


def _close_if_idle(key: tuple[UUID, str]) -> None:
    shared = _open.get(key)
    if shared and not shared.users:
        del _open[key]
        _closing.add(task := asyncio.ensure_future(shared.upstream.__aexit__(None, None, None)))
        task.add_done_callback(_closing.discard)


_closing: set[asyncio.Future[None]] = set()


async def close_all(_: object = None) -> None:
    """Close all connections, at the end of the process."""
    while _open:
        _, shared = _open.popitem()
        await shared.upstream.__aexit__(None, None, None)
