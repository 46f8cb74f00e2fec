"""When each connection was last heard of: a hint for its card, kept in Redis and not worth a row."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.conf import settings
from redis import Redis, RedisError
from redis.asyncio.client import Pipeline

KEY = "heard"


def heard(pipeline: Pipeline, installations: Iterable[int], now: float) -> None:
    """Add to ``pipeline`` that these have just told us something."""
    for installation in installations:
        pipeline.hset(KEY, str(installation), str(now))


def last_heard(installations: list[int]) -> dict[int, datetime]:
    """When each was heard last; who was not, or not since Redis was emptied, is left out."""
    if not installations:
        return {}
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=1) as redis:
            times = redis.hmget(KEY, [str(installation) for installation in installations])
    except RedisError:
        return {}
    found = zip(installations, times, strict=True)
    return {installation: datetime.fromtimestamp(float(at), UTC) for installation, at in found if at}
