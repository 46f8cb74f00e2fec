"""The Celery task's loop: lease a shard of mailboxes, one actor per mailbox, until the slice is over.

An actor walks its mailbox until nothing is left. A mailbox that must rest is woken by a timer, not waited for. The
doorbell wakes actors early, a sweep finds whatever nobody rang for.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import aiohttp
import psycopg
import structlog
from asgiref.sync import sync_to_async
from django import db
from django.conf import settings
from django.db import connections
from redis.asyncio import Redis
from redis.exceptions import RedisError

from accounts.connections import Connections
from accounts.matching import Directory
from connectors.addresses import PublicResolver
from connectors.downloads import Opener, opening_over_aiohttp
from connectors.http import Transport, over_aiohttp
from relay import doorbell, vault
from relay.commands import Commands
from relay.database import LeaseLost
from relay.delivery import Deliver
from relay.direct_chats import DirectChats
from relay.files import Files
from relay.hearing import Ear
from relay.ingest import TROUBLE_REST, Ingest
from relay.ledger import Ledger
from relay.routing import Routed
from relay.translate import Translator
from relay.voices import Voices
from relay.waiting import Waiting

log = structlog.get_logger(__name__)

LEASE_SECONDS = 6.0
"""How long a dead worker's mailboxes stand still; two renewals may be missed before that."""
SWEEP_SECONDS = 2.0
"""How long work may lie unnoticed when its ring was lost. Each sweep also renews the lease."""
SLICE_SECONDS = 300.0
"""Between two slices a shard stands still for some tenths of a second: rarely enough not to be noticed, often enough that
whatever a process gathers is let go of. A worker asked to stop does not wait for the end of it."""
GRACE_SECONDS = 10.0
"""How long calls under way may take to end when the slice does; what is cut off is looked for by the next holder."""
CANCEL_SECONDS = 0.1
"""Seconds until a helper that speaks to Redis is cancelled once more: while the client connects, a cancellation is lost."""
DELETED_SECONDS = 0.5
"""How long a mailbox rests whose connection is being deleted in the middle of its work: by then there is no such mailbox."""
STUCK_SECONDS = 60.0
"""How long a mailbox rests that met a mistake of ours: long enough not to fill the log, short enough to heal by itself."""
FORGET_SECONDS = 0.25
"""How long after its last delivery a content may still lie in the vault: one round trip then drops many."""
CONNECTIONS_AT_ONCE = 400
"""Calls under way from one shard: above it mailboxes queue for a socket, below any limit of open files."""
CONNECTIONS_PER_PLATFORM = 100
"""Of these, to one host: a platform that answers slowly must leave sockets for the others."""

INFRASTRUCTURE = (
    LeaseLost, psycopg.OperationalError, psycopg.InterfaceError, db.OperationalError, db.InterfaceError, RedisError, OSError
)  # fmt: skip
"""Errors that concern every mailbox: the slice ends, and the next one starts from what is committed."""

Step = Callable[[], Awaitable[float | None]]
"""Something that an actor does. Returns seconds to rest: None when nothing is left, 0 when there is more to do."""
Key = tuple[bool, int]
"""``(True, link)`` is the actor who delivers into a link's mailbox, ``(False, link)`` the one who ingests from it."""


async def drain(
    shard: int,
    of: int,
    should_stop: Callable[[], bool],
    transport: Transport | None = None,
    opener: Opener | None = None,
    seconds: float = SLICE_SECONDS,
) -> bool:
    """Work on one shard for a slice. False, at once, when another worker holds it."""
    ledger = await Ledger.take(shard, of, LEASE_SECONDS)
    if ledger is None:
        return False
    try:
        async with tools() as (redis, session):
            transport, opener = transport or over_aiohttp(session), opener or opening_over_aiohttp(session)
            await Shard(ledger, redis, transport, opener).run(should_stop, seconds)
    finally:
        await ledger.close()
        await sync_to_async(connections.close_all)()  # a connection that died is not carried into the next slice
    return True


@asynccontextmanager
async def tools() -> AsyncIterator[tuple[Redis, aiohttp.ClientSession]]:
    """What a worker reaches Redis and the platforms with."""
    redis: Redis = Redis.from_url(settings.REDIS_URL)
    connector = aiohttp.TCPConnector(
        limit=CONNECTIONS_AT_ONCE,
        limit_per_host=CONNECTIONS_PER_PLATFORM,
        ttl_dns_cache=300,
        resolver=None if settings.MIO_SANDBOX_URL else PublicResolver(),
    )
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        try:
            yield redis, session
        finally:
            await redis.aclose()


class Shard:
    """The actors of one leased shard."""

    def __init__(self, ledger: Ledger, redis: Redis, transport: Transport, opener: Opener) -> None:
        connections, directory = Connections(), Directory()
        sandbox = settings.MIO_SANDBOX_URL
        self._ledger = ledger
        self._redis = redis
        voices = Voices(connections, transport, sandbox)
        self._ear = Ear(redis, connections, directory, voices, transport, sandbox)
        commands = Commands(connections, directory, transport, sandbox)
        chats = DirectChats(connections, voices, self._ear, transport, sandbox)
        self._ingest = Ingest(ledger, self._ear, connections, directory, commands, voices, chats, redis, self)
        translator = Translator(connections, directory, voices, Files(transport, opener, sandbox))
        self._deliver = Deliver(ledger, self._ear, translator, connections, voices, transport, sandbox)
        self._actors: dict[Key, asyncio.Task[None]] = {}
        self._again: set[Key] = set()
        self._resting: dict[Key, asyncio.TimerHandle] = {}
        self._dozing: set[Key] = set()
        """Those of the resting that only wait for something to be told: the bell wakes them."""
        self._reserved: set[int] = set()
        self._reached: dict[int, tuple[int, ...]] = {}
        self._ending = asyncio.Event()
        self._trouble: BaseException | None = None

    async def run(self, should_stop: Callable[[], bool], seconds: float) -> None:
        """Drain until ``seconds`` are over, ``should_stop`` says so or the lease is lost. Raises what stopped it early."""
        bell, lease = self._start(self._answer_bell()), self._start(self._keep_lease(should_stop))
        forgetting = self._start(self._keep_forgetting())
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)
        self._ending.set()
        for timer in self._resting.values():
            timer.cancel()
        await self._let_end([bell, forgetting], CANCEL_SECONDS)
        # Not before: whoever takes over must not find calls of ours still under way. Once: cancelled a second time, psycopg
        # closes the connection that gives the lease back.
        await self._let_end([lease], GRACE_SECONDS)
        await self._forget()
        if self._trouble:
            raise self._trouble

    async def _let_end(self, helpers: list[asyncio.Task[None]], cancel_every: float) -> None:
        """Stop helpers and wait for all actors, those included that others start to hand over what they began."""
        deadline = asyncio.get_running_loop().time() + GRACE_SECONDS
        while tasks := [task for task in (*helpers, *self._actors.values()) if not task.done()]:
            for helper in helpers:
                helper.cancel()
            seconds = deadline - asyncio.get_running_loop().time()
            _, slow = await asyncio.wait(tasks, timeout=min(max(0.0, seconds), cancel_every))
            if slow and seconds <= 0:
                for task in slow:
                    task.cancel()
                await asyncio.gather(*slow, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._notice)
        return task

    def _notice(self, task: asyncio.Task[None]) -> None:
        """The first error of any actor or helper ends the slice: the next one starts from what is committed."""
        if not task.cancelled() and (error := task.exception()):
            self._trouble = self._trouble or error
            self._ending.set()

    async def _answer_bell(self) -> None:
        async with doorbell.listening(self._redis, self._ledger.shard) as rings:
            await self._sweep()  # for what rang before
            async for rung in rings:
                if self._ending.is_set():
                    return  # a cancellation that meets an answer of Redis is lost: ask, do not rely on it
                for link, brought in rung.items():
                    if brought and brought.sealed:
                        self._ear.bring(brought.waiting.id, brought.sealed)
                    self._wake((False, link), partial(self._listen, link, brought and brought.waiting))

    async def _keep_lease(self, should_stop: Callable[[], bool]) -> None:
        while True:
            await self._ledger.renew(LEASE_SECONDS)
            await self._sweep()
            await self._pause(should_stop)

    async def _sweep(self) -> None:
        if not self._ending.is_set():
            for link, deliver in await self._ledger.sweep():
                self._wake((deliver, link))

    async def _keep_forgetting(self) -> None:
        while not self._ending.is_set():
            await asyncio.sleep(FORGET_SECONDS)
            await self._forget()

    async def _pause(self, should_stop: Callable[[], bool]) -> None:
        """Until the next sweep is due, looking now and then whether to stop."""
        for _ in range(10):
            if should_stop():
                self._ending.set()
            await asyncio.sleep(SWEEP_SECONDS / 10)

    def _wake(self, key: Key, first: Step | None = None) -> None:
        """Start an actor, or have a busy one look once more before it goes. One that rests is left alone.

        ``first``: what the actor does before it looks, if it starts now and was not waiting for something.
        """
        if key in self._dozing:
            self._resting.pop(key).cancel()
            self._dozing.discard(key)
            first = None
        if self._ending.is_set() or key in self._resting:
            return
        if key in self._actors or (key[0] and key[1] in self._reserved):
            self._again.add(key)
            return
        self._actors[key] = self._start(self._act(key, first))

    def reserve(self, origin: int) -> tuple[int, ...]:
        """See ``Mailboxes``."""
        ready = tuple(link for link in self._reached.get(origin, ()) if self._is_idle(link))
        self._reserved.update(ready)
        return ready

    def _is_idle(self, link: int) -> bool:
        key = (True, link)
        busy = key in self._actors or key in self._resting or link in self._reserved
        return not busy and not self._ending.is_set() and self._deliver.knows(link)

    def hand_over(self, reserved: tuple[int, ...], rows: list[Any], routed: list[Routed]) -> None:
        """See ``Mailboxes``."""
        self._reserved.difference_update(reserved)
        events = {row.id: row for row in rows}
        for one in routed:
            if one.links:
                self._reached[events[one.event].link_id] = tuple(one.links)
            for begun in one.begun:
                key, row = (True, begun.link), self._deliver.row(begun, events[one.event])
                self._actors[key] = self._start(self._act(key, partial(self._deliver.send, row)))
        for link in reserved:
            if (True, link) in self._again and (True, link) not in self._actors:
                self._again.discard((True, link))
                self._wake((True, link))

    async def _act(self, key: Key, first: Step | None = None) -> None:
        """Walk one mailbox until nothing is left; ``first`` is taken before the first look."""
        try:
            rest: float | None = await self._careful(first()) if first else 0.0
            while not self._ending.is_set() and (rest == 0.0 or (rest is None and key in self._again)):
                self._again.discard(key)
                rest = await self._careful(self._step(key))
            if rest:
                self._rest(key, rest)
        finally:
            del self._actors[key]

    async def _careful(self, step: Awaitable[float | None]) -> float | None:
        """One stuck mailbox stops only itself; without database or Redis the whole slice ends."""
        try:
            return await step
        except INFRASTRUCTURE:
            raise
        except Exception as error:  # noqa: BLE001
            if isinstance(error.__cause__ or error, psycopg.errors.ForeignKeyViolation):
                return DELETED_SECONDS
            log.error("mailbox stuck", error=type(error).__name__)
            return STUCK_SECONDS

    async def _step(self, key: Key) -> float | None:
        deliver, link = key
        if deliver:
            return await self._deliver.walk(link, self._ending.is_set)
        return await self._listen(link)

    async def _listen(self, link: int, rung: Waiting | None = None) -> float | None:
        rest, reached = await self._ingest.walk(link, rung)
        for other in reached:
            self._wake((True, other))
        return rest

    def _rest(self, key: Key, seconds: float) -> None:
        def wake() -> None:
            del self._resting[key]
            self._dozing.discard(key)
            self._wake(key)

        if not key[0] and seconds < TROUBLE_REST:
            self._dozing.add(key)
        self._resting[key] = asyncio.get_running_loop().call_later(seconds, wake)

    async def _forget(self) -> None:
        """Drop contents that nobody needs any more, from memory and from the vault."""
        done, self._deliver.done = self._deliver.done, []
        for event in done:
            self._ear.forget(event)
        await vault.drop(self._redis, done)
