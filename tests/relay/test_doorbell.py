import asyncio
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections
from redis import asyncio as aioredis

from relay import doorbell, ingress
from relay.models import Delivery, InboundEvent
from relay.waiting import Waiting
from tests.house import House, knock


def waiting(link: int = 7, age: float = 0.0, number: int = 1) -> Waiting:
    now = datetime.now(UTC)
    told = now - timedelta(days=1, microseconds=1)
    return Waiting(
        number, link, "posted", "17.5", told, now - timedelta(seconds=age), 3, "C1", 5, "Général\x1f", True, None, False
    )


def after(*rings: Mapping[int, Waiting | None], raw: bytes = b"") -> doorbell.Rung:
    """What a worker hears after these rings."""

    async def work() -> doorbell.Rung:
        redis = aioredis.Redis.from_url(settings.REDIS_URL)
        try:
            async with redis.pipeline(transaction=False) as pipeline:
                for rung in rings:
                    doorbell.ring(pipeline, 0, rung)
                if raw:
                    pipeline.zadd(doorbell.key(0), {raw: time.time()})
                await pipeline.execute()
            heard = await doorbell.wait(redis, 0, 1.0)
            assert not await redis.exists(doorbell.key(0)), "whoever hears a ring takes it away"
            return heard
        finally:
            await redis.aclose()

    return asyncio.run(work())


@pytest.mark.usefixtures("redis")
class TestRinging:
    def test_a_lone_event_comes_with_the_ring(self) -> None:
        sent = waiting()
        [(link, heard)] = after({7: sent}).items()
        assert link == 7
        assert heard
        assert heard._replace(age=0.0) == sent
        assert 0.0 <= heard.age < doorbell.FRESH_SECONDS

    def test_ringing_twice_is_ringing_once(self) -> None:
        assert after({7: None, 8: None}, {7: None}) == {7: None, 8: None}

    @pytest.mark.parametrize("second", [None, waiting(number=2)], ids=["a plain ring", "another event"])
    def test_a_link_that_was_rung_for_twice_is_read(self, second: Waiting | None) -> None:
        assert after({7: waiting()}, {7: second}) == {7: None}
        assert after({7: second}, {7: waiting()}) == {7: None}

    @pytest.mark.parametrize(
        "age", [doorbell.FRESH_SECONDS, -2 * doorbell.FRESH_SECONDS], ids=["old", "by another clock"]
    )
    def test_a_row_that_may_be_out_of_date_is_read_again(self, age: float) -> None:
        assert after({7: waiting(age=age)}) == {7: None}

    @pytest.mark.parametrize("packed", ["[1]", "{", "[]", json.dumps([None] * 13)])
    def test_a_ring_of_another_version_is_still_a_ring(self, packed: str) -> None:
        assert after(raw=f"7 {packed}".encode()) == {7: None}

    def test_nobody_rang(self) -> None:
        async def work() -> doorbell.Rung:
            redis = aioredis.Redis.from_url(settings.REDIS_URL)
            try:
                return await doorbell.wait(redis, 0, 0.01)
            finally:
                await redis.aclose()

        assert asyncio.run(work()) == {}


def rung(house: House, redis: Any) -> list[bytes]:
    """What hangs on the bell once the waiting webhooks are in."""
    assert set(house.take_webhooks_in()) == {200}
    return list(redis.zrange(doorbell.key(0), 0, -1))


def test_a_lone_message_is_rung_for_with_its_row_and_no_word_of_it(house: House, redis: Any) -> None:
    house.type("slack", "Bob Okafor", "zinnoberrot")
    [ring] = rung(house, redis)
    assert Waiting.unpacked(ring.partition(b" ")[2]).id == InboundEvent.objects.get().pk
    assert b"zinnoberrot" not in ring


def test_two_messages_that_come_together_are_read_by_the_worker(house: House, redis: Any) -> None:
    for text in ("one", "two"):
        house.type("slack", "Bob Okafor", text)
    webhooks = [(urlsplit(one.url), one.body, dict(one.sign())) for one in house.webhooks]

    async def work() -> list[int]:
        try:
            return await asyncio.gather(*(knock(url.path, body, headers) for url, body, headers in webhooks))
        finally:
            await ingress.close_inbox()
            await sync_to_async(connections.close_all)()

    assert asyncio.run(work()) == [200, 200]
    assert redis.zrange(doorbell.key(0), 0, -1) == [b"%d" % house.links["slack/general"].pk]


def test_a_ring_that_comes_late_says_nothing_twice(house: House, redis: Any) -> None:
    house.type("slack", "Bob Okafor", "once")
    [ring] = rung(house, redis)
    house.relay()
    told = InboundEvent.objects.values().first(), list(Delivery.objects.values())
    before = {slug: house.shown(slug) for slug in house.world.fakes}

    late = Waiting.unpacked(ring.partition(b" ")[2])._replace(received_at=datetime.now(UTC))
    doorbell.ring(redis, 0, {late.link_id: late})
    house.look(0.5)

    assert not redis.exists(doorbell.key(0)), "the worker has heard it"
    assert {slug: house.shown(slug) for slug in house.world.fakes} == before
    assert (InboundEvent.objects.values().first(), list(Delivery.objects.values())) == told
