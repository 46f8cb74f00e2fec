"""Long texts, refusals, emoji of every kind, calls to everybody, other apps, moderators: read on the other platforms."""

import re
from typing import Any

import pytest

from connectors.messages import MessageId
from relay.models import ConversationLink, DailyCount, Discard, MessageCopy
from tests.house import House
from tests.stories.crossing import Circle, Troubled, hurry
from tests.stories.test_conversation import LABELS, SPEAKERS
from tests.stories.test_conversation_under_faults import everywhere_but_webex, reactions_of

from_each = pytest.mark.parametrize("source", LABELS)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.fixture
def circle(house: House, source: str) -> Circle:
    return Circle(house, source)


def live_parts(circle: Circle, slug: str) -> int:
    link = circle.house.links[f"{slug}/general"]
    return MessageCopy.objects.filter(link=link, removed_at=None).count()


def story(count: int) -> str:
    return "\n\n".join(
        f"Paragraph {n:03} of a long story, told with patience {'and detail ' * 20}." for n in range(count)
    )


def paragraphs(circle: Circle, slug: str) -> list[int]:
    return [int(n) for html in circle.house.shown(slug) for n in re.findall(r"Paragraph (\d{3}) of", html)]


@from_each
def test_an_edit_of_a_split_message_adds_and_takes_back_parts(circle: Circle, source: str) -> None:
    message = circle.say(story(20))
    longest = 75 if source == "teams" else 130  # its own messages end at 28 KB, those of the others are split for it
    counts = []
    for length in (20, longest, 8):
        if counts:
            circle.edit(message, story(length))
        circle.settle()
        for slug in circle.others:
            assert paragraphs(circle, slug) == list(range(length)), f"on {slug}"
            assert live_parts(circle, slug) == len(circle.house.messages(slug))
        counts.append({slug: live_parts(circle, slug) for slug in circle.others})
    assert all(before[slug] < most[slug] > after[slug] for before, most, after in [counts] for slug in circle.others)
    circle.delete(message)
    circle.settle()
    assert set(circle.counts().values()) == {0}


@from_each
def test_edits_made_while_the_target_is_down_take_one_call(circle: Circle, source: str) -> None:
    troubled = Troubled(circle.house)
    message = circle.say("draft 0.")
    circle.settle()
    troubled.writes.clear()
    troubled.expect(*["503"] * 3, on=circle.others)
    for number in range(1, 5):
        circle.edit(message, f"draft {number}.")
    while not troubled.is_over:
        circle.house.relay(rounds=1)
        ConversationLink.objects.update(not_before=None)
    circle.settle()
    assert all("draft 4." in copy.html for copy in circle.once("draft").values())
    twice = {"slack": 2}  # with the borrowed name first, which Slack loses, then with the name in the text
    assert troubled.writes == {slug: twice.get(slug, 1) for slug in circle.others}


@pytest.mark.parametrize("shows", [True, False])
def test_webex_s_eleventh_edit_is_one_correction_in_the_thread_or_nothing(house: House, shows: bool) -> None:
    ConversationLink.objects.update(shows_corrections=shows)
    circle = Circle(house, "slack")
    message = circle.say("draft 0.")
    for number in range(1, 12):
        circle.settle()
        circle.edit(message, f"draft {number}.")
    circle.settle()
    [copy, *corrections] = house.messages("webex")
    assert "draft 10." in copy.html
    assert [("draft 11." in one.html, one.thread) for one in corrections] == ([(True, copy.id)] if shows else [])
    for slug in ("teams", "zoom"):
        assert ["draft 11." in html for html in house.shown(slug)] == [True]
    circle.delete(message)
    circle.settle()
    assert set(circle.counts().values()) == {0}


@pytest.mark.parametrize("shows", [True, False])
def test_a_delete_that_is_refused_is_told_once_or_not_at_all(house: House, shows: bool) -> None:
    ConversationLink.objects.update(shows_corrections=shows)
    circle = Circle(house, "slack")
    troubled = Troubled(house)
    message = circle.say("a slip of the tongue")
    circle.settle()
    troubled.expect("403", on=circle.others)
    circle.delete(message)
    circle.settle()
    for slug in circle.others:
        copy, *notes = house.messages(slug)
        assert "slip" in copy.html
        assert [("deleted" in note.html, note.thread) for note in notes] == ([(True, copy.id)] if shows else []), slug


def people_of(house: House, slug: str) -> list[str]:
    return [person.id for person in house.world.fakes[slug].people()]


@pytest.mark.parametrize("source", ["slack", "teams", "zoom"])
def test_an_emoji_stays_until_the_last_who_put_it_takes_it_back(circle: Circle, source: str) -> None:
    message = circle.say("shipped")
    circle.settle()
    elsewhere = next(slug for slug in circle.others if slug != "webex")
    copy, there = circle.once("shipped")[elsewhere], Circle(circle.house, elsewhere)
    first, second = people_of(circle.house, source)[:2]

    def react(who: str, on: bool) -> None:
        circle.fake.react_as(who, circle.place, message, "👍", on)  # type: ignore[attr-defined]
        circle.settle()

    def shown() -> dict[str, tuple[tuple[str, int], ...]]:
        return reactions_of({slug: copies[0] for slug, copies in circle.standing("shipped").items()})

    react(first, True)
    react(second, True)
    there.react(copy.id, "👍")
    circle.settle()
    assert shown() == everywhere_but_webex(circle, ("👍", 1)) | {elsewhere: (("👍", 2),)}  # ours, and that person's
    react(first, False)
    assert shown() == everywhere_but_webex(circle, ("👍", 1)) | {elsewhere: (("👍", 2),)}
    react(second, False)
    assert shown() == everywhere_but_webex(circle, ("👍", 1))  # put elsewhere: there it is that person's own
    [line] = circle.standing("👍")["webex"]
    assert SPEAKERS[elsewhere] in line.html
    there.react(copy.id, "👍", on=False)
    circle.settle()
    assert shown() == everywhere_but_webex(circle)
    assert circle.counts() == dict.fromkeys(LABELS, 1)


@pytest.mark.parametrize("shows", [True, False])
def test_an_emoji_that_only_one_workspace_has_is_named_by_setting(house: House, shows: bool) -> None:
    ConversationLink.objects.update(shows_corrections=shows)
    circle = Circle(house, "slack")
    message = circle.say("shipped")
    circle.settle()
    circle.react(message, ":party_parrot:")
    circle.settle()
    assert {slug: len(lines) for slug, lines in circle.standing(":party_parrot:").items()} == dict.fromkeys(
        circle.others, int(shows)
    )
    circle.react(message, ":party_parrot:", on=False)
    circle.settle()
    assert circle.counts() == dict.fromkeys(LABELS, 1)


def test_a_line_of_reactions_goes_with_the_message_it_is_about(house: House) -> None:
    circle, slack = Circle(house, "webex"), Circle(house, "slack")
    message = circle.say("shipped")
    circle.settle()
    slack.react(circle.once("shipped")["slack"].id, "👍")
    circle.settle()
    assert circle.counts()["webex"] == 2
    circle.delete(message)
    circle.settle()
    assert set(circle.counts().values()) == {0}


def test_what_becomes_of_a_line_of_reactions_never_happens_to_the_message(house: House) -> None:
    circle, slack = Circle(house, "webex"), Circle(house, "slack")
    circle.say("shipped")
    circle.settle()
    copy = circle.once("shipped")["slack"].id
    for emoji, on in (("👍", True), ("🎉", True), ("🎉", False), ("👍", False)):
        slack.react(copy, emoji, on=on)
        circle.settle()
        circle.once("shipped")
        assert not any(m.edited for slug in circle.others for m in house.messages(slug))
    assert set(circle.counts().values()) == {1}


def test_a_reaction_to_what_is_deleted_meanwhile_is_nobodys_trouble(house: House) -> None:
    circle, teams = Circle(house, "slack"), Circle(house, "teams")
    message = circle.say("shipped")
    circle.settle()
    teams.react(circle.once("shipped")["teams"].id, "👍")
    circle.delete(message)
    told = house.webhooks.pop()  # the delete is told last
    circle.settle()
    house.webhooks.append(told)
    circle.settle()
    assert set(circle.counts().values()) == {0}


@pytest.mark.parametrize("source", ["slack", "teams", "zoom"])
def test_a_skin_tone_is_kept_where_there_is_one(circle: Circle, source: str) -> None:
    message = circle.say("shipped")
    circle.settle()
    circle.react(message, "👍🏽")
    circle.settle()
    toned = {"slack": "👍🏽", "teams": "👍🏽", "zoom": "👍"}
    heard = reactions_of(circle.once("shipped"))
    assert heard == {slug: ((toned[slug], 1),) for slug in heard}
    assert len(circle.standing("👍🏽")["webex"]) == 1
    circle.react(message, "👍🏽", on=False)
    circle.settle()
    assert not any(reactions_of(circle.once("shipped")).values())
    assert circle.counts() == dict.fromkeys(LABELS, 1)


def test_a_reply_also_sent_to_the_channel_crosses_once(house: House) -> None:
    fake: Any = house.world.fakes["slack"]
    circle = Circle(house, "slack")
    root = circle.say("who brings cake?")
    circle.settle()
    workspace, channel = fake.workspace, fake.workspace.channels[circle.place]
    plain, blocks = fake._typed("I do")
    parent = channel.find(root)
    thread = {"thread_ts": root, "subtype": "thread_broadcast", "root": parent}
    workspace.keep(channel, {"user": circle.who, "text": plain, "blocks": blocks} | thread)
    circle.settle()
    roots = circle.once("who brings cake?")
    assert {slug: copy.thread for slug, copy in circle.once("I do").items()} == {s: c.id for s, c in roots.items()}


@from_each
def test_a_reply_to_a_reply_goes_to_the_root(circle: Circle, source: str) -> None:
    root = circle.say("who brings cake?")
    circle.settle()
    circle.reply(root, "I do")
    circle.settle()
    roots, replies = circle.once("who brings cake?"), circle.once("I do")
    for slug in circle.others:
        if slug == "webex":  # its client does not offer it
            continue
        Circle(circle.house, slug).reply(replies[slug].id, f"and I, from {slug}")
        circle.settle()
    for slug in circle.others:
        said = [one for one in circle.house.messages(slug) if "and I, from" in one.html]
        assert len(said) == len(set(circle.others) - {"webex"})
        assert {one.thread for one in said} == {roots[slug].id}, slug
    assert {m.thread for m in circle.house.messages(source) if "and I, from" in m.html} == {root}


def test_a_reply_in_a_thread_whose_root_is_gone_crosses_nonetheless(house: House) -> None:
    circle = Circle(house, "teams")  # where a thread outlives its root
    root = circle.say("who brings cake?")
    circle.settle()
    circle.reply(root, "I do")
    circle.settle()
    circle.delete(root)
    circle.settle()
    circle.reply(root, "and I")
    circle.settle()
    circle.once("I do")
    circle.once("and I")


def test_a_preview_and_a_reaction_are_no_edits(house: House) -> None:
    troubled = Troubled(house)
    slack: Any = house.world.fakes["slack"]
    circle, teams = Circle(house, "slack"), Circle(house, "teams")
    message = circle.say("see https://example.com/plan")
    other = teams.say("shipped")
    circle.settle()
    before = circle.counts()
    troubled.writes.clear()
    slack.unfurl(circle.place, message)
    circle.settle()
    assert troubled.writes == {}
    teams.react(other, "👍")
    teams.settle()
    assert circle.counts() == before | {"webex": before["webex"] + 1}  # the line of reactions
    assert not any(one.edited for slug in LABELS for one in house.messages(slug))


CALLS = {"slack": ("here", "channel"), "teams": ("channel",), "webex": ("all",), "zoom": ("all",)}
LIVE = {
    "slack": '"type":"broadcast"|<!(?:here|channel|everyone)',
    "teams": r'"conversationIdentityType"|<at ',
    "webex": r"<@all>",
    "zoom": r'"at_items"|"at_type"',
}
"""What calls people in a message that is sent to each platform."""


@from_each
@pytest.mark.parametrize("allowed", [False, True])
def test_a_call_to_everybody_is_only_read_unless_it_is_allowed(circle: Circle, source: str, allowed: bool) -> None:
    ConversationLink.objects.update(allows_broadcast=allowed)
    troubled = Troubled(circle.house)
    for word in CALLS[source]:
        circle.say(f"lunch, @{word}!")
        circle.settle()
    edited = circle.say("no call")
    circle.settle()
    if not allowed:
        circle.edit(edited, f"a late call, @{CALLS[source][0]}!")
        circle.settle()
    for slug in circle.others:
        sent = [body for body in troubled.bodies[slug] if "lunch" in body or "late call" in body]
        assert len(sent) >= len(CALLS[source]) + (not allowed)
        called = [bool(re.search(LIVE[slug], body.replace('\\"', '"'))) for body in sent]
        assert called == [allowed] * len(sent), (slug, sent)
    if not allowed:
        copies = circle.standing("lunch, ")
        assert all(f"@{word}" in "".join(c.html for c in copies[slug]) for slug in copies for word in CALLS[source])


def test_a_channel_that_is_named_gets_the_name_it_has_there(house: House) -> None:
    house.link("coffee", list(LABELS))
    ConversationLink.objects.filter(pk=house.links["teams/coffee"].pk).update(name="Kaffee")
    circle = Circle(house, "slack")
    circle.say("more in #coffee, please")
    circle.settle()
    found = {slug: copy.html for slug, copy in circle.once("please").items()}
    assert {slug: re.findall(r"#\w+", html) for slug, html in found.items()} == {
        "teams": ["#Kaffee"],
        "webex": ["#coffee"],
        "zoom": ["#coffee"],
    }


def test_a_user_group_stays_a_name(house: House) -> None:
    fake: Any = house.world.fakes["slack"]
    channel = fake.workspace.channels[house.place("slack")]
    who = house.person("slack", SPEAKERS["slack"])
    fake.workspace.keep(channel, {"user": who, "text": "over to <!subteam^S0123456789|@designers>, please"})
    circle = Circle(house, "slack")
    circle.settle()
    assert all("@designers" in copy.html and "mention" not in copy.html for copy in circle.once("please").values())


def app_says(house: House, slug: str) -> None:
    """Another app of the platform posts."""
    fake: Any = house.world.fakes[slug]
    place = house.place(slug)
    if slug == "slack":
        said = {"subtype": "bot_message", "bot_id": "B0OTHERAPP", "username": "Build Bot", "text": "build is green"}
        fake.workspace.keep(fake.workspace.channels[place], said)
    elif slug == "teams":
        channel = fake._channel_of(place)
        message = fake.channels._message(channel, None)
        app = {"application": {"id": "other-app", "displayName": "Build Bot"}, "device": None, "user": None}
        fake.channels._stored(channel, message | {"from": app} | fake._typed(place, "build is green"))


@pytest.mark.parametrize("source", ["slack", "teams"])
def test_what_other_apps_say_crosses_under_their_name_by_setting(circle: Circle, source: str) -> None:
    app_says(circle.house, source)
    circle.settle()
    for copy in circle.once("build is green").values():
        assert "Build Bot" in copy.author + copy.html
    before = circle.counts()
    ConversationLink.objects.filter(pk=circle.house.links[f"{source}/general"].pk).update(carries_apps=False)
    app_says(circle.house, source)
    circle.settle()
    assert circle.counts() == before | {source: before[source] + 1}
    assert DailyCount.objects.get(platform=source, name=Discard.UNWANTED).count == 1
    circle.say("people still cross")
    circle.settle()
    circle.once("people still cross")


def moderate(house: House, slug: str, message: MessageId) -> None:
    """Somebody who may do so deletes our copy in the platform's own client."""
    fake: Any = house.world.fakes[slug]
    place = house.place(slug)
    if slug == "slack":
        channel = fake.workspace.channels[place]
        fake.workspace.remove(channel, channel.find(message))
    elif slug == "teams":
        fake.channels.remove(fake._channel_of(place), fake.service, message)
    elif slug == "webex":
        company = fake._company
        company.delete(company.service_user, company.rooms[place].messages[message])
    else:
        fake.delete(fake.rooms[place], message)


@from_each
def test_a_copy_that_a_moderator_deletes_is_gone_there_alone_and_for_good(circle: Circle, source: str) -> None:
    root = circle.say("a disputed claim")
    circle.settle()
    there, *others = circle.others
    moderate(circle.house, there, circle.once("claim")[there].id)
    circle.settle()
    standing = {there: 0} | dict.fromkeys(others, 1)
    assert {slug: len(copies) for slug, copies in circle.standing("claim").items()} == standing
    assert len(circle.house.messages(source)) == 1
    circle.edit(root, "a claim, softened")
    if circle.reacts:
        circle.react(root, "👍")
    circle.settle()
    assert {slug: len(copies) for slug, copies in circle.standing("softened").items()} == standing
    circle.delete(root)
    circle.settle()
    assert set(circle.counts().values()) == {0}
