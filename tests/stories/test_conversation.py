"""What becomes of a message after it was said, in all twelve directions: edited, deleted, answered, reacted to."""

import time
from itertools import permutations

import pytest

from connectors.messages import MessageId
from connectors.sandbox import Shown
from relay import ingest
from relay.models import Delivery, InboundEvent
from tests.house import House

LABELS = {"slack": "Slack", "teams": "Teams", "webex": "Webex", "zoom": "Zoom"}
SPEAKERS = {"slack": "Bob Okafor", "teams": "Dev Patel", "webex": "Farid Haddad", "zoom": "Hugo Brandt"}
DIRECTIONS = list(permutations(LABELS, 2))
everywhere = pytest.mark.parametrize(("source", "target"), DIRECTIONS)


class Talk:
    """A conversation held on one platform and read on another."""

    def __init__(self, house: House, source: str, target: str) -> None:
        self.house = house
        self.target = target
        self.fake = house.world.fakes[source]
        self.place = house.place(source)
        self.who = house.person(source, SPEAKERS[source])

    def say(self, text: str) -> MessageId:
        return self.fake.type_as(self.who, self.place, text)

    def reply(self, root: MessageId, text: str) -> MessageId:
        return self.fake.reply_as(self.who, self.place, root, text)

    def edit(self, message: MessageId, text: str) -> None:
        time.sleep(0.002)  # platforms tell edits apart by the millisecond
        self.fake.edit_as(self.who, self.place, message, text)

    def delete(self, message: MessageId) -> None:
        self.fake.delete_as(self.who, self.place, message)

    def react(self, message: MessageId, emoji: str, *, on: bool = True) -> None:
        self.fake.react_as(self.who, self.place, message, emoji, on)

    def read(self) -> list[Shown]:
        """What stands on the target once everything has crossed."""
        self.house.relay()
        assert not InboundEvent.objects.filter(state=InboundEvent.State.WAITING).exists()
        open_ones = Delivery.objects.exclude(state__in=[Delivery.State.DONE, Delivery.State.SKIPPED])
        assert not list(open_ones.values_list("link__installation__platform", "state", "reason"))
        return self.house.messages(self.target)

    def the_one(self, needle: str) -> Shown:
        [found] = [message for message in self.read() if needle in message.html]
        return found


@pytest.fixture
def talk(house: House, source: str, target: str) -> Talk:
    return Talk(house, source, target)


@everywhere
def test_an_edit_arrives_as_an_edit(talk: Talk, source: str, target: str) -> None:
    message = talk.say("see you at nine")
    first = talk.the_one("nine")
    talk.edit(message, "see you at **ten**")
    copy = talk.the_one("see you")
    assert ("ten" if target == "zoom" else "<strong>ten</strong>") in copy.html  # Zoom's edits are plain text
    assert copy.id == first.id
    assert SPEAKERS[source] in copy.author + copy.html


@everywhere
def test_several_edits_end_with_the_last_text(talk: Talk, source: str, target: str) -> None:
    message = talk.say("draft 0.")
    for number in range(1, 4):
        talk.edit(message, f"draft {number}.")
    assert "draft 3." in talk.the_one("draft").html
    talk.edit(message, "draft 4.")
    talk.edit(message, "draft 5.")
    assert "draft 5." in talk.the_one("draft").html


@everywhere
def test_a_deleted_message_is_taken_back(talk: Talk, source: str, target: str) -> None:
    message = talk.say("never mind")
    talk.say("still here")
    talk.the_one("never mind")
    talk.delete(message)
    assert not any("never mind" in message.html for message in talk.read())
    talk.the_one("still here")


@everywhere
def test_what_is_deleted_before_it_was_delivered_never_goes_out(talk: Talk, source: str, target: str) -> None:
    message = talk.say("oops, a secret")
    talk.delete(message)
    assert not any("oops" in message.html for message in talk.read())


@everywhere
def test_a_reply_stands_in_the_same_thread(talk: Talk, source: str, target: str) -> None:
    root = talk.say("who brings cake?")
    talk.say("unrelated")
    talk.reply(root, "I do")
    copy = talk.the_one("I do")
    assert copy.thread == talk.the_one("who brings cake?").id
    assert talk.the_one("unrelated").thread is None


@everywhere
def test_a_reply_from_the_other_side_finds_the_root(talk: Talk, source: str, target: str) -> None:
    root = talk.say("who brings cake?")
    there = talk.the_one("who brings cake?")
    back = Talk(talk.house, target, source)
    back.reply(there.id, "me, from over there")
    assert back.the_one("me, from over there").thread == root


@everywhere
def test_a_thread_whose_root_predates_the_link_opens_with_a_line_of_it(
    talk: Talk, source: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "ROOT_SECONDS", 0.0)
    root = talk.say("an *old* question")
    talk.house.webhooks.clear()
    talk.reply(root, "a late answer")
    opener = talk.the_one("a late answer")
    assert "an old question" in opener.html
    assert SPEAKERS[source] in opener.html
    talk.reply(root, "one more")
    assert talk.the_one("one more").thread == opener.id
    assert "an old question" not in talk.the_one("one more").html


@everywhere
def test_a_reaction_is_put_and_taken_back(talk: Talk, source: str, target: str) -> None:
    message = talk.say("shipped")
    talk.the_one("shipped")
    talk.react(message, "👍")
    talk.read()
    if target == "webex":
        line = talk.the_one("👍")
        assert line.thread == talk.the_one("shipped").id
        assert SPEAKERS[source] in line.html
    elif source != "webex":
        [(emoji, people)] = talk.the_one("shipped").reactions
        assert (emoji, len(people)) == ("👍", 1)
    talk.react(message, "👍", on=False)
    assert not any(copy.reactions or "👍" in copy.html for copy in talk.read())


@everywhere
def test_nothing_echoes(talk: Talk, source: str, target: str) -> None:
    message = talk.say("one")
    talk.edit(message, "one, edited")
    reply = talk.reply(message, "two")
    if source != "webex":
        talk.react(message, "🎉")
    counts = {slug: len(talk.house.messages(slug)) for slug in LABELS if talk.read()}
    talk.house.relay()
    assert {slug: len(talk.house.messages(slug)) for slug in LABELS} == counts
    talk.delete(reply)
    talk.read()
    assert len(talk.house.messages(source)) == 1
