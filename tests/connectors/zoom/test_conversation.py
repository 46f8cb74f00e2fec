"""What happens to messages and channels of Zoom, heard and done: edits, threads, reactions, names, notices, commands."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from connectors.contract import SetsTopics
from connectors.errors import Gone, NotSupported, Refused
from connectors.http import drive_blocking
from connectors.markdown import from_markdown
from connectors.messages import (
    AccountId,
    Commanded,
    ConversationId,
    Deleted,
    Draft,
    Edited,
    Happening,
    Kind,
    MessageId,
    Noticed,
    Posted,
    Reacted,
    Reaction,
    Reference,
    Skipped,
    Stands,
    Unreacted,
)
from connectors.richtext import Link, Paragraph, Text, document, plain
from connectors.sandbox import Webhook
from connectors.zoom.connector import Zoom
from connectors.zoom.sandbox import SERVICE_USER, FakeZoom
from connectors.zoom.sandbox_company import ACCOUNT
from tests.connectors.zoom.scene import SECRETS, Now, answered, ask, heard, listen, run, said, written

# --- Edits, deletions, threads, reactions


def test_what_people_do_to_messages_is_heard(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook], now: Now
) -> None:
    hugo, grace = (next(one for one in fake.people() if one.name == name) for name in ("Hugo Brandt", "Grace Liu"))
    root = fake.type_as(hugo.id, general, "first")
    reply = fake.reply_as(grace.id, general, root, "an **answer**")
    nested = fake.reply_as(hugo.id, general, reply, "and one more")
    now.at += 5
    fake.edit_as(hugo.id, general, root, "*second*")
    fake.react_as(grace.id, general, root, "👍🏽", on=True)
    fake.react_as(grace.id, general, root, "👍🏽", on=True)
    fake.react_as(hugo.id, general, root, ":party_parrot:", on=True)
    shown = {one.id: one for one in fake.shown(general)}
    assert shown[root].edited
    assert shown[root].reactions == (("👍🏽", ("Grace Liu",)), (":party_parrot:", ("Hugo Brandt",)))
    assert [shown[key].thread for key in (root, reply, nested)] == [None, root, root]
    fake.react_as(grace.id, general, root, "👍🏽", on=False)
    fake.delete_as(hugo.id, general, root)
    first, answer, more, edited, *rest = heard(webhooks, zoom)
    assert isinstance(first, Posted)
    assert isinstance(answer, Posted)
    assert isinstance(more, Posted)
    assert isinstance(edited, Edited)
    assert [answer.message.thread, more.message.thread] == [root, root]
    assert plain(edited.message.body) == "second"
    assert edited.message.edited_at == datetime.fromtimestamp(int(now() * 1000) / 1000, UTC)
    assert edited.message.sent_at == first.message.sent_at
    assert rest == [
        Reacted(root, Reaction(AccountId(grace.id), "👍🏽")),
        Reacted(root, Reaction(AccountId(hugo.id), ":party_parrot:")),
        Unreacted(root, Reaction(AccountId(grace.id), "👍🏽")),
        Deleted(root),
    ]


def test_outsiders_edit_and_react_under_their_member_id(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    fake.families = ("team_chat", "chat_message")
    ben = fake.add_outsider("Ben Outside")
    message = fake.type_as(ben.id, general, "hi")
    fake.edit_as(ben.id, general, message, "hello")
    fake.react_as(ben.id, general, message, "❤️", on=True)
    fake.delete_as(ben.id, general, message)
    envelopes = [listen(webhook, zoom)[0] for webhook in webhooks]
    assert [one.workspace for one in envelopes] == [ACCOUNT, ACCOUNT, "", ACCOUNT], "a reaction names no account at all"
    assert len({one.event_id for one in envelopes}) == 4
    posted, edited, reacted, deleted = heard(webhooks, zoom)
    assert isinstance(posted, Posted)
    assert isinstance(edited, Edited)
    assert posted.message.author == edited.message.author == f"member:{ben.id}"
    assert reacted == Reacted(message, Reaction(AccountId(f"member:{ben.id}"), "❤️"))
    assert deleted == Deleted(message)


def test_people_change_their_own_messages_only(fake: FakeZoom, general: ConversationId) -> None:
    message = fake.type_as("Hugo Brandt", general, "mine")
    with pytest.raises(ValueError, match="own"):
        fake.edit_as("Grace Liu", general, message, "yours")
    with pytest.raises(ValueError, match="own"):
        fake.delete_as("Grace Liu", general, message)


def test_our_edit_says_all_that_plain_text_can(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    root = fake.type_as("Hugo Brandt", general, "root")
    message = run(fake, zoom, zoom.post(written(zoom, general, said("first"), root)))
    body = from_markdown("**See** [here](https://acme.example)\n\n- a\n  - b\n- c\n\n1. x\n2. y\n\n> so\n> it is")
    for _ in range(2):
        run(fake, zoom, zoom.edit(message, written(zoom, general, body)))
    shown = fake.rooms[general].messages[message]
    assert shown.message == (
        "Ann Moreau (Slack)\nSee here (https://acme.example)\n• a\n    • b\n• c\n\n1. x\n2. y\n> so it is"
    ).replace("so it is", "so\n> it is")
    assert (shown.rich_text, shown.at_items, shown.root) == ([], [], root)
    edited = heard(webhooks, zoom)[-1]
    assert isinstance(edited, Edited)
    assert edited.message.author in zoom.own_accounts


def test_an_edit_that_would_not_fit_as_plain_text_is_refused(
    fake: FakeZoom, zoom: Zoom, general: ConversationId
) -> None:
    message = run(fake, zoom, zoom.post(written(zoom, general, said("x"))))
    links = document([Paragraph(tuple(Link(f"https://acme.example/{n}/{'x' * 90}", f"{n} ") for n in range(20)))])
    assert zoom.render(Draft(general, links, "n")).size < 1024
    with pytest.raises(Refused, match="plain text"):
        run(fake, zoom, zoom.edit(message, written(zoom, general, links)))


def test_our_deletion_may_be_repeated(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    message = run(fake, zoom, zoom.post(written(zoom, general, said("x"))))
    for _ in range(2):
        run(fake, zoom, zoom.delete(general, message))
    assert not fake.shown(general)
    with pytest.raises(Gone):
        run(fake, zoom, zoom.edit(message, written(zoom, general, said("y"))))
    with pytest.raises(Gone):
        run(fake, zoom, zoom.delete(ConversationId("elsewhere"), message))


def test_what_others_said_can_neither_be_edited_nor_deleted(
    fake: FakeZoom, zoom: Zoom, general: ConversationId
) -> None:
    message = fake.type_as("Hugo Brandt", general, "mine")
    with pytest.raises(Refused, match="only its author"):
        run(fake, zoom, zoom.edit(message, written(zoom, general, said("y"))))
    with pytest.raises(Refused, match="only its author"):
        run(fake, zoom, zoom.delete(general, message))


def test_our_reactions_are_heard_once_and_stand(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    fake.lower_hex = True
    message = fake.type_as("Hugo Brandt", general, "nice")
    fake.react_as("Hugo Brandt", general, message, "🎉", on=True)
    webhooks.clear()
    for on in (True, True, False, False, True):
        run(fake, zoom, zoom.react(general, message, "👍🏽", on))
    ours = Reaction(AccountId(SERVICE_USER.id), "👍")
    assert heard(webhooks, zoom) == [Reacted(message, ours), Unreacted(message, ours), Reacted(message, ours)]
    reference = Reference(Kind.CHANGED, general, message)
    stands = zoom.parse(run(fake, zoom, zoom.fetch(reference)), reference)
    assert isinstance(stands, Stands)
    hugo = next(one.id for one in fake.people() if one.name == "Hugo Brandt")
    assert stands.reactions == {ours, Reaction(AccountId(hugo), "🎉")}
    with pytest.raises(NotSupported):
        run(fake, zoom, zoom.react(general, message, ":party_parrot:", True))
    with pytest.raises(Gone):
        run(fake, zoom, zoom.react(general, MessageId("NONE"), "👍", True))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/emoji_reactions", {"action": "add", "emoji": "U+1f44d"}),
        ("PATCH", "/emoji_reactions", {"action": "add", "emoji": "👍"}),
        ("PATCH", "/emoji_reactions", {"action": "put", "emoji": "U+1F44D"}),
        ("PUT", "", {"message": ""}),
        ("PUT", "", {"message": "x" * 1025}),
        ("PUT", "", {"message": "x", "file_ids": ["none"]}),
    ],
)
def test_a_change_that_zoom_would_refuse_is_refused(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, method: str, path: str, body: dict[str, Any]
) -> None:
    message = run(fake, zoom, zoom.post(written(zoom, general, said("x"))))
    status, error = ask(fake, method, f"/chat/users/me/messages/{message}{path}", body | {"to_channel": general})
    assert (status, error["code"]) in ((400, 300), (400, 5404))


def test_what_is_too_old_to_be_touched_is_not_taken_for_gone(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, now: Now
) -> None:
    message = run(fake, zoom, zoom.post(written(zoom, general, said("x"))))
    now.at += timedelta(days=184).total_seconds()
    with pytest.raises(Refused, match="six months"):
        run(fake, zoom, zoom.edit(message, written(zoom, general, said("y"))))
    with pytest.raises(Refused, match="six months"):
        run(fake, zoom, zoom.delete(general, message))
    assert len(fake.shown(general)) == 1


@pytest.mark.parametrize("words", ["Message does not exist: 3F6C.", "Channel does not exist: 3F6C"])
def test_zoom_has_two_ways_to_say_that_a_message_is_gone(zoom: Zoom, general: ConversationId, words: str) -> None:
    gone = answered(400, {"code": 300, "message": words})
    drive_blocking(zoom.delete(general, MessageId("3F6C")), lambda _: gone, zoom.credentials)
    message = MessageId("3F6C")
    edit, react = zoom.edit(message, written(zoom, general, said("y"))), zoom.react(general, message, "👍", True)
    for calls in (edit, react):
        with pytest.raises(Gone):
            drive_blocking(calls, lambda _: gone, zoom.credentials)


def test_an_emoji_that_zoom_does_not_take_is_said_in_words(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    message = fake.type_as("Hugo Brandt", general, "x")
    refused = answered(400, {"code": 300, "message": "Invalid parameter: emoji."})
    with pytest.raises(NotSupported):
        drive_blocking(zoom.react(general, message, "👍", True), lambda _: refused, zoom.credentials)
    run(fake, zoom, zoom.react(general, message, "©️", True))
    assert fake.shown(general)[0].reactions == (("©️", ("Mio Hub",)),)


# --- Names


def test_a_channel_is_renamed_and_the_echo_tells_that_it_was_us(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    assert run(fake, zoom, zoom.rename(general, " Town\nSquare ")) == fake.places()[0].name == "Town Square"
    assert heard(webhooks, zoom) == [Noticed(Happening.RENAMED, text="Town Square", by=zoom.credentials.account)]
    run(fake, zoom, zoom.rename(general, "Town Square"))


def test_a_name_that_is_taken_or_not_ours_to_give_is_refused(
    fake: FakeZoom, zoom: Zoom, general: ConversationId
) -> None:
    with pytest.raises(Refused, match="another channel"):
        run(fake, zoom, zoom.rename(general, "coffee"))
    fake.rooms[general].owner = fake.users[0]
    with pytest.raises(Refused, match="owner"):
        run(fake, zoom, zoom.rename(general, "x"))
    with pytest.raises(Gone):
        run(fake, zoom, zoom.rename(ConversationId("elsewhere"), "x"))


def test_zoom_has_no_topics(zoom: Zoom) -> None:
    assert not isinstance(zoom, SetsTopics)


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x" * 257}, {"name": 7}, {"name": "x", "topic": "y"}])
def test_an_illegal_change_of_a_channel_is_refused(
    fake: FakeZoom, general: ConversationId, body: dict[str, Any]
) -> None:
    status, error = ask(fake, "PATCH", f"/chat/users/me/channels/{general}", body)
    assert (status, error["code"]) == (400, 300)


@hypothesis.given(st.text(max_size=300))
def test_every_name_becomes_legal_once_and_for_all(name: str) -> None:
    fake = FakeZoom(SECRETS, "https://hub.example.com", Now())
    zoom, legal = Zoom(fake.credentials()), Zoom.legal_name(name)
    assert Zoom.legal_name(legal) == legal
    assert run(fake, zoom, zoom.rename(fake.places()[0].conversation, name)) == fake.places()[0].name == legal


# --- Notices and commands


def test_what_happens_to_a_channel_is_heard(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    hugo, grace = (AccountId(fake.directory()[number].id) for number in (2, 1))
    fake.leave_as("Hugo Brandt", general)
    fake.join_as("Hugo Brandt", general)
    fake.invite_as("Hugo Brandt", general, "Grace Liu", here=False)
    fake.invite_as("Hugo Brandt", general, "Grace Liu")
    fake.rename_as("Hugo Brandt", general, "generally")
    fake.archive_as("Hugo Brandt", general)
    with pytest.raises(Refused, match="archived"):
        run(fake, zoom, zoom.post(written(zoom, general, said("x"))))
    fake.archive_as("Hugo Brandt", general, archived=False)
    assert heard(webhooks, zoom) == [
        Noticed(Happening.LEFT, (hugo,), by=hugo),
        Noticed(Happening.JOINED, (hugo,), by=hugo),
        Noticed(Happening.LEFT, (grace,), by=hugo),
        Noticed(Happening.JOINED, (grace,), by=hugo),
        Noticed(Happening.RENAMED, text="generally", by=hugo),
        Noticed(Happening.ARCHIVED, by=hugo),
        Noticed(Happening.UNARCHIVED, by=hugo),
    ]


def test_a_command_is_heard_in_every_form(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    hugo = AccountId(fake.directory()[2].id)
    message = fake.type_as("Hugo Brandt", general, "@Mio Hub  **help** me")
    reply = fake.reply_as("Hugo Brandt", general, message, "@Mio Hub members")
    fake.edit_as("Hugo Brandt", general, message, "@Mio Hub members")
    fake.command_as("Hugo Brandt", general, "help me")
    assert heard(webhooks, zoom) == [
        Commanded(hugo, "help me", message),
        Commanded(hugo, "members", message),
        Skipped("command"),
        Commanded(hugo, "help me"),
    ]
    assert fake.shown(general)[1].id == reply


def test_a_mention_of_the_chatbot_is_one_command_though_told_twice(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    message = fake.mention_app_as("Hugo Brandt", general, "members, please")
    told = [listen(webhook, zoom) for webhook in webhooks]
    assert len({envelope.event_id for envelope, _ in told}) == 1
    hugo = AccountId(fake.directory()[2].id)
    assert [event for _, event in told] == [Commanded(hugo, "members, please", message)] * 2


LONG_ANSWER = document([Paragraph((Text("word " * 400),)), Paragraph((Text("word " * 600),))])


def test_an_answer_is_told_to_the_asker_alone(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    hugo = AccountId(fake.directory()[2].id)
    run(fake, zoom, zoom.answer(Commanded(hugo, "help"), general, LONG_ANSWER))
    assert [told.only_for for told in fake.whispers(general)] == [hugo] * 2
    assert sum(told.html.count("word") for told in fake.whispers(general)) == 1000
    assert not fake.shown(general)


@pytest.mark.parametrize("kept", ["without a chatbot", "not in the channel", "asked by an outsider"])
def test_an_answer_that_cannot_be_whispered_goes_into_the_thread(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, kept: str
) -> None:
    asker = AccountId("member:xT7") if "outsider" in kept else AccountId(fake.directory()[2].id)
    extra = dict(zoom.credentials.extra)
    tokens = {"admin": zoom.credentials.tokens["admin"]} if "without" in kept else zoom.credentials.tokens
    asker = AccountId("nobody here") if "not in" in kept else asker
    speaker = Zoom(replace(zoom.credentials, tokens=tokens, extra=extra))
    message = fake.type_as("Hugo Brandt", general, "@Mio Hub help")
    run(fake, speaker, speaker.answer(Commanded(asker, "help", message), general, LONG_ANSWER))
    assert fake.whispers(general) == []
    answers = fake.shown(general)[1:]
    assert len(answers) > 3
    assert {(one.thread, one.author) for one in answers} == {(message, "Mio Hub")}


def test_only_the_chatbots_own_token_speaks_for_it(fake: FakeZoom, general: ConversationId) -> None:
    status, error = ask(fake, "POST", "/im/chat/messages", {})
    assert (status, error["code"]) == (401, 7010)
    bot = fake.credentials().tokens["bot"]
    assert ask(fake, "POST", "/im/chat/messages", {}, bot)[1]["code"] == 7001
    assert ask(fake, "GET", "/users", token=bot)[1]["code"] == 4711
