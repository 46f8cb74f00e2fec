"""The small ASGI app that takes ``/webhooks/<platform>/``.

Verify, commit the inbox, keep contents in the vault, ring, answer: nothing else happens before the answer, because three
platforms want it within 3 seconds and the commit is the promise. All requests in flight share one commit.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import psycopg
import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import Error as DatabaseError
from kombu.exceptions import OperationalError
from redis.asyncio import Redis
from redis.exceptions import RedisError

import connectors
from connectors.contract import Envelope, Reply, Request
from connectors.errors import Forged, Malformed
from connectors.messages import Kind
from relay import asked, doorbell, hearsay, vault, withdrawals
from relay.batching import Batcher
from relay.database import connect
from relay.doorbell import Brought
from relay.doors import Door, Doors
from relay.inbox import DOUBTFUL, Accepted, Told, accept, begin_direct, count, doubt
from relay.models import DailyCount, Discard
from relay.plausible import plausible

log = structlog.get_logger(__name__)

LARGEST_BODY = 1024 * 1024
"""Bytes. The largest real webhook (a Slack message with its blocks) is around 200 kB."""
LARGEST_COMMIT = 32
"""Events of one commit: a burst of webhooks waits for few of them, and none for long."""
REDIS_SECONDS = 1.0
"""How long Redis may keep a platform waiting, that wants its answer within three; one commit waits for all in flight."""
WITHOUT_REDIS_SECONDS = 5.0
"""How long Redis is left alone after it failed, rather than every webhook waiting for it."""
CARRIED = frozenset(Kind) - {Kind.OTHER, Kind.DIRECTORY} - withdrawals.KINDS
"""Kinds that a conversation shows. What it does not show is counted and leaves no row."""

_doors = Doors()

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class TooLarge(Exception):
    """A body over ``LARGEST_BODY``."""


class Answer(Exception):
    """Ends a request early with a status and a short plain text; raised by whoever knows."""

    def __init__(self, status: int, text: str = "") -> None:
        super().__init__(status)
        self.status = status
        self.text = text


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI entry point."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    try:
        reply = await _answer(scope, receive)
    except Answer as early:
        await _send(send, early.status, early.text.encode())
    else:
        await _send(send, 200, reply.body, reply.content_type)


async def _answer(scope: Scope, receive: Receive) -> Reply:
    door = await _doors.at(scope["path"].removeprefix("/webhooks/"))
    if door is None:
        raise Answer(404, "no such platform here")
    slug = door.platform
    if scope["method"] != "POST":
        raise Answer(405, "webhooks are POSTed")
    try:
        request = _request(scope, await _body(scope, receive))
        received = connectors.get(slug).receive(request, door.secrets)
        if isinstance(received, Reply):
            return received
        if not all(map(_storable, received)):
            raise Malformed("an id is too long or not text")
        await _keep(door, received)
    except Answer:
        raise
    except TooLarge:
        raise Answer(413, "at most 1 MiB") from None
    except Forged as error:
        log.warning("forged webhook", platform=slug, reason=str(error))
        raise Answer(401, "not proven to come from the platform") from None
    except Malformed as error:
        log.warning("malformed webhook", platform=slug, reason=str(error))
        raise Answer(400, "not readable") from None
    except Exception as error:  # noqa: BLE001 (whatever it is, its text may hold content: only its type is told)
        log.error("webhook stumbled", platform=slug, error=type(error).__name__)
        raise Answer(500, "a mistake of ours") from None
    return Reply(b"")


def _storable(envelope: Envelope) -> bool:
    """One envelope that the database refuses would fail the commit of everybody in flight."""
    reference = envelope.reference
    texts = (envelope.workspace, 255), (envelope.event_id, 600), (reference.conversation, 512), (reference.message, 255)
    return all(len(text) <= longest and "\x00" not in text and text.isprintable() for text, longest in texts)


async def _keep(door: Door, envelopes: list[Envelope]) -> None:
    try:
        await asyncio.gather(*(_take(door, envelope) for envelope in envelopes))
    except (psycopg.Error, DatabaseError, RedisError, OSError) as error:
        log.error("webhook not stored", platform=door.platform, error=type(error).__name__)
        raise Answer(503, "try again") from None  # platforms send again after a 5xx, never after a 4xx


async def _take(door: Door, envelope: Envelope) -> None:
    if envelope.reference.kind in withdrawals.KINDS:
        await sync_to_async(withdrawals.heed)(door.platform, door.app, envelope)
    else:
        await inbox()(Arrival(door, envelope))


async def _body(scope: Scope, receive: Receive) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Answer(400, "incomplete")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > LARGEST_BODY:
            raise TooLarge
        if not message.get("more_body", False):
            return b"".join(chunks)


def _request(scope: Scope, body: bytes) -> Request:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    return Request(scope["method"], scope["path"], headers, query, body)


async def _send(send: Send, status: int, body: bytes, content_type: str = "text/plain; charset=utf-8") -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while (message := await receive())["type"] != "lifespan.shutdown":
        await send({"type": f"{message['type']}.complete"})
    await close_inbox()
    await send({"type": "lifespan.shutdown.complete"})


# --- the inbox: one commit for all requests in flight ----------------------------------------------------------------


class Arrival:
    """An envelope on its way into the inbox."""

    __slots__ = ("door", "envelope")

    def __init__(self, door: Door, envelope: Envelope) -> None:
        self.door = door
        self.envelope = envelope

    @property
    def begins_chat(self) -> bool:
        """Whether it is a new message of a direct chat."""
        return self.envelope.is_direct and self.envelope.reference.kind is Kind.POSTED

    def told(self) -> Told:
        """What of it may be stored."""
        reference = self.envelope.reference
        return Told(
            self.door.platform, self.envelope.workspace, reference.conversation, self.envelope.event_id, reference.kind,
            reference.message, plausible(reference.occurred_at, datetime.now(UTC)), self.door.app,
        )  # fmt: skip


class Inbox:
    """This process's way into the inbox. Connections are opened when first needed, and again after they broke."""

    def __init__(self) -> None:
        self._database: psycopg.AsyncConnection[Any] | None = None
        self._redis: Redis = Redis.from_url(
            settings.REDIS_URL, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
        )
        self._without_redis_until = 0.0
        self._arrive: Batcher[Arrival, None] = Batcher(self._flush, LARGEST_COMMIT)

    async def __call__(self, arrival: Arrival) -> None:
        """Return once the event is committed, or counted as discarded."""
        await self._arrive(arrival)

    async def close(self) -> None:
        """Hang up."""
        if self._database:
            await self._database.close()
        await self._redis.aclose()

    async def _flush(self, arrivals: list[Arrival]) -> list[None]:
        try:
            await self._store(arrivals)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            await self._store(arrivals)  # on a new connection: Webex tells an event once, a 503 would lose it
        return [None] * len(arrivals)

    async def _store(self, arrivals: list[Arrival]) -> None:
        database = await self._connected()
        carried = [arrival for arrival in arrivals if arrival.envelope.reference.kind in CARRIED]
        discards = [(a, Discard.NOT_CARRIED) for a in arrivals if a.envelope.reference.kind is Kind.OTHER]
        if doubtful := [arrival.told() for arrival in arrivals if arrival.envelope.reference.kind in DOUBTFUL]:
            await doubt(database, doubtful)
        accepted = await self._accepted(database, carried) if carried else []
        for arrival, to in zip(carried, accepted, strict=True):
            if to.discard == Discard.NOT_LINKED and to.installation and arrival.envelope.reference.kind == Kind.COMMAND:
                await self._ask(to.installation, arrival)
                discards.append((arrival, Discard.ANSWERED))
            elif to.discard:
                discards.append((arrival, to.discard))
        if discards:
            what = DailyCount.What.DISCARD.value
            await count(database, [(a.door.platform, what, reason.value) for a, reason in discards])
        await self._hand_over(carried, accepted)

    async def _accepted(self, database: "psycopg.AsyncConnection[Any]", arrivals: list[Arrival]) -> list[Accepted]:
        """Take in what concerns somebody. A direct chat may do so though nobody linked it: what is new in one begins it."""
        accepted = await accept(database, [arrival.told() for arrival in arrivals])
        begins = [n for n, arrival in enumerate(arrivals) if arrival.begins_chat and accepted[n].is_unlinked]
        if begins:
            await begin_direct(database, [(arrivals[n].told(), arrivals[n].envelope.hearer) for n in begins])
            again = await accept(database, [arrivals[n].told() for n in begins])
            for n, found in zip(begins, again, strict=True):
                accepted[n] = found
        return accepted

    async def _ask(self, installation: int, arrival: Arrival) -> None:
        """Without Redis nobody answers, and the asker asks again."""
        try:
            await asked.ask(self._redis, installation, arrival.envelope)
        except (RedisError, OSError, OperationalError) as error:
            log.warning("command not handed over", platform=arrival.door.platform, error=type(error).__name__)

    async def _hand_over(self, arrivals: list[Arrival], accepted: list[Accepted]) -> None:
        """Contents to the vault, then the bell: in this order, so that whoever hears it finds them."""
        pipeline = self._redis.pipeline(transaction=False)
        rung: dict[int, dict[int, Brought | None]] = {}
        for arrival, to in zip(arrivals, accepted, strict=True):
            if to.event is None or to.link is None or to.conversation is None:
                continue
            content, sealed = arrival.envelope.content, b""
            if content is not None:
                sealed = vault.put(pipeline, to.event, content)
            links = rung.setdefault(to.conversation % settings.MIO_SHARDS, {})
            links[to.link] = Brought(to.waiting, sealed) if to.waiting and to.link not in links else None
        for shard, links in rung.items():
            doorbell.ring(pipeline, shard, links)
        hearsay.heard(pipeline, {to.installation for to in accepted if to.installation}, time.time())
        if len(pipeline):
            await self._quietly(pipeline)

    async def _quietly(self, pipeline: Any) -> None:
        """The references are committed: without Redis the sweep finds them and the platform is asked for the contents."""
        if time.monotonic() < self._without_redis_until:
            return
        try:
            await pipeline.execute()
        except (RedisError, OSError) as error:
            self._without_redis_until = time.monotonic() + WITHOUT_REDIS_SECONDS
            log.warning("vault and doorbell out of reach", error=type(error).__name__)

    async def _connected(self) -> "psycopg.AsyncConnection[Any]":
        if self._database is None or self._database.closed or self._database.broken:
            self._database = await connect()
        return self._database


_inboxes: dict[asyncio.AbstractEventLoop, Inbox] = {}


def inbox() -> Inbox:
    """The inbox of the running loop; a web process has one."""
    loop = asyncio.get_running_loop()
    if loop not in _inboxes:
        _inboxes[loop] = Inbox()
    return _inboxes[loop]


async def close_inbox() -> None:
    """Hang up the running loop's connections."""
    opened = _inboxes.pop(asyncio.get_running_loop(), None)
    if opened:
        await opened.close()
