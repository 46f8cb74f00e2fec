"""The doorbell: which links have something new, told from the web to the workers through Redis.

A sorted set per shard, scored by time: ringing twice is ringing once, and nothing is lost between a pop and the next
ring. It is only a hint: the sweep of ``shards.py`` finds what nobody rang for. Where a link has one new event and none before
it, the ring brings that event's row along, and a worker need not read it.
"""

import time
from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from relay.waiting import Waiting

MOST_AT_ONCE = 200
"""Links taken in one go: enough for a burst, little enough to stay fair."""
FRESH_SECONDS = 1.0
"""How old a row may be that a ring brings: what is set for its link may have changed since."""

Rung = Mapping[int, Waiting | None]
"""By link, the one event that it has, or None where there may be others."""


def key(shard: int) -> str:
    """The set of links with news in one shard."""
    return f"bell:{shard}"


def ring(pipeline: Pipeline, shard: int, rung: Rung) -> None:
    """Add to ``pipeline`` that these links have something new."""
    now = time.time()
    pipeline.zadd(key(shard), {_member(link, waiting): now for link, waiting in rung.items()})


async def wait(redis: Redis, shard: int, seconds: float) -> Rung:
    """Who was rung for, waiting up to ``seconds`` for the first; empty when nobody rang."""
    found: Any = await redis.bzmpop(seconds, 1, [key(shard)], min=True, count=MOST_AT_ONCE)
    rung: dict[int, Waiting | None] = {}
    for member, _ in found[1] if found else ():
        number, _, packed = member.partition(b" ")
        link = int(number)
        rung[link] = _unpacked(packed) if packed and link not in rung else None
    return rung


def _member(link: int, waiting: Waiting | None) -> bytes:
    return b"%d %b" % (link, waiting.packed()) if waiting else b"%d" % link


def _unpacked(packed: bytes) -> Waiting | None:
    try:
        waiting = Waiting.unpacked(packed)
    except (TypeError, ValueError):
        return None  # of another version of ours
    return waiting if abs(waiting.age) < FRESH_SECONDS else None
