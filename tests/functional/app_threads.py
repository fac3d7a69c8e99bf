"""Servers of the tests' own, each in a thread."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from tests.functional.harness import PATIENCE_SECONDS


@contextmanager
def served(app: web.Application) -> Iterator[str]:
    """Serve an application on a port of its own; yield its origin."""
    loop, ready, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    origins: list[str] = []

    async def serve() -> None:
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        origins.append("http://{}:{}".format(*runner.addresses[0][:2]))
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()])
    thread.start()
    assert ready.wait(PATIENCE_SECONDS)
    try:
        yield origins[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
