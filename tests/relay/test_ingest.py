import json
from typing import Any

import pytest

from accounts.models import PlatformAccount
from connectors.contract import Request
from connectors.sandbox import Fault
from relay.models import DailyCount, Delivery, Discard, InboundEvent, RelayedMessage
from tests.house import House

ELSEWHERE = {"slack": "teams", "teams": "webex", "webex": "zoom", "zoom": "slack"}
SPEAKERS = {"slack": "Bob Okafor", "teams": "Dev Patel", "webex": "Farid Haddad", "zoom": "Hugo Brandt"}


@pytest.mark.parametrize("source", ELSEWHERE)
def test_our_own_copies_coming_back_are_echoes_and_go_nowhere(house: House, source: str) -> None:
    house.type(source, SPEAKERS[source], "round and round")
    house.relay()
    assert RelayedMessage.objects.count() == 1
    for slug in ELSEWHERE:
        assert len([text for text in house.shown(slug) if "round and round" in text]) == 1
    assert not InboundEvent.objects.exclude(discard__in=["", Discard.ECHO]).exists()


@pytest.mark.parametrize("target", ELSEWHERE)
def test_a_webhook_that_overtakes_the_answer_of_our_post_is_still_an_echo(house: House, target: str) -> None:
    source = ELSEWHERE[target]
    house.type(source, SPEAKERS[source], "faster than light")
    house.let_webhooks_overtake(target)
    house.relay()
    assert RelayedMessage.objects.count() == 1
    assert len([text for text in house.shown(source) if "faster than light" in text]) == 1


@pytest.mark.parametrize("source", ELSEWHERE)
def test_what_the_vault_has_forgotten_is_fetched_from_the_platform(house: House, redis: Any, source: str) -> None:
    house.type(source, SPEAKERS[source], "not *forgotten*")
    house.take_webhooks_in()
    redis.flushdb()
    house.relay()
    for slug in ELSEWHERE:
        assert len([text for text in house.shown(slug) if "not" in text and "forgotten" in text]) == 1


def test_a_platform_that_is_away_is_asked_again_and_order_holds(house: House, redis: Any) -> None:
    house.type("webex", "Farid Haddad", "one")
    house.type("webex", "Farid Haddad", "two")
    house.world.faults.append(Fault("webex", status=503, until=house.world.clock() + 1.5))
    house.relay()
    arrived = [text for text in house.shown("slack") if "one" in text or "two" in text]
    assert ["one" in arrived[0], "two" in arrived[1]] == [True, True]
    assert len(arrived) == 2


def test_an_unknown_author_is_looked_up_and_remembered(house: House) -> None:
    PlatformAccount.objects.filter(installation=house.installations["teams"]).delete()
    house.type("teams", "Dev Patel", "who am I?")
    house.relay()
    assert any("Dev Patel" in message.author + message.html for message in house.messages("slack"))
    assert PlatformAccount.objects.get(installation=house.installations["teams"], name="Dev Patel").person is not None


def test_a_message_told_under_two_event_ids_crosses_once(house: House) -> None:
    house.type("slack", "Bob Okafor", "twice told")
    again = house.webhooks[-1]
    house.webhooks.append(house.with_other_event_id(again))
    house.relay()
    assert len([text for text in house.shown("teams") if "twice told" in text]) == 1
    assert InboundEvent.objects.exclude(discard=Discard.ECHO).count() == 1
    assert DailyCount.objects.get(platform="slack", what="discard", name=Discard.DUPLICATE).count == 1


def test_a_message_nobody_can_read_does_not_stop_those_behind_it(house: House, monkeypatch: Any) -> None:
    parse = type(house.installations["slack"].connector()).parse

    def stumble(self: Any, content: Any, reference: Any) -> Any:
        if "stumble" in str(content):
            raise KeyError("a construct of tomorrow")
        return parse(self, content, reference)

    monkeypatch.setattr(type(house.installations["slack"].connector()), "parse", stumble)
    house.type("slack", "Bob Okafor", "stumble")
    house.type("slack", "Bob Okafor", "walk on")
    house.relay()
    assert InboundEvent.objects.filter(discard=Discard.UNREADABLE).count() == 1
    assert any("walk on" in text for text in house.shown("teams"))
    assert Delivery.objects.filter(state=Delivery.State.DONE).count() == 3


def test_what_had_to_be_degraded_is_counted_by_construct(house: House) -> None:
    token = next(person.token for person in house.world.fakes["slack"].people() if person.name == "Bob Okafor")
    said = json.dumps({"channel": house.place("slack"), "text": "<!subteam^S123|@crew> lunch"}).encode()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json; charset=utf-8"}
    house.world.fakes["slack"].handle(Request("POST", "https://slack.com/api/chat.postMessage", headers, {}, said))
    house.relay()
    assert any("@crew lunch" in html for html in house.shown("teams"))
    counted = DailyCount.objects.filter(what="degraded").values_list("platform", "name", "count")
    assert list(counted) == [("slack", "user group", 1)]


def test_a_call_to_everybody_and_another_channel_s_name_cross_as_words(house: House) -> None:
    token = next(person.token for person in house.world.fakes["slack"].people() if person.name == "Bob Okafor")
    said = json.dumps({"channel": house.place("slack"), "text": "<!here> <#C0SECRET01> lunch"}).encode()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json; charset=utf-8"}
    house.world.fakes["slack"].handle(Request("POST", "https://slack.com/api/chat.postMessage", headers, {}, said))
    house.relay()
    for slug in ("teams", "webex", "zoom"):
        assert any("@here #another channel lunch" in html for html in house.shown(slug))
    assert not DailyCount.objects.filter(what="degraded").exists()
