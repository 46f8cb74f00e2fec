"""What becomes of a conversation when platforms tell things twice, too early or not at all, and when answers get lost."""

import pytest

from connectors.sandbox import Shown
from relay import visit
from relay.models import ConversationLink
from tests.house import House
from tests.stories.crossing import Circle, Troubled, hurry, settle_over
from tests.stories.test_conversation import LABELS, SPEAKERS

from_each = pytest.mark.parametrize("source", LABELS)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.fixture
def circle(house: House, source: str) -> Circle:
    return Circle(house, source)


def reactions_of(copies: dict[str, Shown]) -> dict[str, tuple[tuple[str, int], ...]]:
    """What stands on the copies, but for Webex, which has a line instead."""
    return {
        slug: tuple((emoji, len(people)) for emoji, people in copy.reactions)
        for slug, copy in copies.items()
        if slug != "webex"
    }


def everywhere_but_webex(circle: Circle, *reactions: tuple[str, int]) -> dict[str, tuple[tuple[str, int], ...]]:
    return {slug: reactions for slug in circle.others if slug != "webex"}


@from_each
def test_what_is_told_twice_happens_once(circle: Circle, source: str) -> None:
    told = []

    def tell_twice() -> None:
        told.extend(circle.house.webhooks)
        circle.house.webhooks[:] = [webhook for webhook in circle.house.webhooks for _ in range(2)]
        circle.settle()

    root = circle.say("who brings cake?")
    tell_twice()
    circle.edit(root, "who brings pie?")
    reply = circle.reply(root, "I do")
    tell_twice()
    if circle.reacts:
        circle.react(root, "🎉")
    gone = circle.say("never mind")
    tell_twice()
    circle.delete(gone)
    circle.edit(reply, "I will")
    tell_twice()
    before = circle.counts()
    circle.house.webhooks[:] = told  # and all of it once more, long after
    circle.settle()
    assert circle.counts() == before
    assert not any(circle.standing("never mind").values())
    copies = circle.once("who brings pie?")
    assert {slug: copy.thread for slug, copy in circle.once("I will").items()} == {s: c.id for s, c in copies.items()}
    if circle.reacts:
        assert reactions_of(copies) == everywhere_but_webex(circle, ("🎉", 1))
    lines = 1 if "webex" in circle.others else 0
    assert before == {slug: 2 + (lines if slug == "webex" else 0) for slug in LABELS}


@from_each
def test_what_overtakes_its_message_waits_for_it(circle: Circle, source: str) -> None:
    root = circle.say("who brings cake?")
    circle.edit(root, "who brings pie?")
    circle.reply(root, "I do")
    if circle.reacts:
        circle.react(root, "🎉")
    circle.house.webhooks.reverse()
    circle.settle()
    copies = circle.once("who brings")
    assert all("who brings pie?" in copy.html for copy in copies.values())
    assert {slug: copy.thread for slug, copy in circle.once("I do").items()} == {s: c.id for s, c in copies.items()}
    if circle.reacts:
        assert reactions_of(copies) == everywhere_but_webex(circle, ("🎉", 1))


@pytest.mark.parametrize("source", ["slack", "teams", "zoom"])
def test_a_reaction_that_overtakes_its_message_is_put_once_that_is_there(circle: Circle, source: str) -> None:
    message = circle.say("shipped")
    circle.react(message, "🎉")
    circle.house.webhooks.reverse()
    circle.settle()
    assert reactions_of(circle.once("shipped")) == everywhere_but_webex(circle, ("🎉", 1))
    assert len(circle.standing("🎉")["webex"]) == 1


@from_each
def test_a_reply_right_behind_its_root_stands_in_its_thread(circle: Circle, source: str) -> None:
    root = circle.say("who brings cake?")
    circle.reply(root, "I do")
    circle.settle()
    roots = circle.once("who brings cake?")
    assert {slug: copy.thread for slug, copy in circle.once("I do").items()} == {s: c.id for s, c in roots.items()}


@from_each
def test_edits_told_in_the_wrong_order_end_with_the_last_text(circle: Circle, source: str) -> None:
    message = circle.say("draft 0.")
    circle.settle()
    for number in range(1, 4):
        circle.edit(message, f"draft {number}.")
    last = circle.house.webhooks.pop()
    late, circle.house.webhooks[:] = circle.house.webhooks[:], [last]
    circle.settle()
    circle.house.webhooks[:] = late
    circle.settle()
    assert all("draft 3." in copy.html for copy in circle.once("draft").values())


@from_each
def test_a_delete_that_overtakes_its_edit_is_the_end(circle: Circle, source: str) -> None:
    message = circle.say("a slip of the tongue")
    other = circle.say("a *second* slip")
    circle.settle()
    for one in (message, other):
        circle.edit(one, "a slip of the pen")
        circle.delete(one)
    circle.house.webhooks.reverse()
    circle.settle()
    assert not any(circle.standing("slip").values())
    assert set(circle.counts().values()) == {0}


@from_each
def test_a_delete_that_overtakes_its_message_keeps_it_from_going_out(circle: Circle, source: str) -> None:
    shown = Troubled(circle.house)
    message = circle.say("oops, a secret")
    circle.edit(message, "oops, a password")
    circle.delete(message)
    circle.house.webhooks.reverse()
    circle.settle()
    assert not any("oops" in body for bodies in shown.bodies.values() for body in bodies)
    circle.say("good morning")
    circle.settle()
    circle.once("good morning")


@from_each
def test_our_own_deeds_come_back_before_their_answers(circle: Circle, source: str) -> None:
    for slug in circle.others:
        circle.house.let_webhooks_overtake(slug)
    root = circle.say("one")
    circle.settle()
    circle.edit(root, "one, edited")
    reply = circle.reply(root, "two")
    if circle.reacts:
        circle.react(root, "🎉")
    circle.settle()
    circle.once("one, edited")
    circle.once("two")
    circle.delete(reply)
    if circle.reacts:
        circle.react(root, "🎉", on=False)
    circle.settle()
    circle.settle()
    assert circle.counts() == dict.fromkeys(LABELS, 1)
    assert not any(message.reactions for slug in LABELS for message in circle.house.messages(slug))


TROUBLES = ("lost", "died", "429", "503")


@from_each
@pytest.mark.parametrize("shift", [0, 2])
def test_a_change_under_trouble_is_made_once(circle: Circle, source: str, shift: int) -> None:
    troubled = Troubled(circle.house)
    first = list(LABELS).index(source) + shift

    def over(step: int) -> None:
        """Each step meets another trouble from each platform."""
        troubled.expect(TROUBLES[(first + step) % len(TROUBLES)], on=circle.others)
        settle_over(circle, troubled)

    message, other = circle.say("draft one"), circle.say("never mind")
    circle.settle()
    circle.edit(message, "draft two")
    over(0)
    assert all("draft two" in copy.html for copy in circle.once("draft").values())
    if circle.reacts:
        circle.react(message, "👍")
        over(1)
        assert reactions_of(circle.once("draft")) == everywhere_but_webex(circle, ("👍", 1))
        assert [len(copies) for slug, copies in circle.standing("👍").items() if slug == "webex"] == [1]
        circle.react(message, "👍", on=False)
        over(2)
        assert reactions_of(circle.once("draft")) == everywhere_but_webex(circle)
    circle.delete(other)
    over(3)
    assert circle.counts() == dict.fromkeys(LABELS, 1)


def test_a_line_of_reactions_whose_answer_was_lost_takes_up_the_next_reaction(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    circle = Circle(house, "slack")
    troubled = Troubled(house)
    message = circle.say("shipped")
    circle.settle()
    troubled.expect("lost", on=["webex"])
    circle.react(message, "👍")
    with monkeypatch.context() as patch:
        patch.setattr(visit, "growing_rest", lambda setbacks: 30.0)
        house.relay(rounds=1)
    assert troubled.is_over
    circle.react(message, "🎉")
    house.take_webhooks_in()
    ConversationLink.objects.update(not_before=None)
    circle.settle()
    [line] = [copy for copy in house.messages("webex") if "👍" in copy.html]
    assert "🎉" in line.html
    assert len(house.messages("webex")) == 2


@pytest.mark.parametrize("trouble", ["lost", "died"])
def test_a_correction_whose_answer_was_lost_is_said_once(house: House, trouble: str) -> None:
    house.world.fakes["teams"].channels.lets_edit = house.world.fakes["teams"].channels.lets_delete = False  # type: ignore[attr-defined]
    circle = Circle(house, "slack")
    troubled = Troubled(house)
    message = circle.say("draft one")
    circle.settle()
    circle.edit(message, "draft two")
    troubled.expect("well", trouble, on=["teams"])  # the edit is refused, the correction goes out
    settle_over(circle, troubled)
    assert len([copy for copy in house.messages("teams") if "draft two" in copy.html]) == 1
    circle.delete(message)
    troubled.expect(trouble, on=["teams"])
    settle_over(circle, troubled)
    assert len([copy for copy in house.messages("teams") if "deleted" in copy.html]) == 1
    assert SPEAKERS["slack"] in house.shown("teams")[0]
