"""Serves a world from a thread of its own: for tests and benchmarks, whose main thread has other work."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from connectors.sandbox import World
from mio_hub.sandbox.server import SandboxServer


@contextmanager
def served(world: World, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """The address at which ``world`` answers for as long as the block lasts."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="sandbox", daemon=True)
    thread.start()
    server = SandboxServer(world)
    try:
        yield asyncio.run_coroutine_threadsafe(server.start(host, port), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
