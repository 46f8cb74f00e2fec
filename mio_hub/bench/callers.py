"""Keep-alive connections over which the webhooks are sent, as a platform's own dispatchers do it."""

import asyncio
from collections import deque

SPARE = 16
"""Connections above one per channel: the target may have a message before its webhook is answered, and the next is due."""


class Callers:
    """A few connections to one web process. ``refused`` counts the answers other than 200."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[_Caller] = []
        self._waiting: deque[bytes] = deque()
        self._all: set[_Caller] = set()
        self.refused = 0

    async def open(self, connections: int) -> None:
        """Connect beforehand, so that connecting is not measured."""
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            await loop.create_connection(lambda: _Caller(self), "127.0.0.1", self._port)

    async def close(self) -> None:
        """Hang up."""
        for caller in list(self._all):
            caller.hang_up()
        await asyncio.sleep(0)

    def send(self, request: bytes) -> None:
        """Send a webhook over the connection used last, or over the next one to be free."""
        if self._idle:
            self._idle.pop().send(request)
        else:
            self._waiting.append(request)

    def joined(self, caller: "_Caller") -> None:
        """A connection is new, or had its answer."""
        self._all.add(caller)
        if self._waiting:
            caller.send(self._waiting.popleft())
        else:
            self._idle.append(caller)

    def left(self, caller: "_Caller", unanswered: bytes) -> None:
        """A connection is gone: servers close idle ones. What it did not get an answer to is sent again."""
        self._all.discard(caller)
        if caller in self._idle:
            self._idle.remove(caller)
        if unanswered:
            self.send(unanswered)


class _Caller(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        self._unanswered = b""
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a TCP client has no other
        self._transport = transport
        self._callers.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._callers.left(self, self._unanswered)

    def send(self, request: bytes) -> None:
        self._unanswered = request
        assert self._transport  # noqa: S101 - a caller joins once it is connected
        self._transport.write(request)

    def hang_up(self) -> None:
        self._unanswered = b""
        if self._transport:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Both pipelines answer with a length and next to no body, mostly in one piece."""
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or len(body) < _length(head):
            return
        self._callers.refused += not head.startswith(b"HTTP/1.1 200 ")
        self._received = self._unanswered = b""
        self._callers.joined(self)


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0] or 0)
