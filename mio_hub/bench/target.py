"""The platform that is written to: Webex, reduced to taking a message and answering after the time it is said to need.

Raw asyncio, because every microsecond here is taken from what is measured.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from mio_hub.bench.traffic import MARKER, SERVICE_USER, webex_id

POST = b"POST /webexapis.com/v1/messages "
LIST = b"GET /webexapis.com/v1/messages?"
"""Asked by a relay that does not know whether a message went out."""
FETCH = b"POST /slack.com/api/conversations.history "
"""Asked by a relay that no longer has what was said. Any other request is answered 404."""

REMEMBERED = 50
"""Messages of a space that can be listed: Webex's own page."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

_LATEST = re.compile(rb"latest=([\d.]+)")
_ROOM = re.compile(rb'(?:"roomId": ?"|roomId=)([\w%-]+)')
_ADDED = b',"id":"%b","roomType":"group","personId":"%b","personEmail":"relay@bench.example","created":"%b"}'
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\nContent-Length: %d\r\n\r\n%b"
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

Mark = tuple[int, int, int]
"""Round, channel and number of a message."""


@dataclass
class Target:
    """``delay`` is the platform's answer time in seconds. ``heard`` and ``answered`` are told the mark of each message.

    ``recall`` finds a message of the other platform by its time. ``questions`` counts all requests but posts.
    """

    delay: float = 0.0
    heard: Callable[[Mark], None] = lambda mark: None
    answered: Callable[[Mark], None] = lambda mark: None
    recall: Callable[[str], str | None] = lambda ts: None
    questions: int = 0
    url: str = ""
    _server: asyncio.Server | None = None
    _ids: "count[int]" = field(default_factory=lambda: count(1))
    _rooms: dict[bytes, deque[bytes]] = field(default_factory=dict)

    async def start(self) -> None:
        """Listen on a free port of this machine; ``url`` is set."""
        self._server = await asyncio.get_running_loop().create_server(lambda: _Connection(self), "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.close()
            await asyncio.sleep(0)

    def take(self, request: bytes, reply: Callable[[bytes], None]) -> None:
        """Handle one complete request."""
        found = MARKER.search(request) if request.startswith(POST) else None
        if found is None:
            self.questions += 1
            reply(self._answer(request))
            return
        mark = int(found[1]), int(found[2]), int(found[3])
        body = self._keep(request)
        self.heard(mark)
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, self._accept, mark, body, reply)
        else:
            self._accept(mark, body, reply)

    def _accept(self, mark: Mark, body: bytes, reply: Callable[[bytes], None]) -> None:
        reply(_OK % (len(body), body))
        self.answered(mark)

    def _keep(self, request: bytes) -> bytes:
        """The message as Webex shows it: what was posted, and what Webex adds."""
        posted = request.partition(b"\r\n\r\n")[2]
        created = datetime.now(UTC).isoformat(timespec="milliseconds").encode()
        id_ = webex_id("MESSAGE", next(self._ids)).encode()
        body = posted[:-1] + _ADDED % (id_, SERVICE_USER.encode(), created)
        self._rooms.setdefault(_room(request), deque(maxlen=REMEMBERED)).appendleft(body)
        return body

    def _answer(self, request: bytes) -> bytes:
        body: bytes | None = None
        if request.startswith(LIST):
            body = b'{"items":[%b]}' % b",".join(self._rooms.get(_room(request), ()))
        elif request.startswith(FETCH):
            body = (self.recall(_latest(request)) or "").encode()
        return _OK % (len(body), body) if body else _NOT_FOUND


def _latest(request: bytes) -> str:
    found = _LATEST.search(request)
    return found[1].decode() if found else ""


def _room(request: bytes) -> bytes:
    found = _ROOM.search(request)
    return found[1] if found else b""


class _Connection(asyncio.Protocol):
    """A client's connection. Requests come one after the other: no client of ours pipelines."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a TCP server has no other
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._received, 0, end)
        if len(self._received) < end + 4 + (int(length[1]) if length else 0):
            return
        request, self._received = self._received, b""
        self._target.take(request, self._reply)

    def _reply(self, answer: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(answer)
