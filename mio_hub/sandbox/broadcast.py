"""Server-sent events: tells every open page what is new on the fake platforms."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any

from connectors.sandbox import World
from mio_hub.sandbox.panes import Snapshot, gone, news, panes, snapshot

LOOK_PAUSE = 0.02
"""Seconds between two looks: shorter than an eye notices, long enough that a flood of messages is drawn together."""

QUIET_SECONDS = 15.0
"""After so long without news a comment is sent: proxies cut connections that are silent for half a minute."""

LONGEST_BACKLOG = 500
"""Events a page may lag behind before it is cut off; it reconnects and begins with everything that is shown."""

LAST = ""
"""What a listener reads at the end: the server stops, or the listener has lagged too far behind."""

Listener = asyncio.Queue[str]


def event(name: str, data: Any) -> str:
    """One event in the wire format."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


class Broadcast:
    """Compares what is shown before and after, because fakes do not tell; only while somebody listens."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._listeners: set[Listener] = set()
        self._seen: Snapshot = {}
        self._touched = asyncio.Event()

    def touch(self) -> None:
        """Something may have changed."""
        self._touched.set()

    async def run(self) -> None:
        """Look whenever touched, for ever."""
        while True:
            await self._touched.wait()
            self._touched.clear()
            if self._listeners:
                self._look()
            await asyncio.sleep(LOOK_PAUSE)

    def _look(self) -> None:
        now = snapshot(self.world)
        for entry in news(self._seen, now):
            self._send(event("message", entry))
        for entry in gone(self._seen, now):
            self._send(event("gone", entry))
        self._seen = now

    def _send(self, text: str) -> None:
        for listener in list(self._listeners):
            lost = listener.qsize() >= LONGEST_BACKLOG
            listener.put_nowait(LAST if lost else text)
            if lost:
                self._listeners.discard(listener)

    async def listen(self) -> AsyncGenerator[str, None]:
        """Everything shown, then the news, until the server stops."""
        with self._listening() as listener:
            yield event("panes", panes(self.world))
            while (text := await self._next(listener)) != LAST:
                yield text

    @contextmanager
    def _listening(self) -> Iterator[Listener]:
        if self._listeners:
            self._look()  # the others' news so far is not news to the newcomer
        else:
            self._seen = snapshot(self.world)
        listener: Listener = asyncio.Queue()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def _next(self, listener: Listener) -> str:
        try:
            return await asyncio.wait_for(listener.get(), QUIET_SECONDS)
        except TimeoutError:
            return ": still here\n\n"

    def close(self) -> None:
        """Send everybody home."""
        for listener in self._listeners:
            listener.put_nowait(LAST)
