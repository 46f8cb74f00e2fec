"""The doorbell: which mailboxes have something new, told from the web to the workers through Redis.

A sorted set per shard, scored by time: ringing twice is ringing once, and nothing is lost between a pop and the next
ring. It is only a hint: the sweep of ``shards.py`` finds what nobody rang for.
"""

import time
from collections.abc import Iterable
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

MOST_AT_ONCE = 200
"""Links taken in one go: enough for a burst, little enough to stay fair."""


def key(shard: int) -> str:
    """The set of links with news in one shard."""
    return f"bell:{shard}"


def ring(pipeline: Pipeline, shard: int, links: Iterable[int]) -> None:
    """Add to ``pipeline`` that these links have something new."""
    now = time.time()
    pipeline.zadd(key(shard), {str(link): now for link in links})


async def wait(redis: Redis, shard: int, seconds: float) -> list[int]:
    """The links that were rung for, waiting up to ``seconds`` for the first; empty when nobody rang."""
    found: Any = await redis.bzmpop(seconds, 1, [key(shard)], min=True, count=MOST_AT_ONCE)
    return [int(member) for member, _ in found[1]] if found else []
