"""What is wrong with our own servers, or with one message, costs nobody a message."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from redis import Redis
from redis.exceptions import RedisError

from accounts.models import Installation, PlatformAccount, Token
from connectors.calls import Response
from connectors.http import Outgoing, Transport
from connectors.sandbox import Fault
from relay import ingress, shards, visit
from relay.database import connection_parameters
from relay.models import ConversationLink, Delivery, InboundEvent
from tests.house import House

State = Delivery.State


def copies(house: House, slug: str, text: str) -> int:
    return len([html for html in house.shown(slug) if text in html])


def changed(transport: Transport, change: Callable[[Outgoing], Response | None]) -> Transport:
    """``transport``, but for what ``change`` answers instead."""

    async def send(outgoing: Outgoing) -> Response:
        return change(outgoing) or await transport(outgoing)

    return send


def end_connections(like: str) -> None:
    """As when PostgreSQL restarts or a network drops: those connections that last ran such a statement are gone."""
    with psycopg.connect(**connection_parameters(), autocommit=True) as database:
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database() AND query LIKE %s",
            (like,),
        )


def test_a_database_connection_that_breaks_in_mid_slice_parks_nothing(house: House) -> None:
    for number in range(5):
        house.type("slack", "Bob Okafor", f"number {number}.")
    broken = False

    def break_once(outgoing: Outgoing) -> None:
        nonlocal broken
        if outgoing.method == "POST" and not broken:
            broken = True
            end_connections("%intended AS%")

    reach = house.transport
    house.transport = changed(reach, break_once)
    with suppress(psycopg.OperationalError):
        house.relay(rounds=1)
    assert broken
    assert not Delivery.objects.filter(state__in=(State.PARKED, State.SKIPPED)).exists()
    Delivery.objects.filter(state=State.SENDING).update(intent_at="2020-01-01T00:00:00Z")
    house.relay()
    for slug in ("teams", "webex", "zoom"):
        assert [copies(house, slug, f"number {n}.") for n in range(5)] == [1] * 5


def test_a_redis_that_goes_away_in_mid_slice_parks_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        house.type("slack", "Bob Okafor", f"number {number}.")
    house.take_webhooks_in()

    async def away(*_: Any) -> Any:
        raise RedisError

    with monkeypatch.context() as patch:
        patch.setattr("relay.vault.take", away)
        house.relay()
    assert not Delivery.objects.filter(state__in=(State.PARKED, State.SKIPPED)).exists()
    for slug in ("teams", "webex", "zoom"):
        assert [copies(house, slug, f"number {n}.") for n in range(5)] == [1] * 5


def test_a_call_under_way_when_the_slice_ends_is_not_made_twice(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "LEASE_SECONDS", 1.0)
    monkeypatch.setattr(shards, "SWEEP_SECONDS", 0.2)
    reach = house.transport

    async def slowly(outgoing: Outgoing) -> Response:
        if outgoing.method == "POST" and "webexapis" in outgoing.url:
            await asyncio.sleep(2.5)
        return await reach(outgoing)

    async def two_slices() -> None:
        await house.post_webhooks()
        first = asyncio.create_task(shards.drain(0, 1, lambda: False, slowly, seconds=0.5))
        while not first.done():
            await shards.drain(0, 1, lambda: True, slowly, seconds=0.1)
            await asyncio.sleep(0.1)
        await ingress.close_inbox()

    house.type("slack", "Bob Okafor", "slowly")
    asyncio.run(two_slices())
    house.relay()
    assert copies(house, "webex", "slowly") == 1


def test_a_worker_that_died_in_mid_call_is_given_the_platform_s_time(house: House) -> None:
    house.type("slack", "Bob Okafor", "still on its way")
    house.world.faults.append(Fault("webex", status=503))
    house.relay(rounds=1)
    house.world.faults.clear()
    Delivery.objects.filter(link=house.links["webex/general"]).update(state=State.SENDING)
    with psycopg.connect(**connection_parameters(), autocommit=True) as database:
        database.execute("UPDATE relay_delivery SET intent_at = now() - interval '10 s' WHERE state = 1")
    ConversationLink.objects.update(not_before=None)
    asyncio.run(house.drain_until_idle(1.0))
    assert copies(house, "webex", "still on its way") == 0
    with psycopg.connect(**connection_parameters(), autocommit=True) as database:
        database.execute("UPDATE relay_delivery SET intent_at = now() - interval '31 s' WHERE state = 1")
    house.relay()
    assert copies(house, "webex", "still on its way") == 1


def test_a_message_that_became_shorter_than_what_was_said_of_it_comes_to_an_end(house: House) -> None:
    house.type("slack", "Bob Okafor", "short now")
    house.world.faults.append(Fault("zoom", status=429))
    house.relay(rounds=1)
    house.world.faults.clear()
    Delivery.objects.filter(link=house.links["zoom/general"]).update(part=2)
    ConversationLink.objects.update(not_before=None)
    house.type("slack", "Bob Okafor", "the next one")
    house.relay()
    assert set(Delivery.objects.values_list("state", flat=True)) == {State.DONE}
    assert copies(house, "zoom", "the next one") == 1


def test_an_answer_the_ledger_cannot_hold_hurts_no_other_mailbox(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    post = type(house.installations["zoom"].connector()).post

    def with_endless_id(self: Any, rendered: Any) -> Any:
        yield from post(self, rendered)
        return "x" * 300

    monkeypatch.setattr(type(house.installations["zoom"].connector()), "post", with_endless_id)
    monkeypatch.setattr(shards, "STUCK_SECONDS", 300.0)
    house.type("slack", "Bob Okafor", "for everybody")
    house.take_webhooks_in()
    asyncio.run(house.drain_until_idle(4.0))
    assert copies(house, "teams", "for everybody") == copies(house, "webex", "for everybody") == 1
    others = Delivery.objects.exclude(link=house.links["zoom/general"])
    assert set(others.values_list("state", flat=True)) == {State.DONE}


def test_a_lost_send_is_found_among_many_others(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "SETTLE", 0.0)
    house.world.faults.append(Fault("webex", timeout_after_success=True))
    house.type("slack", "Bob Okafor", "said once")
    house.relay(rounds=1)
    house.world.faults.clear()
    for number in range(60):
        house.type("webex", "Farid Haddad", f"chat {number}")
    house.webhooks.clear()
    ConversationLink.objects.update(not_before=None)
    house.relay()
    assert copies(house, "webex", "said once") == 1


def test_what_nobody_could_deliver_for_a_day_is_kept_for_a_decision(house: House) -> None:
    house.world.faults.append(Fault("webex", status=503))
    house.type("slack", "Bob Okafor", "too late")
    house.relay(rounds=1)
    with psycopg.connect(**connection_parameters(), autocommit=True) as database:
        database.execute("UPDATE relay_delivery SET created_at = now() - interval '25 h'")
    ConversationLink.objects.update(not_before=None)
    house.relay(rounds=1)
    stuck = Delivery.objects.get(link=house.links["webex/general"])
    assert stuck.state == State.PARKED
    assert stuck.reason.startswith("tried for a day")


def test_a_webhook_finds_a_new_connection_when_the_old_one_broke(house: House) -> None:
    async def work() -> list[int]:
        house.type("webex", "Farid Haddad", "one")
        statuses = await house.post_webhooks()
        await asyncio.to_thread(end_connections, "%WITH told AS%")
        house.type("webex", "Farid Haddad", "two")
        statuses += await house.post_webhooks()
        await ingress.close_inbox()
        return statuses

    assert asyncio.run(work()) == [200, 200]
    assert InboundEvent.objects.count() == 2


def test_a_silent_redis_keeps_no_platform_waiting(house: House, settings: Any) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def work() -> float:
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        settings.REDIS_URL = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
        for number in range(5):
            house.type("webex", "Farid Haddad", f"number {number}")
        start = time.monotonic()
        assert await house.post_webhooks() == [200] * 5
        took = time.monotonic() - start
        await ingress.close_inbox()
        server.close()
        return took

    reachable = settings.REDIS_URL
    try:
        took = asyncio.run(work())
    finally:
        settings.REDIS_URL = reachable
    assert took < 2 * ingress.WITHOUT_REDIS_SECONDS
    assert InboundEvent.objects.count() == 5


def test_a_hiccup_of_the_directory_names_nobody_wrongly_for_long(house: House) -> None:
    PlatformAccount.objects.filter(installation=house.installations["slack"]).delete()
    reach = house.transport
    house.transport = changed(reach, lambda outgoing: Response(503) if "users.info" in outgoing.url else None)
    house.type("slack", "Bob Okafor", "one.")
    house.relay()
    house.transport = reach
    house.type("slack", "Bob Okafor", "two.")
    house.relay()
    [first] = [html for html in house.shown("teams") if "one." in html]
    [second] = [html for html in house.shown("teams") if "two." in html]
    assert "Someone" in first
    assert "Bob Okafor" in second


def test_a_dead_token_of_the_source_flags_the_source(house: House, redis: Redis) -> None:
    house.type("webex", "Farid Haddad", "hello")
    house.world.faults += [Fault(slug, status=429) for slug in ("slack", "teams", "zoom")]
    house.relay(rounds=1)
    house.world.faults.clear()
    redis.flushdb()
    Token.objects.filter(installation=house.installations["webex"]).update(access="revoked")
    ConversationLink.objects.update(not_before=None)
    house.relay(rounds=1)
    flagged = Installation.objects.filter(state=Installation.State.NEEDS_RECONNECT)
    assert list(flagged.values_list("platform", flat=True)) == ["webex"]
