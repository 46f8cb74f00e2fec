"""Direct chats between people of different platforms, in all twelve directions."""

from typing import Any

import pytest
from redis import Redis

from relay.models import Delivery, InboundEvent
from tests.house import House
from tests.stories.pals import DIRECTIONS, Pals

directions = pytest.mark.parametrize(("home", "away"), DIRECTIONS)


@pytest.fixture
def pals(house: House, redis: Redis, intercepted_requests: Any, home: str, away: str) -> Pals:
    return Pals(house, redis, home, away)


@directions
def test_a_message_reaches_its_reader_at_home_and_the_answer_comes_back(pals: Pals, home: str, away: str) -> None:
    pals.says(pals.pat, home, "lunch at **noon**?", pals.quinn)
    pals.relay()
    assert not InboundEvent.objects.filter(state=0).exists(), list(InboundEvent.objects.values())
    [(author, said)] = pals.read(away, pals.pat, pals.quinn)
    assert author == "Pat Ortiz"
    assert "lunch at <" in said
    assert "noon" in said
    pals.says(pals.quinn, away, "gladly", pals.pat)
    pals.relay()
    assert [author for author, _ in pals.read(home, pals.pat, pals.quinn)] == ["Pat Ortiz", "Quinn Abe"]
    assert "gladly" in pals.read(home, pals.pat, pals.quinn)[1][1]
    assert len(pals.read(away, pals.pat, pals.quinn)) == 2
    assert not Delivery.objects.exclude(state=Delivery.State.DONE).exists()


@directions
def test_what_becomes_of_a_message_later_becomes_of_it_elsewhere(pals: Pals, home: str, away: str) -> None:
    fake, chat = pals.house.world.fakes[home], pals.chat(home, pals.pat, pals.quinn)
    pat = pals.account(pals.pat, home).external_id
    first = pals.says(pals.pat, home, "lunch at noon?", pals.quinn)
    second = pals.says(pals.pat, home, "never mind", pals.quinn)
    pals.relay()
    fake.edit_as(pat, chat, first, "lunch at one?")
    fake.delete_as(pat, chat, second)
    pals.relay()
    [left] = pals.shown(away, pals.pat, pals.quinn)
    assert "at one" in left.html
    assert left.author == "Pat Ortiz"
    assert not Delivery.objects.exclude(state=Delivery.State.DONE).exists()


@directions
def test_an_answer_in_a_thread_keeps_its_place_or_says_what_it_answers(pals: Pals, home: str, away: str) -> None:
    fake, chat = pals.house.world.fakes[home], pals.chat(home, pals.pat, pals.quinn)
    root = pals.says(pals.pat, home, "lunch at noon?", pals.quinn)
    pals.relay()
    fake.reply_as(pals.account(pals.quinn, home).external_id, chat, root, "typed by Quinn where Quinn is not at home")
    fake.reply_as(pals.account(pals.pat, home).external_id, chat, root, "or at one")
    pals.relay()
    shown = pals.shown(away, pals.pat, pals.quinn)
    assert len(shown) == 2
    answer = shown[1]
    assert "or at one" in answer.html
    assert answer.thread == shown[0].id or "lunch at noon?" in answer.html


REACTING = [(home, away) for home, away in DIRECTIONS if home in ("slack", "teams")]
"""Webex keeps reactions to its own clients; Zoom tells of them only where the reader of the message has consented."""


@pytest.mark.parametrize(("home", "away"), REACTING)
def test_a_reaction_is_put_by_the_person_themselves(pals: Pals, home: str, away: str) -> None:
    pals.says(pals.quinn, away, "shall we?", pals.pat)
    pals.relay()
    fake, chat = pals.house.world.fakes[home], pals.chat(home, pals.pat, pals.quinn)
    pat = pals.account(pals.pat, home).external_id
    [there] = pals.shown(home, pals.pat, pals.quinn)
    fake.react_as(pat, chat, there.id, "👍", True)
    pals.relay()
    [said, *lines] = pals.shown(away, pals.pat, pals.quinn)
    if away == "webex":
        assert ["👍" in line.html for line in lines] == [True]
        assert lines[0].author == "Pat Ortiz"
        return
    assert (dict(said.reactions), lines) == ({"👍": ("Pat Ortiz",)}, [])
    fake.react_as(pat, chat, there.id, "👍", False)
    pals.relay()
    assert dict(pals.shown(away, pals.pat, pals.quinn)[0].reactions) == {}


@pytest.mark.parametrize(("home", "away"), [pair for pair in DIRECTIONS if pair[0] == "zoom"])
def test_a_reaction_to_what_a_consenting_person_was_sent_crosses_from_zoom(pals: Pals, home: str, away: str) -> None:
    fake, chat = pals.house.world.fakes[home], pals.chat(home, pals.pat, pals.quinn)
    said = pals.says(pals.pat, home, "shall we?", pals.quinn)
    pals.relay()
    fake.react_as(pals.account(pals.pat, home).external_id, chat, said, "👍", True)
    pals.relay()
    [there, *lines] = pals.shown(away, pals.pat, pals.quinn)
    assert "👍" in lines[0].html if away == "webex" else dict(there.reactions) == {"👍": ("Pat Ortiz",)}


@directions
def test_a_file_crosses_or_is_named(pals: Pals, home: str, away: str) -> None:
    fake, chat = pals.house.world.fakes[home], pals.chat(home, pals.pat, pals.quinn)
    fake.share_as(pals.account(pals.pat, home).external_id, chat, "plan.txt", b"all of it", "the plan")
    pals.relay()
    shown = pals.shown(away, pals.pat, pals.quinn)
    assert any("the plan" in one.html for one in shown)
    assert any("plan.txt" in one.files or "plan.txt" in one.html for one in shown)
    assert not Delivery.objects.exclude(state=Delivery.State.DONE).exists()


GROUPS = [(home, away) for home, away in DIRECTIONS if home in ("slack", "teams")]
"""Webex and Zoom tell nobody of groups that begin there; what is opened there by us is read and spoken in all the same."""


@pytest.mark.parametrize(("home", "away"), GROUPS)
def test_a_group_opens_on_the_other_side_with_the_right_people(pals: Pals, home: str, away: str) -> None:
    native = pals.person("Noor Haddad", home, [away])
    pals.says(pals.pat, home, "the three of us", pals.quinn, native)
    pals.relay()
    assert [(one.author, "the three" in one.html) for one in pals.in_group(away)] == [("Pat Ortiz", True)]
    pals.says_in_group(pals.quinn, away, "all right")
    pals.relay()
    pals.says_in_group(native, home, "me too")
    pals.relay()
    for slug in (home, away):
        assert [one.author for one in pals.in_group(slug)] == ["Pat Ortiz", "Quinn Abe", "Noor Haddad"]
    assert not Delivery.objects.exclude(state=Delivery.State.DONE).exists()
