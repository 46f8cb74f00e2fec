"""The platform that is written to: Webex, reduced to taking messages and edits, answering after the time it may need.

Raw asyncio, because every microsecond here is taken from what is measured.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from mio_hub.bench.traffic import SERVICE_USER, Mark, marks, webex_id
from mio_hub.bench.wall import Wall

POST = b"POST /webexapis.com/v1/messages "
"""A message; with a parent, a line of reactions in its thread: Webex has no way to react."""
EDIT = b"PUT /webexapis.com/v1/messages/"
LIST = b"GET /webexapis.com/v1/messages?"
"""Asked by a relay that does not know whether a message went out."""
FETCH = b"POST /slack.com/api/conversations.history "
"""Asked by a relay that no longer has what was said. Any other request is answered 404."""

REMEMBERED = 50
"""Messages of a space that can be listed: Webex's own page."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

_LATEST = re.compile(rb"latest=([\d.]+)")
_EDITED = re.compile(rb"PUT /webexapis\.com/v1/messages/([\w.%-]+) ")
_PARENT = re.compile(rb'"parentId": ?"([\w.%-]+)"')
_ROOM = re.compile(rb'(?:"roomId": ?"|roomId=)([\w%-]+)')
_ADDED = b',"id":"%b","roomType":"group","personId":"%b","personEmail":"relay@bench.example","created":"%b"}'
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\nContent-Length: %d\r\n\r\n%b"
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Target:
    """``delay`` is the platform's answer time in seconds. ``heard`` and ``answered`` are told the mark of each thing said.

    Of a line of reactions, that is the mark of the last one. ``wall`` is what stands here. ``recall`` finds a message of the
    other platform by its time. ``questions`` counts all requests but posts and edits of what is there.
    """

    delay: float = 0.0
    heard: Callable[[Mark], None] = lambda mark: None
    answered: Callable[[Mark], None] = lambda mark: None
    recall: Callable[[str], str | None] = lambda ts: None
    questions: int = 0
    url: str = ""
    wall: Wall = field(default_factory=Wall)
    _server: asyncio.Server | None = None
    _ids: "count[int]" = field(default_factory=lambda: count(1))
    _rooms: dict[str, deque[bytes]] = field(default_factory=dict)

    async def start(self) -> None:
        """Listen on a free port of this machine; ``url`` is set."""
        self._server = await asyncio.get_running_loop().create_server(lambda: Connection(self.take), "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.close()
            await asyncio.sleep(0)

    def take(self, request: bytes, reply: Callable[[bytes], None]) -> None:
        """Handle one complete request."""
        said = marks(request) if request.startswith((POST, EDIT)) else []
        body = self._keep(request, said) if said else None
        if body is None:
            self.questions += 1
            reply(self._answer(request))
            return
        mark = said[-1]
        self.heard(mark)
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, self._accept, mark, body, reply)
        else:
            self._accept(mark, body, reply)

    def _accept(self, mark: Mark, body: bytes, reply: Callable[[bytes], None]) -> None:
        reply(_OK % (len(body), body))
        self.answered(mark)

    def _keep(self, request: bytes, said: list[Mark]) -> bytes | None:
        """The message as Webex shows it: what was said, and what Webex adds. None where what it is about is not here."""
        is_edit = request.startswith(EDIT)
        id_ = _first(_EDITED, request) if is_edit else webex_id("MESSAGE", next(self._ids))
        known = self.wall.edit(id_, said) if is_edit else self.wall.post(id_, said, _first(_PARENT, request))
        if not known:
            return None
        created = datetime.now(UTC).isoformat(timespec="milliseconds").encode()
        body = request.partition(b"\r\n\r\n")[2][:-1] + _ADDED % (id_.encode(), SERVICE_USER.encode(), created)
        if not is_edit:
            self._rooms.setdefault(_first(_ROOM, request), deque(maxlen=REMEMBERED)).appendleft(body)
        return body

    def _answer(self, request: bytes) -> bytes:
        body: bytes | None = None
        if request.startswith(LIST):
            body = b'{"items":[%b]}' % b",".join(self._rooms.get(_first(_ROOM, request), ()))
        elif request.startswith(FETCH):
            body = (self.recall(_first(_LATEST, request)) or "").encode()
        return _OK % (len(body), body) if body else _NOT_FOUND


def _first(wanted: re.Pattern[bytes], request: bytes) -> str:
    found = wanted.search(request)
    return found[1].decode() if found else ""


class Connection(asyncio.Protocol):
    """A client's connection. Requests come one after the other: no client of ours pipelines."""

    def __init__(self, take: Callable[[bytes, Callable[[bytes], None]], None]) -> None:
        self._take = take
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
        self._take(request, self._reply)

    def _reply(self, answer: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(answer)
