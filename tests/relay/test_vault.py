import asyncio
from collections.abc import Mapping
from typing import Any

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from relay import vault

CONTENT = {"text": "the canary sings", "nested": {"ö": ["✓"]}}


def put(settings: Any, event: int, content: Mapping[str, Any]) -> None:
    async def work() -> None:
        redis: AsyncRedis = AsyncRedis.from_url(settings.REDIS_URL)
        pipeline = redis.pipeline(transaction=False)
        vault.put(pipeline, event, content)
        await pipeline.execute()
        await redis.aclose()

    asyncio.run(work())


def take(settings: Any, events: list[int]) -> list[Mapping[str, Any] | None]:
    async def work() -> list[Mapping[str, Any] | None]:
        redis: AsyncRedis = AsyncRedis.from_url(settings.REDIS_URL)
        try:
            return await vault.take(redis, events)
        finally:
            await redis.aclose()

    return asyncio.run(work())


def test_what_was_put_can_be_taken_until_it_is_dropped(settings: Any, redis: Redis) -> None:
    put(settings, 7, CONTENT)
    assert take(settings, [7, 8]) == [CONTENT, None]
    assert take(settings, [7]) == [CONTENT]

    async def forget() -> None:
        client: AsyncRedis = AsyncRedis.from_url(settings.REDIS_URL)
        await vault.drop(client, [7])
        await client.aclose()

    asyncio.run(forget())
    assert redis.keys("*") == []


def test_redis_sees_ciphertext_that_expires_by_itself(settings: Any, redis: Redis) -> None:
    settings.MIO_VAULT_TTL = 120
    put(settings, 7, CONTENT)
    sealed = redis.get("vault:7")
    assert isinstance(sealed, bytes)
    assert b"canary" not in sealed
    assert 0 < int(redis.ttl("vault:7")) <= 120  # type: ignore[arg-type]


def test_equal_contents_never_look_equal(settings: Any, redis: Redis) -> None:
    put(settings, 1, CONTENT)
    first = redis.get("vault:1")
    put(settings, 1, CONTENT)
    assert redis.get("vault:1") != first


def test_contents_cannot_be_swapped_between_events(settings: Any, redis: Redis) -> None:
    put(settings, 1, CONTENT)
    redis.rename("vault:1", "vault:2")
    assert take(settings, [2]) == [None]


def test_damaged_contents_are_as_good_as_forgotten(settings: Any, redis: Redis) -> None:
    put(settings, 1, CONTENT)
    redis.set("vault:1", b"short")
    assert take(settings, [1]) == [None]
