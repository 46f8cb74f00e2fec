import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections
from redis import asyncio as aioredis

from connectors.calls import Response
from connectors.http import Outgoing
from relay import doorbell, ingress, vault
from relay.doorbell import Brought
from relay.ledger import Ledger
from relay.models import Delivery, InboundEvent
from relay.shards import drain
from relay.waiting import Waiting
from tests.house import House, knock


def waiting(link: int = 7, age: float = 0.0, number: int = 1) -> Waiting:
    now = datetime.now(UTC)
    told = now - timedelta(days=1, microseconds=1)
    return Waiting(
        number, link, "posted", "17.5", told, now - timedelta(seconds=age), 3, "C1", 5, "Général\x1f", True, None, False
    )


def client(database: int | None = None) -> "aioredis.Redis":
    redis = aioredis.Redis.from_url(settings.REDIS_URL)
    if database is not None:
        redis.connection_pool.connection_kwargs["db"] = database
    return redis


OVER: doorbell.Rung = {0: None}
"""Rung when all is said, so that nobody waits for what may not come."""


async def say(redis: "aioredis.Redis", rung: doorbell.Rung, shard: int = 0) -> list[int]:
    """Ring once; how many listened."""
    async with redis.pipeline(transaction=False) as pipeline:
        doorbell.ring(pipeline, shard, rung)
        listeners: list[int] = await pipeline.execute()
        return listeners


async def heard(rings: AsyncIterator[doorbell.Rung]) -> list[doorbell.Rung]:
    found: list[doorbell.Rung] = []
    async for rung in rings:
        if rung == OVER:
            break
        found.append(rung)
    return found


def after(*rung: doorbell.Rung, raw: bytes = b"", shard: int = 0, database: int | None = None) -> list[doorbell.Rung]:
    """What the worker of shard 0 hears after these rings, one after the other."""

    async def work() -> list[doorbell.Rung]:
        async with client() as redis, client(database) as ringing, doorbell.listening(redis, 0) as rings:
            for one in rung:
                await say(ringing, one, shard)
            if raw:
                [channel] = await redis.pubsub_channels("bell:*")
                await redis.publish(channel, raw)
            await say(redis, OVER)
            found = await heard(rings)
            assert not await redis.keys(), "a ring is kept nowhere"
            return found

    return asyncio.run(work())


@pytest.mark.usefixtures("redis")
class TestRinging:
    def test_a_lone_event_comes_with_its_content(self) -> None:
        sent = Brought(waiting(), b"\n\x00sealed\n")
        [rung] = after({7: sent, 8: None, 9: Brought(waiting(9, number=2), b"other")})
        assert list(rung) == [7, 8, 9]
        assert rung[8] is None
        assert [one.sealed for one in rung.values() if one] == [b"\n\x00sealed\n", b"other"]
        first = rung[7]
        assert first
        assert first.waiting._replace(age=0.0) == sent.waiting
        assert 0.0 <= first.waiting.age < doorbell.FRESH_SECONDS

    def test_a_large_content_is_left_to_the_vault(self) -> None:
        most = doorbell.LARGEST_BROUGHT
        [rung] = after({7: Brought(waiting(7), b"x" * (most + 1)), 8: Brought(waiting(8), b"y" * most)})
        assert [one and len(one.sealed) for one in rung.values()] == [0, most]

    def test_every_ring_is_heard(self) -> None:
        assert after({7: None}, {8: None}, {7: None}) == [{7: None}, {8: None}, {7: None}]

    @pytest.mark.parametrize(
        "age", [doorbell.FRESH_SECONDS, -2 * doorbell.FRESH_SECONDS], ids=["old", "by another clock"]
    )
    def test_a_row_that_may_be_out_of_date_is_read_again(self, age: float) -> None:
        assert after({7: Brought(waiting(age=age), b"sealed")}) == [{7: None}]

    @pytest.mark.parametrize("packed", ["7", "[7]", "[[7]]", "{", "[[7, [1], 0]]", json.dumps([[7, [None] * 13, 0]])])
    def test_a_ring_of_another_version_stops_nothing(self, packed: str) -> None:
        assert after(raw=packed.encode()) == [{}]

    def test_another_shard_s_rings_are_not_heard(self) -> None:
        assert after({7: None}, shard=1) == []

    def test_another_hub_s_rings_on_the_same_server_are_not_heard(self) -> None:
        """Redis' channels are the same for all of a server's databases."""
        assert after({7: None}, database=15) == []


@contextmanager
def listening() -> Iterator[list[doorbell.Rung]]:
    """What rings, as a thread hears it; complete when the block has ended."""
    rings: list[doorbell.Rung] = []
    ready = threading.Event()

    async def listen() -> None:
        async with client() as redis, doorbell.listening(redis, 0) as bell:
            ready.set()
            rings.extend(await heard(bell))

    async def end() -> None:
        async with client() as redis:
            await say(redis, OVER)

    thread = threading.Thread(target=lambda: asyncio.run(listen()))
    thread.start()
    assert ready.wait(30.0)
    try:
        yield rings
    finally:
        asyncio.run(end())
        thread.join()


def rung(house: House) -> doorbell.Rung:
    """What rings when the waiting webhooks come in."""
    with listening() as rings:
        assert set(house.take_webhooks_in()) == {200}
    [one] = rings
    return one


def test_a_lone_message_is_rung_for_with_its_row_and_no_readable_word_of_it(house: House, redis: Any) -> None:
    house.type("slack", "Bob Okafor", "zinnoberrot")
    [brought] = rung(house).values()
    assert brought
    event = InboundEvent.objects.get().pk
    assert brought.waiting.id == event
    assert brought.sealed == redis.get(f"vault:{event}")
    assert b"zinnoberrot" not in brought.sealed
    assert "zinnoberrot" in json.dumps(vault.opened(event, brought.sealed))
    assert "zinnoberrot" not in repr(brought.waiting)


def test_two_messages_that_come_together_are_read_by_the_worker(house: House) -> None:
    for text in ("one", "two"):
        house.type("slack", "Bob Okafor", text)
    webhooks = [(urlsplit(one.url), one.body, dict(one.sign())) for one in house.webhooks]

    async def work() -> list[int]:
        try:
            return await asyncio.gather(*(knock(url.path, body, headers) for url, body, headers in webhooks))
        finally:
            await ingress.close_inbox()
            await sync_to_async(connections.close_all)()

    with listening() as rings:
        assert asyncio.run(work()) == [200, 200]
    assert rings == [{house.links["slack/general"].pk: None}]


def test_what_rang_while_nobody_listened_is_found_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    found_before: list[bool] = []
    reach, renew = house.transport, Ledger.renew

    async def reached(outgoing: Outgoing) -> Response:
        arrived.set()
        return await reach(outgoing)

    async def renewed(self: Ledger, seconds: float) -> None:
        """The lease's helper, who looks for work once it is through with this, comes second."""
        await renew(self, seconds)
        if not found_before:
            with suppress(TimeoutError):
                await asyncio.wait_for(arrived.wait(), 5.0)
            found_before.append(arrived.is_set())

    arrived = asyncio.Event()
    house.transport = reached
    monkeypatch.setattr(Ledger, "renew", renewed)
    house.type("slack", "Bob Okafor", "is anybody there?")
    assert set(house.take_webhooks_in()) == {200}
    house.relay()
    assert found_before == [True]
    assert any("is anybody there?" in text for text in house.shown("zoom"))


def test_what_the_bell_brings_is_not_asked_of_the_vault(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[vault.Key] = []
    waiting = ["second", "third"]
    reach, take = house.transport, vault.take

    async def answered(outgoing: Outgoing) -> Response:
        """While the worker listens, Bob goes on."""
        if waiting and "/chat/" in outgoing.url:
            house.type("slack", "Bob Okafor", waiting.pop(0))
        return await reach(outgoing)

    async def taken(redis: Any, events: Sequence[vault.Key]) -> Any:
        asked.extend(events)
        return await take(redis, events)

    house.transport = answered
    monkeypatch.setattr(vault, "take", taken)
    house.type("slack", "Bob Okafor", "first")
    house.relay()
    for slug in ("teams", "webex", "zoom"):
        assert all(any(text in html for html in house.shown(slug)) for text in ("first", "second", "third"))
    said = Delivery.objects.order_by("event_id").values_list("event_id", flat=True).distinct()
    assert [event in asked for event in said] == [True, False, False], "only the first came while nobody listened"


def test_a_ring_that_comes_late_says_nothing_twice(house: House) -> None:
    house.type("slack", "Bob Okafor", "once")
    [brought] = rung(house).values()
    assert brought
    house.relay()
    told = InboundEvent.objects.values().first(), list(Delivery.objects.values())
    before = {slug: house.shown(slug) for slug in house.world.fakes}

    late = brought._replace(waiting=brought.waiting._replace(received_at=datetime.now(UTC)))

    async def work() -> list[int]:
        at_work = asyncio.create_task(drain(0, 1, lambda: False, house.transport, house.opener, 1.0))
        async with client() as redis:
            while not await redis.pubsub_channels("bell:*"):  # noqa: ASYNC110 - nothing tells that somebody listens
                await asyncio.sleep(0.01)
            listeners = await say(redis, {late.waiting.link_id: late})
        await at_work
        return listeners

    assert asyncio.run(work()) == [1]
    assert {slug: house.shown(slug) for slug in house.world.fakes} == before
    assert (InboundEvent.objects.values().first(), list(Delivery.objects.values())) == told
