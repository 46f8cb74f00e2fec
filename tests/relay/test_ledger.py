import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.utils import timezone
from redis import Redis

from accounts.models import Installation, Tenant
from connectors.messages import Kind
from relay import shards
from relay.database import LeaseLost, connect
from relay.inbox import Told, accept
from relay.ledger import Ledger
from relay.models import (
    ConversationLink,
    Delivery,
    Discard,
    InboundEvent,
    MessageCopy,
    Outcome,
    Participation,
    RelayedMessage,
    Shard,
    UniversalConversation,
)
from relay.routing import SETTLED, Heard
from relay.turns import CalledOff, Intent, Said, Turn

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def links() -> list[ConversationLink]:
    """One conversation on three workspaces."""
    tenant = Tenant.objects.create(name="Acme")
    universal = UniversalConversation.objects.create(tenant=tenant, name="general")
    made = []
    for number in range(3):
        installation = Installation.objects.create(
            tenant=tenant, platform="slack", workspace=f"T{number}", name="Acme", account="U0"
        )
        made.append(
            ConversationLink.objects.create(
                conversation=universal, installation=installation, external_id="C1", name="general"
            )
        )
    return made


def told(message: str, workspace: str = "T0", event_id: str = "") -> Told:
    return Told("slack", workspace, "C1", event_id or f"E-{message}", "posted", message, NOW)


def take_in(*events: Told) -> list[Any]:
    async def work() -> list[Any]:
        database = await connect()
        try:
            return await accept(database, events)
        finally:
            await database.close()

    return asyncio.run(work())


def with_ledger(work: Callable[[Ledger], Awaitable[Any]], shard: int = 0, of: int = 1) -> Any:
    async def run() -> Any:
        ledger = await Ledger.take(shard, of, 5.0)
        assert ledger
        try:
            return await work(ledger)
        finally:
            await ledger.close()
            await sync_to_async(connections.close_all)()

    return asyncio.run(run())


def heard(event: int, link: ConversationLink, message: str, *, own: bool = False, discard: str = "") -> Heard:
    return Heard(event, link.pk, message, own, NOW, discard)


def route(*items: Heard) -> list[Any]:
    return list(with_ledger(lambda ledger: ledger.route(list(items))))


class TestAccepting:
    def test_events_are_kept_in_the_order_they_came(self, links: list[ConversationLink]) -> None:
        accepted = take_in(told("3"), told("1"), told("2"))
        assert [one.discard for one in accepted] == [None, None, None]
        assert list(InboundEvent.objects.order_by("id").values_list("message", flat=True)) == ["3", "1", "2"]

    def test_a_redelivered_event_leaves_no_second_row(self, links: list[ConversationLink]) -> None:
        take_in(told("1"))
        assert take_in(told("1"))[0].discard == Discard.DUPLICATE
        assert InboundEvent.objects.count() == 1

    def test_the_same_event_twice_in_one_commit_leaves_one_row(self, links: list[ConversationLink]) -> None:
        take_in(told("1"), told("1"))
        assert InboundEvent.objects.count() == 1

    def test_what_concerns_nobody_leaves_no_row(self, links: list[ConversationLink]) -> None:
        ConversationLink.objects.filter(pk=links[1].pk).update(is_active=False)
        accepted = take_in(told("1", "T9"), told("2", "T1"))
        assert [one.discard for one in accepted] == [Discard.UNKNOWN_WORKSPACE, Discard.NOT_LINKED]
        assert InboundEvent.objects.count() == 0


class TestWaiting:
    """What the bell brings of a new event is what a worker would read of it."""

    def test_a_lone_message_is_handed_on_as_the_ledger_reads_it(self, links: list[ConversationLink]) -> None:
        other = Tenant.objects.create(name="Globex")
        Participation.objects.create(conversation=links[0].conversation, tenant=other)
        ConversationLink.objects.filter(pk=links[0].pk).update(carries_apps=True, heard_by="U7", name="Général")
        [accepted] = take_in(told("1"))
        [[row]] = with_ledger(lambda ledger: asyncio.gather(ledger.events_waiting((links[0].pk, 0))))
        assert accepted.waiting
        assert accepted.waiting.is_shared
        assert accepted.waiting._replace(age=0.0)._asdict() == row._replace(age=0.0)._asdict()

    def test_a_message_behind_another_is_left_for_the_worker_to_read(self, links: list[ConversationLink]) -> None:
        first, second = take_in(told("1"))[0], take_in(told("2"))[0]
        assert (first.waiting is None, second.waiting is None) == (False, True)
        for one in (first, second):
            route(heard(one.event, links[0], str(one.event)))
        assert take_in(told("3"))[0].waiting

    def test_only_new_messages_are_handed_on(self, links: list[ConversationLink]) -> None:
        assert take_in(told("1")._replace(kind=Kind.EDITED))[0].waiting is None
        assert take_in(told("2", "T9"))[0].waiting is None


class TestRouting:
    def test_what_was_routed_before_is_left_as_it_is(self, links: list[ConversationLink]) -> None:
        event = take_in(told("1"))[0].event
        route(heard(event, links[0], "1"))
        before = list(Delivery.objects.values()), InboundEvent.objects.values().get()
        [routed] = route(heard(event, links[0], "1"))
        assert (routed.verdict, routed.links) == (SETTLED, [])
        assert (list(Delivery.objects.values()), InboundEvent.objects.values().get()) == before

    def test_an_event_that_was_discarded_stays_so_whatever_is_said_of_it_later(
        self, links: list[ConversationLink]
    ) -> None:
        event = take_in(told("1"))[0].event
        route(heard(event, links[0], "1", discard=Discard.GONE))
        assert route(heard(event, links[0], "1"))[0].verdict == SETTLED
        assert InboundEvent.objects.get().discard == Discard.GONE
        assert not Delivery.objects.exists()

    def test_an_event_of_another_shards_conversation_waits_for_that_one(self, links: list[ConversationLink]) -> None:
        event = take_in(told("1"))[0].event

        async def work(ledger: Ledger) -> Any:
            return await ledger.route([heard(event, links[0], "1")])

        shard = (links[0].conversation_id + 1) % 2
        assert with_ledger(work, shard, 2)[0].verdict == SETTLED
        assert InboundEvent.objects.get().state == InboundEvent.State.WAITING

    def test_a_message_goes_to_every_other_link_in_one_commit(self, links: list[ConversationLink]) -> None:
        event = take_in(told("1"))[0].event
        [routed] = route(heard(event, links[0], "1"))
        assert (routed.verdict, sorted(routed.links)) == ("", [links[1].pk, links[2].pk])
        assert MessageCopy.objects.get().external_id == "1"
        assert InboundEvent.objects.get().state == InboundEvent.State.DONE
        assert set(Delivery.objects.values_list("link", "state")) == {(links[1].pk, 0), (links[2].pk, 0)}

    def test_an_inactive_link_gets_nothing(self, links: list[ConversationLink]) -> None:
        ConversationLink.objects.filter(pk=links[1].pk).update(is_active=False)
        event = take_in(told("1"))[0].event
        [routed] = route(heard(event, links[0], "1"))
        assert routed.links == [links[2].pk]

    def test_the_same_message_under_another_event_id_is_a_duplicate(self, links: list[ConversationLink]) -> None:
        first, second = (one.event for one in take_in(told("1"), told("1", event_id="E-again")))
        route(heard(first, links[0], "1"))
        [routed] = route(heard(second, links[0], "1"))
        assert routed.verdict == Discard.DUPLICATE
        assert Delivery.objects.count() == 2

    def test_our_own_copy_coming_back_is_an_echo(self, links: list[ConversationLink]) -> None:
        message = RelayedMessage.objects.create(conversation=links[0].conversation, origin=links[1])
        MessageCopy.objects.create(message=message, link=links[0], external_id="1")
        event = take_in(told("1"))[0].event
        [routed] = route(heard(event, links[0], "1", own=True))
        assert routed.verdict == Discard.ECHO
        assert InboundEvent.objects.get().discard == Discard.ECHO

    def test_our_own_account_waits_while_a_send_is_under_way(self, links: list[ConversationLink]) -> None:
        theirs = take_in(told("t", "T1"))[0].event
        route(heard(theirs, links[1], "t"))
        Delivery.objects.filter(link=links[0]).update(state=Delivery.State.SENDING, intent_at=NOW)
        mine = take_in(told("m"))[0].event
        [routed] = route(heard(mine, links[0], "m", own=True))
        assert routed.verdict == "later"
        assert InboundEvent.objects.get(pk=mine).state == InboundEvent.State.WAITING

    def test_somebody_else_does_not_wait_for_a_send_under_way(self, links: list[ConversationLink]) -> None:
        theirs = take_in(told("t", "T1"))[0].event
        route(heard(theirs, links[1], "t"))
        Delivery.objects.filter(link=links[0]).update(state=Delivery.State.SENDING, intent_at=NOW)
        mine = take_in(told("m"))[0].event
        assert route(heard(mine, links[0], "m"))[0].verdict == ""

    def test_a_reason_to_discard_is_written_down(self, links: list[ConversationLink]) -> None:
        event = take_in(told("1"))[0].event
        route(heard(event, links[0], "1", discard=Discard.NOT_CARRIED))
        assert InboundEvent.objects.get().discard == Discard.NOT_CARRIED
        assert not RelayedMessage.objects.exists()


class TestTurns:
    def deliveries(self, links: list[ConversationLink], count: int) -> list[Delivery]:
        events = [one.event for one in take_in(*(told(str(n)) for n in range(count)))]
        ConversationLink.objects.filter(pk=links[2].pk).update(is_active=False)
        route(*(heard(event, links[0], str(n)) for n, event in enumerate(events)))
        return list(Delivery.objects.order_by("id"))

    def turn(self, said: Said | None, intent: Intent | None) -> int | None:
        result: int | None = with_ledger(lambda ledger: ledger.turn(Turn(said, intent)))
        return result

    def test_an_intent_is_on_record_with_its_time(self, links: list[ConversationLink]) -> None:
        [delivery] = self.deliveries(links, 1)
        self.turn(None, Intent(delivery.pk, 0))
        delivery.refresh_from_db()
        assert (delivery.state, delivery.tries) == (Delivery.State.SENDING, 1)
        assert delivery.intent_at is not None

    def test_an_outcome_and_the_next_intent_are_one_commit(self, links: list[ConversationLink]) -> None:
        first, second = self.deliveries(links, 2)
        self.turn(None, Intent(first.pk, 0))
        finished = self.turn(Said(first.pk, first.event_id, 0, "W1", True, Outcome.SAID), Intent(second.pk, 0))
        assert finished == first.event_id
        assert [d.state for d in Delivery.objects.order_by("id")] == [Delivery.State.DONE, Delivery.State.SENDING]
        assert MessageCopy.objects.filter(link=links[1], external_id="W1", message=first.message).exists()
        assert first.attempts.get().outcome == Outcome.SAID

    def test_the_parts_of_a_message_follow_each_other(self, links: list[ConversationLink]) -> None:
        [delivery] = self.deliveries(links, 1)
        self.turn(None, Intent(delivery.pk, 0))
        finished = self.turn(Said(delivery.pk, delivery.event_id, 0, "W1", False, Outcome.SAID), Intent(delivery.pk, 1))
        assert finished is None
        delivery.refresh_from_db()
        assert (delivery.state, delivery.part) == (Delivery.State.SENDING, 1)
        self.turn(Said(delivery.pk, delivery.event_id, 1, "W2", True, Outcome.SAID), None)
        assert list(MessageCopy.objects.filter(link=links[1]).order_by("part").values_list("part", "external_id")) == [
            (0, "W1"),
            (1, "W2"),
        ]

    def test_contents_may_be_forgotten_only_after_the_last_delivery(self, links: list[ConversationLink]) -> None:
        event = take_in(told("1"))[0].event
        route(heard(event, links[0], "1"))
        first, second = Delivery.objects.order_by("id")
        assert self.turn(Said(first.pk, event, 0, "A", True, Outcome.SAID), None) is None
        assert self.turn(Said(second.pk, event, 0, "B", True, Outcome.SAID), None) == event

    def test_what_was_called_off_meanwhile_is_not_sent_and_what_was_said_before_stays_written(
        self, links: list[ConversationLink]
    ) -> None:
        first, second = self.deliveries(links, 2)
        self.turn(None, Intent(first.pk, 0))
        Delivery.objects.filter(pk=second.pk).update(state=Delivery.State.SKIPPED, reason="unsynced")
        with pytest.raises(CalledOff):
            self.turn(Said(first.pk, first.event_id, 0, "W1", True, Outcome.SAID), Intent(second.pk, 0))
        states = list(Delivery.objects.order_by("id").values_list("state", "tries"))
        assert states == [(Delivery.State.DONE, 0), (Delivery.State.SKIPPED, 0)]


class TestLeases:
    def test_a_shard_is_leased_to_one_worker_at_a_time(self) -> None:
        async def work() -> tuple[bool, bool]:
            first = await Ledger.take(0, 2, 5.0)
            second = await Ledger.take(0, 2, 5.0)
            other = await Ledger.take(1, 2, 5.0)
            assert first
            assert other
            await first.close()
            third = await Ledger.take(0, 2, 5.0)
            assert third
            await third.close()
            await other.close()
            return second is None, third is not None

        assert asyncio.run(work()) == (True, True)

    def test_a_division_into_another_number_of_shards_waits_for_the_old_one(self) -> None:
        async def work() -> bool:
            first = await Ledger.take(0, 2, 5.0)
            other = await Ledger.take(1, 3, 5.0)
            assert first
            await first.close()
            return other is None

        assert asyncio.run(work())

    def test_a_slice_that_ends_while_its_lease_is_being_renewed_gives_it_back(
        self, redis: Redis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shards, "CANCEL_SECONDS", 0.0)
        monkeypatch.setattr(shards, "SWEEP_SECONDS", 0.1)

        async def work() -> None:
            leased = asyncio.Event()
            working = asyncio.create_task(shards.drain(0, 1, lambda: bool(leased.set()), seconds=0.6))
            async with await connect() as other:
                await leased.wait()
                await other.set_autocommit(False)
                await other.execute("SELECT FROM relay_shard FOR UPDATE")
                await asyncio.sleep(0.8)  # when the slice ends, a renewal is waiting for this lock
                await other.rollback()
            assert await working

        asyncio.run(work())
        assert Shard.objects.get(number=0).expires_at <= timezone.now()

    @pytest.mark.parametrize("write", ["route", "turn", "set_back", "renew"])
    def test_a_worker_whose_lease_was_taken_over_writes_nothing(
        self, links: list[ConversationLink], write: str
    ) -> None:
        first_event, second_event = (one.event for one in take_in(told("1"), told("2")))
        route(heard(first_event, links[0], "1"))
        delivery = Delivery.objects.order_by("id")[0]

        async def work(ledger: Ledger) -> None:
            await Shard.objects.filter(number=0).aupdate(fence=99)
            writes: dict[str, Callable[[], Awaitable[Any]]] = {
                "route": lambda: ledger.route([heard(second_event, links[0], "2")]),
                "turn": lambda: ledger.turn(Turn(None, Intent(delivery.pk, 0))),
                "set_back": lambda: ledger.set_back(delivery.pk, 4, Outcome.REFUSED, "no", 0.0),
                "renew": lambda: ledger.renew(5.0),
            }
            with pytest.raises(LeaseLost):
                await writes[write]()

        with_ledger(work)
        assert RelayedMessage.objects.count() == 1
        assert Delivery.objects.filter(state=Delivery.State.WAITING).count() == 2
