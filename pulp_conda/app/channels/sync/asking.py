"""Ask an upstream from a task: requests run in a thread of their own, several at once.

The thread of the task works with the database meanwhile.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from pulp_conda.app.models import CondaRemote
from pulp_conda.app.upstream import Answer, TooLarge, Upstream

from .report import SyncReport

_Item = TypeVar("_Item")
_Found = TypeVar("_Found")

_PATIENCE_SECONDS: Final = 120
"""How long a request is repeated while the upstream is unavailable."""
_AHEAD: Final = 4
"""How many groups of requests are under way."""
_GROUP: Final = 16
"""How many requests are a group: handing one over takes longer than the parsing of its answer."""


class Asking:
    """A remote's upstream, asked by the requests of one sync."""

    def __init__(self, remote: CondaRemote, report: SyncReport) -> None:
        self._remote = remote
        self._report = report
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="sync", daemon=True)

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread.start()
        try:
            self._upstream = self._run(self._opened()).result()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the thread, and the requests that are under way."""
        self._run(self._upstream.__aexit__(kind, error, trace)).result()
        self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def upstream(self) -> Upstream:
        """The connections to the upstream, for use in the thread of requests."""
        return self._upstream

    async def _opened(self) -> Upstream:
        # Its connections belong to the loop of the thread.
        return await Upstream(self._remote, patience=_PATIENCE_SECONDS).__aenter__()

    async def ask(
        self, url: str, *, limit: int, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask in the thread of requests: as `get`, for the functions that `each` is given."""
        answer = await self._upstream.get(url, limit=limit, headers=headers, optional=True)
        self._report.requests += 1
        self._report.bytes += len(answer.body)
        return answer

    def get(self, url: str, limit: int, headers: Mapping[str, str] | None = None) -> Answer:
        """Return the answer of an upstream, whose body may have up to `limit` bytes.

        A status of 403 or 501 means that it does not have the file.

        Raises:
            UpstreamError: there is none that can be used.
        """
        return self._run(self.ask(url, limit=limit, headers=headers)).result()

    async def find(self, url: str) -> None:
        """Find out, in the thread of requests, whether the upstream has a file.

        Raises:
            Absent: it has none.
            UpstreamError: it does not answer.
        """
        # Many servers answer HEAD wrongly. Those that know ranges can keep the connection.
        with suppress(TooLarge):
            await self.ask(url, limit=1, headers={"Range": "bytes=0-0"})

    def each(
        self,
        items: Iterable[_Item],
        ask: Callable[[_Item], Coroutine[Any, Any, _Found]],
        *,
        at_once: int = _GROUP,
    ) -> Iterator[_Found]:
        """Yield what was found for each item, in their order; four groups are under way."""
        groups = _groups(items, at_once)
        waiting: deque[Future[list[_Found]]] = deque()
        try:
            for group in groups:
                waiting.append(self._run(_all(ask, group)))
                if len(waiting) == _AHEAD:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _run(self, coroutine: Coroutine[Any, Any, _Found]) -> Future[_Found]:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)


def _groups(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    group: list[_Item] = []
    for item in items:
        group.append(item)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


async def _all(
    ask: Callable[[_Item], Coroutine[Any, Any, _Found]], group: Iterable[_Item]
) -> list[_Found]:
    return await asyncio.gather(*(ask(item) for item in group))
