"""What becomes of a message after it was said, in all twelve directions: edited, deleted, answered, reacted to."""

import time

import pytest

from connectors.messages import MessageId
from connectors.sandbox import Shown
from relay import page
from relay.models import Delivery, InboundEvent
from tests.house import House

LABELS = {"slack": "Slack", "teams": "Teams", "webex": "Webex", "zoom": "Zoom"}
SPEAKERS = {"slack": "Bob Okafor", "teams": "Dev Patel", "webex": "Farid Haddad", "zoom": "Hugo Brandt"}
everywhere = pytest.mark.parametrize("source", LABELS)
"""From one platform to the other three at once: four tests, twelve directions."""


class Talk:
    """A conversation held on one platform and read on another."""

    def __init__(self, house: House, source: str, target: str) -> None:
        self.house = house
        self.target = target
        self.others = [slug for slug in LABELS if slug != source]
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

    def each(self, needle: str) -> dict[str, Shown]:
        """By platform other than where it was said, the one message with ``needle`` once everything has crossed."""
        self.read()
        found = {slug: [one for one in self.house.messages(slug) if needle in one.html] for slug in self.others}
        assert {slug: len(copies) for slug, copies in found.items()} == dict.fromkeys(self.others, 1)
        return {slug: copy for slug, [copy] in found.items()}

    def nowhere(self, needle: str) -> bool:
        """Whether no platform other than where it was said shows ``needle`` once everything has crossed."""
        self.read()
        return not any(needle in one.html for slug in self.others for one in self.house.messages(slug))


@pytest.fixture
def talk(house: House, source: str) -> Talk:
    return Talk(house, source, source)


@everywhere
def test_an_edit_arrives_as_an_edit(talk: Talk, source: str) -> None:
    message = talk.say("see you at nine")
    before = talk.each("nine")
    talk.edit(message, "see you at **ten**")
    for target, copy in talk.each("see you").items():
        assert ("ten" if target == "zoom" else "<strong>ten</strong>") in copy.html  # Zoom's edits are plain text
        assert copy.id == before[target].id
        assert SPEAKERS[source] in copy.author + copy.html


@everywhere
def test_several_edits_end_with_the_last_text(talk: Talk, source: str) -> None:
    message = talk.say("draft 0.")
    for number in range(1, 4):
        talk.edit(message, f"draft {number}.")
    assert all("draft 3." in copy.html for copy in talk.each("draft").values())
    talk.edit(message, "draft 4.")
    talk.edit(message, "draft 5.")
    assert all("draft 5." in copy.html for copy in talk.each("draft").values())


@everywhere
def test_a_deleted_message_is_taken_back(talk: Talk, source: str) -> None:
    message = talk.say("never mind")
    talk.say("still here")
    talk.each("never mind")
    talk.delete(message)
    assert talk.nowhere("never mind")
    talk.each("still here")


@everywhere
def test_what_is_deleted_before_it_was_delivered_never_goes_out(talk: Talk, source: str) -> None:
    message = talk.say("oops, a secret")
    talk.delete(message)
    assert talk.nowhere("oops")


@everywhere
def test_a_reply_stands_in_the_same_thread(talk: Talk, source: str) -> None:
    root = talk.say("who brings cake?")
    talk.say("unrelated")
    talk.reply(root, "I do")
    roots, others = talk.each("who brings cake?"), talk.each("unrelated")
    for target, copy in talk.each("I do").items():
        assert copy.thread == roots[target].id
        assert others[target].thread is None


@everywhere
def test_a_reply_from_the_other_side_finds_the_root(talk: Talk, source: str) -> None:
    root = talk.say("who brings cake?")
    for target, there in talk.each("who brings cake?").items():
        Talk(talk.house, target, source).reply(there.id, f"me, from {target}")
        assert talk.the_one(f"me, from {target}").thread == root


@everywhere
def test_a_thread_whose_root_predates_the_link_opens_with_a_line_of_it(
    talk: Talk, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "ROOT_SECONDS", 0.0)
    root = talk.say("an *old* question")
    talk.house.webhooks.clear()
    talk.reply(root, "a late answer")
    openers = talk.each("a late answer")
    talk.reply(root, "one more")
    for target, copy in talk.each("one more").items():
        assert "an old question" in openers[target].html
        assert SPEAKERS[source] in openers[target].html
        assert copy.thread == openers[target].id
        assert "an old question" not in copy.html


@everywhere
def test_a_reaction_is_put_and_taken_back(talk: Talk, source: str) -> None:
    message = talk.say("shipped")
    talk.each("shipped")
    talk.react(message, "👍")
    copies = talk.each("shipped")
    for target, copy in copies.items():
        if target == "webex":
            [line] = [one for one in talk.house.messages("webex") if "👍" in one.html]
            assert line.thread == copy.id
            assert SPEAKERS[source] in line.html
        elif source != "webex":  # which tells nobody of its reactions
            assert [(emoji, len(people)) for emoji, people in copy.reactions] == [("👍", 1)]
    talk.react(message, "👍", on=False)
    assert talk.nowhere("👍")
    assert not any(copy.reactions for copy in talk.each("shipped").values())


@everywhere
def test_nothing_echoes(talk: Talk, source: str) -> None:
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
