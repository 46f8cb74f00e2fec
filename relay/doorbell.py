"""The doorbell: which links have something new, told from the web to the worker that has their shard, through Redis.

Published, so that nothing of it is kept anywhere: what rings while nobody listens is found by the sweep of ``shards.py``.
Where a link has one new event and none before it, the ring brings that event's row along, and its content sealed as the
vault has it: a worker need not read either.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from relay.waiting import Waiting

FRESH_SECONDS = 1.0
"""How old a row may be that a ring brings: what is set for its link may have changed since."""
LARGEST_BROUGHT = 16 * 1024
"""Bytes of a sealed content that a ring brings along; larger ones are left to the vault. Most messages have less than two
thousand, and a worker that cannot keep up must not make Redis hold much for it."""


class Brought(NamedTuple):
    """An event and, if it has one that is not too large, its content as the vault has it."""

    waiting: Waiting
    sealed: bytes = b""


Rung = Mapping[int, Brought | None]
"""By link, the one event that it has, or None where there may be others."""


def ring(pipeline: Pipeline, shard: int, rung: Rung) -> None:
    """Add to ``pipeline`` that these links have something new."""
    pipeline.publish(_channel(pipeline, shard), _packed(rung))


@asynccontextmanager
async def listening(redis: Redis, shard: int) -> AsyncIterator[AsyncIterator[Rung]]:
    """What rings for a shard. Nothing that is rung for is missed from the moment that this is entered."""
    async with redis.pubsub(ignore_subscribe_messages=True) as bell:
        await bell.subscribe(_channel(redis, shard))
        await bell.get_message(timeout=None)  # Redis says that it has us on its list
        yield (_unpacked(told["data"]) async for told in bell.listen())


def _channel(redis: Redis, shard: int) -> str:
    """Channels are the same for all databases of a server, and our events are numbered as others' are."""
    return f"bell:{redis.connection_pool.connection_kwargs.get('db', 0)}:{shard}"


def _packed(rung: Rung) -> bytes:
    """A line of JSON with link, row and size of the content for each, then the contents."""
    sealed = {link: one.sealed for link, one in rung.items() if one and len(one.sealed) <= LARGEST_BROUGHT}
    head = [[link, one and one.waiting.packed(), len(sealed.get(link, b""))] for link, one in rung.items()]
    return b"\n".join([json.dumps(head, default=datetime.isoformat).encode(), b"".join(sealed.values())])


def _unpacked(packed: bytes) -> Rung:
    head, _, sealed = packed.partition(b"\n")
    rung: dict[int, Brought | None] = {}
    try:
        start = 0
        for link, row, size in json.loads(head):
            rung[link] = _fresh(row, sealed[start : start + size]) if row else None
            start += size
    except (TypeError, ValueError):
        return {}  # of another version of ours
    return rung


def _fresh(row: Any, sealed: bytes) -> Brought | None:
    waiting = Waiting.unpacked(row)
    return Brought(waiting, sealed) if abs(waiting.age) < FRESH_SECONDS else None
