from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Installation, Token
from connectors.calls import Response
from connectors.errors import Gone, NotSupported, RateLimited, Reconnect, Refused, Unavailable, Unsure
from connectors.http import Outgoing
from connectors.sandbox import Fault
from relay import visit
from relay.consequences import MISTAKE, consequence
from relay.delivery import Deliver
from relay.models import Attempt, ConversationLink, Delivery, MessageCopy, Outcome
from tests.house import House

State = Delivery.State


@pytest.fixture(autouse=True)
def quick_to_settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fakes show a message at once; the pauses made for real platforms would only make the tests slow."""
    monkeypatch.setattr(visit, "SETTLE", 0.0)
    monkeypatch.setattr(visit, "growing_rest", lambda setbacks: 0.05)


def bodies(house: House, slug: str) -> str:
    return "\n".join(house.shown(slug))


@pytest.mark.parametrize(("error", "outcome", "state"), [
    (RateLimited(3), Outcome.RATE_LIMITED, State.WAITING),
    (Unavailable("x"), Outcome.UNAVAILABLE, State.WAITING),
    (Unsure("x"), Outcome.UNSURE, State.UNSURE),
    (Reconnect("x"), Outcome.RECONNECT, State.WAITING),
    (Gone("x"), Outcome.GONE, State.PARKED),
    (Refused("x"), Outcome.REFUSED, State.PARKED),
    (NotSupported("x"), Outcome.NOT_SUPPORTED, State.SKIPPED),
])  # fmt: skip
def test_every_error_of_the_family_has_its_consequence(error: Exception, outcome: Outcome, state: State) -> None:
    assert (consequence(error).outcome, consequence(error).state) == (outcome, state)


def test_a_mistake_of_our_own_parks_the_delivery() -> None:
    assert consequence(KeyError("x")) is MISTAKE


def test_a_rate_limit_moves_the_mailbox_and_no_other(house: House) -> None:
    house.world.faults.append(Fault("teams", status=429))
    house.type("slack", "Bob Okafor", "patience")
    house.relay(rounds=1)
    assert "patience" not in bodies(house, "teams")
    assert "patience" in bodies(house, "webex")
    assert "patience" in bodies(house, "zoom")
    mailbox = ConversationLink.objects.get(pk=house.links["teams/general"].pk)
    assert mailbox.not_before is not None
    assert mailbox.not_before > timezone.now()
    waiting = Delivery.objects.get(link=mailbox)
    assert waiting.state == State.WAITING
    assert waiting.attempts.get().outcome == Outcome.RATE_LIMITED


def test_after_a_rate_limit_everything_goes_out_once_and_in_order(house: House) -> None:
    house.world.faults.append(Fault("teams", status=429))
    for number in range(3):
        house.type("slack", "Bob Okafor", f"number {number}")
    house.relay(rounds=1)
    house.world.faults.clear()
    ConversationLink.objects.update(not_before=None)
    house.relay()
    assert [text for text in house.shown("teams") if "number" in text] == [
        text for n in range(3) for text in house.shown("teams") if f"number {n}" in text
    ]
    assert len([text for text in house.shown("teams") if "number" in text]) == 3
    mailbox = ConversationLink.objects.get(pk=house.links["teams/general"].pk)
    assert (mailbox.setbacks, mailbox.not_before, mailbox.reason) == (0, None, "")


@pytest.mark.parametrize("target", ["slack", "teams", "webex", "zoom"])
def test_a_send_whose_answer_was_lost_is_found_and_not_sent_again(house: House, target: str) -> None:
    source, who = ("webex", "Farid Haddad") if target != "webex" else ("slack", "Bob Okafor")
    house.world.faults.append(Fault(target, timeout_after_success=True))
    house.type(source, who, "said *once*")
    house.relay(rounds=1)
    house.world.faults.clear()
    house.relay()
    assert len([text for text in house.shown(target) if "said" in text]) == 1
    outcomes = Attempt.objects.filter(delivery__link=house.links[f"{target}/general"])
    tried = list(outcomes.order_by("id").values_list("outcome", flat=True))
    assert (tried[0], tried[-1]) == (Outcome.UNSURE, Outcome.FOUND)
    assert Outcome.SAID not in tried


def test_a_send_that_never_arrived_is_sent_again(house: House) -> None:
    house.world.faults.append(Fault("webex", status=502))
    house.type("slack", "Bob Okafor", "second try")
    house.relay(rounds=1)
    assert Delivery.objects.get(link=house.links["webex/general"]).state == State.UNSURE
    house.world.faults.clear()
    house.relay()
    assert len([text for text in house.shown("webex") if "second try" in text]) == 1


def test_two_equal_messages_are_told_apart_when_one_answer_is_lost(house: House) -> None:
    house.type("slack", "Bob Okafor", "ok")
    house.relay()
    house.world.faults.append(Fault("webex", timeout_after_success=True))
    house.type("slack", "Bob Okafor", "ok")
    house.relay(rounds=1)
    house.world.faults.clear()
    house.type("slack", "Bob Okafor", "ok")
    house.relay()
    assert len([text for text in house.shown("webex") if "ok" in text]) == 3
    ids = MessageCopy.objects.filter(link=house.links["webex/general"]).values_list("external_id", flat=True)
    assert len(set(ids)) == 3


def test_a_refusal_parks_one_message_and_the_next_goes_on(house: House) -> None:
    house.type("slack", "Bob Okafor", "first")
    house.relay()
    house.world.faults.append(Fault("zoom", status=403))
    house.type("slack", "Bob Okafor", "refused")
    house.relay()
    house.world.faults.clear()
    house.type("slack", "Bob Okafor", "last")
    house.relay()
    assert "refused" not in bodies(house, "zoom")
    assert "last" in bodies(house, "zoom")
    parked = Delivery.objects.get(state=State.PARKED)
    assert parked.link == house.links["zoom/general"]
    assert parked.reason


def test_a_dead_token_flags_the_connection_and_loses_nothing(house: House) -> None:
    installation = house.installations["webex"]
    good = installation.tokens.get()
    Token.objects.filter(pk=good.pk).update(access="revoked")
    house.type("slack", "Bob Okafor", "patience")
    house.relay(rounds=1)
    installation.refresh_from_db()
    assert installation.state == "needs reconnect"
    good.save()
    Installation.objects.update(state="connected")
    ConversationLink.objects.update(not_before=None)
    house.relay()
    assert len([text for text in house.shown("webex") if "patience" in text]) == 1


def test_a_long_message_arrives_in_parts_each_with_its_own_copy(house: House) -> None:
    text = "\n\n".join(f"Paragraph {n} of a long story, told with patience." for n in range(60))
    house.type("slack", "Bob Okafor", text)
    house.relay()
    copies = MessageCopy.objects.filter(link=house.links["zoom/general"]).order_by("part")
    assert copies.count() > 1
    assert list(copies.values_list("part", flat=True)) == list(range(copies.count()))
    assert bodies(house, "zoom").count("told with patience") == 60


def test_a_mention_the_platform_refuses_is_said_as_a_name(house: House) -> None:
    conversation = house.place("teams")
    ann = house.person("teams", "Ann Moreau")
    roster: Any = house.world.fakes["teams"]
    roster.roster(conversation).discard(ann)
    house.type("slack", "Bob Okafor", "hello @Ann Moreau, are you there?")
    house.relay()
    assert "Ann Moreau" in bodies(house, "teams")
    assert "are you there?" in bodies(house, "teams")
    assert "mention" not in bodies(house, "teams")


def test_a_mailbox_that_was_told_of_its_message_is_not_looked_at(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = [f"number {number}" for number in range(1, 20)]
    looks: list[int] = []
    reach, look = house.transport, Deliver.walk

    async def answered(outgoing: Outgoing) -> Response:
        """Bob says something new as soon as Zoom, too, has heard the last one."""
        response = await reach(outgoing)
        if outgoing.url.endswith("/messages") and house.world.fakes["zoom"].hosts[0] in outgoing.url and waiting:
            house.type("slack", "Bob Okafor", waiting.pop(0))
        return response

    async def looked(self: Deliver, link: int, *more: Any) -> float | None:
        looks.append(link)
        return await look(self, link, *more)

    house.transport = answered
    monkeypatch.setattr(Deliver, "walk", looked)
    house.type("slack", "Bob Okafor", "number 0")
    house.relay()
    for slug in ("teams", "webex", "zoom"):
        assert [f"number {number}" in text for number, text in enumerate(house.shown(slug)[-20:])] == [True] * 20
    assert len(looks) < 20  # once for each mailbox, and now and then by a sweep that meets one while it is busy
