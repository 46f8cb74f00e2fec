"""What may go wrong between hearing of a change and showing it, and what then must not happen."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest

from connectors.calls import Response
from connectors.http import Outgoing
from connectors.messages import Edited, MessageId, Posted
from connectors.richtext import plain
from connectors.sandbox import Fault, Webhook
from connectors.slack.connector import Slack
from relay import page, shards, visit
from relay.changes import Changes
from relay.database import LeaseLost, connection_parameters
from relay.ledger import Ledger
from relay.models import ConversationLink, DailyCount, Delivery, Discard, InboundEvent
from tests.house import House
from tests.stories.test_conversation import Talk

State = Delivery.State


@pytest.fixture(autouse=True)
def quick_to_settle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "SETTLE", 0.0)
    monkeypatch.setattr(visit, "growing_rest", lambda setbacks: 60.0)  # until ``rested``


@pytest.fixture
def talk(house: House) -> Talk:
    return Talk(house, "slack", "webex")


def answering(house: House, strange: Callable[[Outgoing], Response | None]) -> None:
    """From now on some calls get a strange answer."""
    reach = house.transport

    async def send(outgoing: Outgoing) -> Response:
        return strange(outgoing) or await reach(outgoing)

    house.transport = send


def rested(house: House) -> None:
    """Everything crosses, whatever mailboxes were told to rest for."""
    for _ in range(3):
        ConversationLink.objects.update(not_before=None)
        house.relay()


def resigned(house: House, webhook: Webhook, **event: Any) -> Webhook:
    """A webhook of Slack's with some fields of its event changed."""
    payload = json.loads(webhook.body)
    payload["event"] |= event
    return house.with_other_event_id(Webhook(webhook.url, json.dumps(payload).encode(), webhook.sign))


# --- A send of which nothing was learned


def test_a_send_that_can_neither_be_found_nor_repeated_does_not_come_back_as_a_message(
    house: House, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(house, lambda call: Response(403, b"{}") if "webexapis" in call.url and call.method == "GET" else None)
    house.world.faults.append(Fault("webex", timeout_after_success=True))
    monkeypatch.setattr(visit, "growing_rest", lambda setbacks: 0.05)
    monkeypatch.setattr(visit, "SETTLE", 0.0)
    talk.say("said once")
    rested(house)
    assert Delivery.objects.get(link=house.links["webex/general"]).state == State.PARKED
    assert {slug: len(house.shown(slug)) for slug in house.world.fakes} == dict.fromkeys(house.world.fakes, 1)


def test_a_message_edited_while_its_answer_is_lost_is_found_by_its_first_words(house: House, talk: Talk) -> None:
    house.world.faults.append(Fault("webex", timeout_after_success=True))
    message = talk.say("first words")
    house.relay(rounds=1)
    house.world.faults.clear()
    talk.edit(message, "other words")
    rested(house)
    assert len(house.shown("webex")) == 1
    assert "other words" in house.shown("webex")[0]


@pytest.mark.parametrize("target", ["teams", "webex", "zoom"])
def test_an_edit_that_was_heard_before_a_lost_answer_is_looked_into_is_made(house: House, target: str) -> None:
    """Teams and Slack find what they said by a mark on it, whatever words it has."""
    talk = Talk(house, "slack", target)
    house.world.faults.append(Fault(target, timeout_after_success=True))
    message = talk.say("first words")
    house.relay(rounds=1)
    house.world.faults.clear()
    house.webhooks.clear()
    talk.edit(message, "other words")
    house.relay()  # as far as the mailbox, which rests
    rested(house)
    assert [("other words" in html, "first words" in html) for html in house.shown(target)] == [(True, False)]


@pytest.mark.parametrize("target", ["slack", "teams", "webex"])
@pytest.mark.parametrize("then", ["edited", "deleted"])
def test_an_edit_that_went_out_in_the_message_s_stead_and_was_not_confirmed_is_looked_for(
    house: House, target: str, then: str
) -> None:
    """The message's own webhook was lost, so the edit says it; its answer is lost, too, and it is no longer the newest."""
    talk = Talk(house, "zoom", target)
    message = talk.say("first words")
    house.webhooks.clear()
    house.world.faults.append(Fault(target, timeout_after_success=True))
    talk.edit(message, "better words")
    house.relay(rounds=1)
    assert len(house.shown(target)) == 1
    house.world.faults.clear()
    house.webhooks.clear()
    if then == "edited":
        talk.edit(message, "the best words")
    else:
        talk.delete(message)
    house.relay()  # as far as the mailbox, which rests
    rested(house)
    assert ["best" in html for html in house.shown(target)] == ([True] if then == "edited" else [])


@pytest.mark.parametrize("target", ["slack", "teams", "webex", "zoom"])
def test_an_unconfirmed_reply_is_found_under_a_root_that_was_deleted_since(house: House, target: str) -> None:
    source = "teams" if target == "slack" else "slack"
    there, here = Talk(house, target, source), Talk(house, source, target)
    root = there.say("tea?")
    copy = there.the_one("tea?")
    house.world.faults.append(Fault(target, timeout_after_success=True))
    here.reply(copy.id, "with milk")
    house.relay(rounds=1)
    house.world.faults.clear()
    house.webhooks.clear()
    there.delete(root)
    house.relay()  # as far as the mailbox, which rests
    rested(house)
    assert len([html for html in house.shown(target) if "with milk" in html]) == 1


def test_an_answer_to_a_command_that_nobody_confirmed_is_nobody_elses_business(house: House) -> None:
    house.world.faults.append(Fault("teams", timeout_after_success=True))
    house.type("teams", "Dev Patel", "@Mio Hub help")
    house.relay()
    house.world.faults.clear()
    house.relay()
    assert all(house.shown(slug) == [] for slug in ("slack", "webex", "zoom"))


# --- Edits


def test_an_edit_that_grows_goes_on_where_it_was_interrupted(house: House, talk: Talk) -> None:
    message = talk.say("short")
    house.relay()
    struck: list[str] = []

    def second_part(call: Outgoing) -> Response | None:
        if call.method == "POST" and call.url.endswith("/messages") and "webexapis" in call.url and not struck:
            struck.append(call.url)
            return Response(429, b"{}", {"retry-after": "1"})
        return None

    answering(house, second_part)
    talk.edit(message, " ".join(f"word{number}." for number in range(2000)))
    rested(house)
    assert struck
    said = "".join(house.shown("webex"))
    assert [said.count(f"word{number}.") for number in range(2000)] == [1] * 2000


def test_an_edit_that_mentions_somebody_outside_the_channel_is_made_without_notifying(house: House) -> None:
    fake: Any = house.world.fakes["teams"]
    fake.roster(house.place("teams")).discard(house.person("teams", "Ann Moreau"))
    talk = Talk(house, "slack", "teams")
    message = talk.say("nine?")
    house.relay()
    talk.edit(message, "@Ann Moreau, ten?")
    assert "Ann Moreau, ten?" in talk.the_one("ten?").html


def test_an_edit_of_a_root_from_before_the_link_stays_where_it_is(
    house: House, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "ROOT_SECONDS", 0.0)
    root = talk.say("an old confidential question")
    house.webhooks.clear()
    talk.reply(root, "a late answer")
    talk.read()
    talk.edit(root, "a new confidential question")
    assert not any("a new confidential question" in copy.html for copy in talk.read())


def test_an_edit_from_the_far_future_does_not_block_the_next_one(house: House, talk: Talk) -> None:
    message = talk.say("one")
    house.relay()
    talk.edit(message, "two")
    payload = json.loads(house.webhooks[0].body)
    payload["event"]["message"]["edited"]["ts"] = "4102444800.000000"
    house.webhooks[:] = [resigned(house, house.webhooks[0], message=payload["event"]["message"])]
    house.relay()
    with psycopg.connect(**connection_parameters()) as database:
        database.execute("UPDATE relay_relayedmessage SET edited_at = edited_at - interval '2 min'")
    talk.edit(message, "three")
    assert "three" in talk.the_one("three").html


def test_an_edit_that_grows_and_mentions_an_outsider_is_said_once(house: House) -> None:
    fake: Any = house.world.fakes["teams"]
    fake.roster(house.place("teams")).discard(house.person("teams", "Ann Moreau"))
    talk = Talk(house, "slack", "teams")
    message = talk.say("short")
    house.relay()
    long = " ".join(f"word{number}." for number in range(4000))
    talk.edit(message, f"{long} @Ann Moreau")
    said = "".join(copy.html for copy in talk.read())
    assert [said.count(f"word{number}.") for number in range(4000)] == [1] * 4000
    assert "Ann Moreau" in said


def test_a_root_told_long_after_its_reply_crosses_all_the_same(
    house: House, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "ROOT_SECONDS", 0.0)
    root = talk.say("who brings cake?")
    late = house.webhooks.pop()
    talk.reply(root, "I do")
    talk.the_one("I do")
    house.webhooks.append(late)
    assert len([copy for copy in talk.read() if copy.html.endswith("who brings cake?</p>")]) == 1
    talk.edit(root, "who brings **the** cake?")
    talk.the_one("<strong>the</strong>")


# --- Notes and reactions


def test_a_deletion_that_is_refused_is_said_once_however_much_waits(house: House, talk: Talk) -> None:
    message = talk.say("secret")
    house.relay()
    talk.edit(message, "secret!")
    talk.react(message, "👍")
    talk.delete(message)
    answering(house, lambda call: Response(403, b"{}") if call.method == "DELETE" and "webexapis" in call.url else None)
    house.relay()
    assert len([html for html in house.shown("webex") if "deleted by its author" in html]) == 1


def test_reactions_that_waited_together_are_said_in_one_call(house: House, talk: Talk) -> None:
    message = talk.say("shipped")
    house.relay()
    calls: list[str] = []

    def counted(call: Outgoing) -> None:
        if "webexapis" in call.url and call.method in ("POST", "PUT"):
            calls.append(call.method)

    answering(house, counted)
    for emoji in ("👍", "🎉", "🚀", "👀"):
        talk.react(message, emoji)
    house.relay()
    assert calls == ["POST"]
    assert all(emoji in talk.the_one("👍").html for emoji in ("🎉", "🚀", "👀"))


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("target", ["slack", "teams", "zoom"])
def test_a_reaction_that_nobody_confirmed_ends_as_it_was_meant_last(house: House, target: str, *, on: bool) -> None:
    talk = Talk(house, {"slack": "teams"}.get(target, "slack"), target)
    message = talk.say("shipped")
    if not on:
        talk.react(message, "🎉")
    talk.read()
    house.world.faults.append(Fault(target, timeout_after_success=True))
    talk.react(message, "🎉", on=on)
    house.relay(rounds=1)
    house.world.faults.clear()
    talk.react(message, "🎉", on=not on)
    house.relay()  # as far as the mailbox, which rests
    rested(house)
    assert [emoji for emoji, _ in talk.the_one("shipped").reactions] == ([] if on else ["🎉"])


def test_new_words_and_a_reaction_told_at_once_both_reach_a_mailbox_that_is_quick(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = Talk(house, "teams", "slack")
    message = talk.say("one")
    talk.read()
    talk.edit(message, "two")
    talk.react(message, "👍")
    written = Ledger.written

    async def slow(self: Ledger, statement: str, values: Any) -> Any:
        if "INSERT INTO relay_reaction" in statement and values.get("put_emoji"):
            await asyncio.sleep(3 * shards.SWEEP_SECONDS)  # whoever has something to do is found by a sweep
        return await written(self, statement, values)

    monkeypatch.setattr(Ledger, "written", slow)
    house.relay()
    [(emoji, people)] = talk.the_one("two").reactions
    assert (emoji, len(people)) == ("👍", 1)


# --- Crashes and hostile values


def test_a_new_name_is_told_although_the_worker_dies_over_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ConversationLink.objects.update(follows_names=False)
    fake: Any = house.world.fakes["slack"]
    fake.rename_as(house.person("slack", "Bob Okafor"), house.place("slack"), "launch-room")
    renamed = Changes.renamed

    async def dies(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(Changes, "renamed", renamed)
        raise LeaseLost

    monkeypatch.setattr(Changes, "renamed", dies)
    with pytest.raises(LeaseLost):
        house.relay()
    house.relay()
    assert len([html for html in house.shown("teams") if "now called launch-room" in html]) == 1


@pytest.mark.parametrize("name", ["a" * 99, "nul\x00l", "half\ud83d"])
def test_an_emoji_that_no_database_takes_stops_nobody(house: House, talk: Talk, name: str) -> None:
    message = talk.say("hello")
    house.relay()
    talk.react(message, "👍")
    house.webhooks[:] = [resigned(house, house.webhooks[0], reaction=name)]
    talk.say("does this arrive?")
    talk.the_one("does this arrive?")
    if name.startswith("a"):
        assert DailyCount.objects.get(platform="slack", name=Discard.UNREADABLE).count == 1


def test_a_message_that_no_database_takes_stops_neither_those_before_nor_those_behind(
    house: House, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse = Slack.parse

    def strange(self: Any, content: Any, reference: Any) -> Any:
        heard = parse(self, content, reference)
        if isinstance(heard, Posted) and "strange" in plain(heard.message.body):
            return Posted(replace(heard.message, id=MessageId("1" * 300)))
        return heard

    monkeypatch.setattr(Slack, "parse", strange)
    message = talk.say("before")
    talk.say("strange")
    talk.edit(message, "before, edited")
    talk.say("behind")
    talk.the_one("before, edited")
    talk.the_one("behind")
    assert DailyCount.objects.get(platform="slack", name=Discard.UNREADABLE).count == 1


@pytest.mark.parametrize("strange", [
    datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=12))), datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12)))
])  # fmt: skip
def test_times_at_the_ends_of_all_times_stop_nobody(
    house: House, talk: Talk, monkeypatch: pytest.MonkeyPatch, strange: datetime
) -> None:
    parse = Slack.parse

    def edited(self: Any, content: Any, reference: Any) -> Any:
        heard = parse(self, content, reference)
        return Edited(replace(heard.message, edited_at=strange)) if isinstance(heard, Edited) else heard

    monkeypatch.setattr(Slack, "parse", edited)
    message = talk.say("one")
    house.relay()
    talk.edit(message, "two")
    talk.the_one("two")


def test_what_waits_for_its_message_holds_nobody_up(house: House, talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "OVERTAKEN_SECONDS", 4.0)
    old = talk.say("predates the link")
    house.webhooks.clear()
    for number in range(25):
        talk.react(old, f":emoji{number}:")
    talk.say("does this arrive?")
    house.relay(rounds=1)
    assert any("does this arrive?" in html for html in house.shown("webex"))
    told = InboundEvent.objects.get(kind="posted", link=house.links["slack/general"])
    sent = Delivery.objects.filter(event=told).earliest("intent_at").intent_at
    assert sent is not None
    assert (
        sent - told.received_at
    ).total_seconds() < page.OVERTAKEN_SECONDS  # while the reactions before it still wait
