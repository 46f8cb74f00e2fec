"""What a conversation in Teams does after something was said: edits, deletes, threads, reactions, notices, commands."""

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.calls import Call, Calls, Response, T
from connectors.contract import Request
from connectors.errors import Gone, NotSupported, Reconnect, Refused
from connectors.http import Outgoing, drive_blocking
from connectors.messages import (
    AccountId,
    Byline,
    Commanded,
    ConversationId,
    Deleted,
    Draft,
    Event,
    Happening,
    Kind,
    MessageId,
    Noticed,
    Posted,
    Reaction,
    Reference,
    Skipped,
    Stands,
)
from connectors.richtext import (
    Broadcast,
    ChannelMention,
    Document,
    Heading,
    Inline,
    Mention,
    Paragraph,
    Text,
    document,
    plain,
)
from connectors.sandbox import Shown, Webhook
from connectors.teams import directory, ids
from connectors.teams.connector import Teams
from connectors.teams.names import legal_name
from connectors.teams.sandbox import FakeTeams
from tests.connectors.documents import documents
from tests.connectors.samples import Sample, load_reference, samples

SECRETS = Teams.Secrets(client_state_key="a key of ours")
ANN, DEV = "Ann Moreau", "Dev Patel"
START = datetime(2026, 1, 1, tzinfo=UTC)


class Hub:
    """The fake with our connector on the other side of it."""

    def __init__(self) -> None:
        self.now = START.timestamp()
        self.heard: list[Webhook] = []
        self.fake = FakeTeams(SECRETS, "https://hub.example", lambda: self.now)
        self.fake.deliver = self.heard.append
        self.teams = Teams(self.fake.credentials())
        self.general, self.coffee = (place.conversation for place in self.fake.places())

    def run(self, calls: Calls[T]) -> T:
        return drive_blocking(calls, self._sent, self.fake.credentials())

    def _sent(self, outgoing: Outgoing) -> Response:
        url = urlsplit(outgoing.url)
        headers = {name.lower(): value for name, value in outgoing.headers.items()}
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        return self.fake.handle(Request(outgoing.method, outgoing.url, headers, query, outgoing.body or b""))

    def reference(self) -> Reference:
        """Of the last notification."""
        webhook = self.heard[-1]
        received = Teams.receive(Request("POST", webhook.url, webhook.sign(), {}, webhook.body), SECRETS)
        assert isinstance(received, list)
        return received[0].reference

    def event(self) -> Event:
        """The last notification as the relay reads it: a deletion is not fetched."""
        reference = self.reference()
        content = {} if reference.kind is Kind.DELETED else self.run(self.teams.fetch(reference))
        return self.teams.parse(content, reference)

    def stands(self) -> Stands:
        event = self.event()
        assert isinstance(event, Stands)
        return event

    def say(self, *content: Inline, thread: MessageId | None = None, nonce: str = "n1.0") -> MessageId:
        return self.run(self.teams.post(self.teams.render(self.draft(*content, thread=thread, nonce=nonce))))

    def draft(self, *content: Inline, thread: MessageId | None = None, nonce: str = "n1.0") -> Draft:
        return Draft(self.general, document([Paragraph(content)]), nonce, Byline("Bob Okafor", "Slack"), thread)

    def shown(self, message: MessageId) -> Shown:
        return next(shown for shown in self.fake.shown(self.general) if shown.id == message)

    def stored(self, message: MessageId) -> dict[str, Any]:
        return self.fake.channels.all[self.fake.places()[0].id].message(message)

    def id_of(self, person: str) -> AccountId:
        return next(AccountId(one.id) for one in self.fake.people() if one.name == person)


@pytest.fixture
def hub() -> Hub:
    return Hub()


# Edits


def test_an_edit_is_heard_as_how_the_message_stands(hub: Hub) -> None:
    message = hub.fake.type_as(ANN, hub.general, "teh plan")
    hub.now += 60
    hub.fake.edit_as(ANN, hub.general, message, "the **plan**")
    assert hub.reference().kind is Kind.CHANGED
    stands = hub.stands()
    assert (plain(stands.message.body), stands.reactions) == ("the plan", frozenset())
    assert stands.message.edited_at == datetime.fromtimestamp(hub.now, UTC)
    assert hub.shown(message).edited


def test_of_several_edits_the_last_one_stands(hub: Hub) -> None:
    message = hub.fake.type_as(ANN, hub.general, "one")
    edits = []
    for text in ("two", "three"):
        hub.fake.edit_as(ANN, hub.general, message, text)
        edits.append(hub.stands().message)
    assert plain(edits[1].body) == "three"
    first, second = (edit.edited_at for edit in edits)
    assert first is not None
    assert second is not None
    assert first < second


def test_our_own_message_is_edited_as_often_as_we_like(hub: Hub) -> None:
    message = hub.say(Text("before"))
    rendered = hub.teams.render(hub.draft(Text("after "), Mention(DEV, hub.id_of(DEV))))
    for _ in range(2):
        hub.run(hub.teams.edit(message, rendered))
    assert plain(hub.stands().message.body) == "Bob Okafor (Slack)\nafter @Dev Patel"
    assert hub.run(hub.teams.find(rendered, START)) == [message]


def test_a_reply_is_edited_in_its_thread(hub: Hub) -> None:
    root = hub.fake.type_as(ANN, hub.general, "root")
    reply = hub.say(Text("before"), thread=root)
    hub.run(hub.teams.edit(reply, hub.teams.render(hub.draft(Text("after"), thread=root))))
    assert hub.reference().message == reply
    assert "after" in plain(hub.stands().message.body)


def test_a_message_of_somebody_else_can_be_neither_edited_nor_deleted(hub: Hub) -> None:
    message = hub.fake.type_as(ANN, hub.general, "hers")
    for calls in (
        hub.teams.edit(message, hub.teams.render(hub.draft(Text("ours")))),
        hub.teams.delete(hub.general, message),
    ):
        with pytest.raises(Refused, match="somebody else"):
            hub.run(calls)
    assert hub.shown(message).html == "<p>hers</p>"


def test_what_is_deleted_cannot_be_edited(hub: Hub) -> None:
    message = hub.say(Text("x"))
    hub.run(hub.teams.delete(hub.general, message))
    with pytest.raises(Gone):
        hub.run(hub.teams.edit(message, hub.teams.render(hub.draft(Text("y")))))


# Deletes


def test_a_deletion_is_told_by_the_notification_alone(hub: Hub) -> None:
    message = hub.fake.type_as(ANN, hub.general, "oops")
    hub.fake.delete_as(ANN, hub.general, message)
    assert hub.reference().kind is Kind.DELETED
    assert hub.event() == Deleted(message)
    assert hub.fake.shown(hub.general) == []
    with pytest.raises(Gone):
        hub.run(hub.teams.fetch(hub.reference()))


def test_a_message_that_turns_out_to_be_deleted_is_told_as_that(hub: Hub) -> None:
    message = hub.fake.type_as(ANN, hub.general, "oops")
    hub.fake.delete_as(ANN, hub.general, message)
    for kind in (Kind.POSTED, Kind.CHANGED):
        assert hub.teams.parse(hub.stored(message), Reference(kind, hub.general, message)) == Deleted(message)


def test_our_message_is_deleted_once_and_again_without_harm(hub: Hub) -> None:
    message = hub.say(Text("x"))
    for _ in range(2):
        hub.run(hub.teams.delete(hub.general, message))
    assert hub.event() == Deleted(message)
    hub.run(hub.teams.delete(hub.general, MessageId("1")))


def test_a_refusal_to_delete_what_is_gone_is_a_success(hub: Hub) -> None:
    calls = hub.teams.delete(hub.general, MessageId("1"))
    assert "softDelete" in next(calls).url
    assert calls.throw(Refused("x")).method == "GET"
    with pytest.raises(StopIteration):
        calls.send(Response(200, b'{"deletedDateTime": "2026-01-01T00:00:00Z"}'))


def test_replies_outlive_their_root(hub: Hub) -> None:
    root = hub.say(Text("root"))
    reply = hub.fake.reply_as(ANN, hub.general, root, "still here")
    hub.run(hub.teams.delete(hub.general, root))
    assert [(shown.id, shown.thread) for shown in hub.fake.shown(hub.general)] == [(reply, root)]
    later = hub.say(Text("and here"), thread=root)
    assert hub.shown(later).thread == root


def test_an_undone_deletion_is_a_change_after_which_the_text_stands_again(hub: Hub) -> None:
    message = hub.fake.type_as(ANN, hub.general, "keep it")
    hub.fake.delete_as(ANN, hub.general, message)
    token = hub.fake.people()[0].token
    url = f"https://graph.microsoft.com/v1.0{ids.message_path(hub.general, message)}/undoSoftDelete"
    assert hub.fake.handle(Request("POST", url, {"authorization": f"Bearer {token}"}, {}, b"")).status == 204
    assert plain(hub.stands().message.body) == "keep it"
    assert hub.shown(message).html == "<p>keep it</p>"


# Reactions


def test_a_reaction_changes_a_message_without_editing_it(hub: Hub) -> None:
    message = hub.fake.type_as(ANN, hub.general, "cake!")
    before = dict(hub.stored(message))
    hub.now += 5
    hub.fake.react_as(DEV, hub.general, message, "👍🏽", True)
    after = hub.stored(message)
    assert after["etag"] > before["etag"]
    assert after["lastModifiedDateTime"] > before["lastModifiedDateTime"]
    assert after["lastEditedDateTime"] is None
    stands = hub.stands()
    assert stands.message.edited_at is None
    assert stands.reactions == {Reaction(hub.id_of(DEV), "👍🏽")}


def test_people_put_the_same_and_other_emoji_on_a_message(hub: Hub) -> None:
    message = hub.fake.type_as(ANN, hub.general, "cake!")
    hub.fake.react_as(ANN, hub.general, message, "🎂", True)
    hub.fake.react_as(DEV, hub.general, message, "🎂", True)
    hub.fake.react_as(DEV, hub.general, message, "🎉", True)
    assert hub.shown(message).reactions == (("🎂", ("Ann Moreau", "Dev Patel")), ("🎉", ("Dev Patel",)))
    hub.fake.react_as(ANN, hub.general, message, "🎂", False)
    assert hub.stands().reactions == {Reaction(hub.id_of(DEV), "🎂"), Reaction(hub.id_of(DEV), "🎉")}


def test_our_account_reacts_and_takes_it_back_as_often_as_it_likes(hub: Hub) -> None:
    message = hub.fake.type_as(ANN, hub.general, "cake!")
    for _ in range(2):
        hub.run(hub.teams.react(hub.general, message, "❤️", True))
    assert hub.stands().reactions == {Reaction(hub.teams.credentials.account, "❤️")}
    assert hub.shown(message).reactions == (("❤️", ("Mio Hub",)),)
    for _ in range(2):
        hub.run(hub.teams.react(hub.general, message, "❤️", False))
    assert hub.stands().reactions == frozenset()


def test_a_reply_can_be_reacted_to(hub: Hub) -> None:
    reply = hub.fake.reply_as(ANN, hub.general, hub.fake.type_as(ANN, hub.general, "root"), "cake!")
    hub.run(hub.teams.react(hub.general, reply, "🎂", True))
    assert hub.shown(reply).reactions == (("🎂", ("Mio Hub",)),)


@pytest.mark.parametrize("emoji", [":parrot:", "+1", ""])
def test_a_workspaces_own_emoji_cannot_be_set(hub: Hub, emoji: str) -> None:
    with pytest.raises(NotSupported):
        next(hub.teams.react(hub.general, MessageId("1"), emoji, True))


def test_a_reaction_to_what_is_gone_is_told(hub: Hub) -> None:
    with pytest.raises(Gone):
        hub.run(hub.teams.react(hub.general, MessageId("1"), "👍", True))
    hub.run(hub.teams.react(hub.general, MessageId("1"), "👍", False))


@pytest.mark.parametrize(
    ("entry", "emoji"),
    [
        ({"reactionType": "like"}, "👍"),
        ({"reactionType": "angry"}, "😡"),
        ({"reactionType": "sad"}, "😢"),
        ({"reactionType": "laugh"}, "😆"),
        ({"reactionType": "heart"}, "❤️"),
        ({"reactionType": "surprised"}, "😮"),
        ({"reactionType": "👩‍👩‍👧‍👦"}, "👩‍👩‍👧‍👦"),
        ({"reactionType": "custom", "displayName": "Party Parrot"}, ":Party_Parrot:"),
        ({"reactionType": "newname"}, ":newname:"),
    ],
)
def test_reactions_of_every_age_are_read(hub: Hub, entry: dict[str, Any], emoji: str) -> None:
    message = hub.fake.type_as(ANN, hub.general, "x")
    hub.fake.react_as(DEV, hub.general, message, "🎉", True)
    content = {**hub.stored(message), "reactions": [entry | {"user": {"user": {"id": "dev"}}}]}
    event = hub.teams.parse(content, hub.reference())
    assert isinstance(event, Stands)
    assert event.reactions == {Reaction(AccountId("dev"), emoji)}


@pytest.mark.parametrize(
    "entry", [{}, {"reactionType": "👍"}, {"reactionType": "👍", "user": {"user": None}}, {"user": 1}]
)
def test_a_reaction_of_nobody_is_none(hub: Hub, entry: dict[str, Any]) -> None:
    message = hub.fake.type_as(ANN, hub.general, "x")
    content = {**hub.stored(message), "reactions": [entry, None]}
    event = hub.teams.parse(content, Reference(Kind.CHANGED, hub.general, message))
    assert isinstance(event, Stands)
    assert event.reactions == frozenset()


# Threads


def test_a_reply_is_posted_below_its_root_and_found_there(hub: Hub) -> None:
    root = hub.fake.type_as(ANN, hub.general, "root")
    draft = hub.draft(Text("reply"), thread=root)
    reply = hub.run(hub.teams.post(hub.teams.render(draft)))
    assert ids.root_and_reply(reply)[0] == root
    assert hub.reference().message == reply
    assert hub.shown(reply).thread == root
    assert hub.run(hub.teams.find(hub.teams.render(draft), START)) == [reply]
    elsewhere = hub.teams.render(hub.draft(Text("reply")))
    assert hub.run(hub.teams.find(elsewhere, START)) == [], "a lost root is not looked for among replies"


def test_an_answer_to_a_reply_belongs_to_the_root(hub: Hub) -> None:
    root = hub.fake.type_as(ANN, hub.general, "root")
    reply = hub.fake.reply_as(DEV, hub.general, root, "one")
    for later in (hub.say(Text("two"), thread=reply), hub.fake.reply_as(ANN, hub.general, reply, "three")):
        assert hub.shown(later).thread == root
    event = hub.event()
    assert isinstance(event, Posted)
    assert event.message.thread == root


def test_a_root_that_was_never_there_is_gone(hub: Hub) -> None:
    with pytest.raises(Gone):
        hub.say(Text("x"), thread=MessageId("1"))


# Calls to everybody and other channels


def test_everybody_is_called_with_a_live_mention_and_heard_as_one(hub: Hub) -> None:
    message = hub.say(Broadcast("here"), Text(" lunch"))
    (entry,) = hub.stored(message)["mentions"]
    assert entry["mentioned"]["conversation"]["id"] == hub.fake.places()[0].id
    hub.fake.type_as(ANN, hub.general, "@channel lunch")
    event = hub.event()
    assert isinstance(event, Posted)
    assert event.message.body == document([Paragraph((Broadcast("channel"), Text(" lunch")))])


@pytest.mark.parametrize(
    ("identity", "meant"),
    [
        ({"id": "19:coffee@thread.tacv2", "conversationIdentityType": "channel"}, "other"),
        ({"id": "19:abc@thread.tacv2", "conversationIdentityType": "channel"}, "channel"),
        ({"id": "3d1f", "conversationIdentityType": "team"}, "all"),
        ({"id": "19:x", "conversationIdentityType": "chat"}, "all"),
        ({"displayName": "General"}, "channel"),
    ],
)
def test_only_the_own_conversation_is_called_another_one_is_named(identity: dict[str, Any], meant: str) -> None:
    conversation = ids.channel_id("3d1f", "19:abc@thread.tacv2")
    content = {
        "from": {"user": {"id": "ann"}},
        "body": {"contentType": "html", "content": '<at id="0">Coffee</at>'},
        "mentions": [{"id": 0, "mentioned": {"conversation": identity}}],
    }
    event = Hub().teams.parse(content, Reference(Kind.POSTED, conversation, MessageId("1")))
    assert isinstance(event, Posted)
    other = ChannelMention("Coffee", ids.channel_id("3d1f", "19:coffee@thread.tacv2"))
    assert event.message.body == document([Paragraph((other if meant == "other" else Broadcast(meant),))])


# Notices


def test_who_joins_and_leaves_is_noticed(hub: Hub) -> None:
    hub.fake.join_as(DEV, hub.general)
    assert hub.event() == Noticed(Happening.JOINED, (hub.id_of(DEV),), by=hub.id_of(DEV))
    hub.fake.leave_as(DEV, hub.general)
    assert hub.event() == Noticed(Happening.LEFT, (hub.id_of(DEV),), by=hub.id_of(DEV))
    assert hub.id_of(DEV) not in hub.fake.roster(hub.general)
    assert hub.fake.shown(hub.general) == []


def test_a_new_name_is_noticed(hub: Hub) -> None:
    hub.fake.rename_as(ANN, hub.general, "town square")
    assert hub.event() == Noticed(Happening.RENAMED, text="town square", by=hub.id_of(ANN))
    assert hub.fake.places()[0].name == "town square"


def test_a_new_description_is_noticed(hub: Hub) -> None:
    hub.fake.topic_as(ANN, hub.general, "All of us")
    assert hub.event() == Noticed(Happening.TOPIC, text="All of us", by=hub.id_of(ANN))


# Names and topics


def test_a_channel_is_renamed_and_the_echo_tells_that_it_was_us(hub: Hub) -> None:
    assert hub.run(hub.teams.rename(hub.general, "_ .Q&A: 'town'\nsquare?")) == "Q-A- ’town’ square-"
    assert hub.fake.places()[0].name == "Q-A- ’town’ square-"
    assert hub.event() == Noticed(Happening.RENAMED, text="Q-A- ’town’ square-", by=hub.teams.credentials.account)
    hub.run(hub.teams.rename(hub.general, "Q-A- ’town’ square-"))


def test_a_channel_s_description_is_its_topic(hub: Hub) -> None:
    hub.run(hub.teams.set_topic(hub.general, "tea &\n<cake>" + "x" * 2000))
    event = hub.event()
    assert isinstance(event, Noticed)
    assert (event.what, event.by, len(event.text)) == (Happening.TOPIC, hub.teams.credentials.account, 1024)
    assert event.text.startswith("tea & <cake>x")
    hub.run(hub.teams.set_topic(hub.general, ""))
    assert hub.event() == Noticed(Happening.TOPIC, by=hub.teams.credentials.account)


def test_a_name_that_is_taken_or_a_team_that_is_not_ours_is_refused(hub: Hub) -> None:
    with pytest.raises(Refused, match="another channel"):
        hub.run(hub.teams.rename(hub.general, "Coffee"))
    hub.fake.roster(hub.general).discard(hub.fake.service)
    for calls in (hub.teams.rename(hub.general, "x"), hub.teams.set_topic(hub.general, "x")):
        with pytest.raises(Refused, match="not a member"):
            hub.run(calls)


def test_without_the_scope_an_administrator_is_asked_to_consent(hub: Hub) -> None:
    for token, grant in hub.fake.entra.grants.items():
        if grant.user == hub.fake.service:
            hub.fake.entra.grants[token] = replace(grant, permissions=frozenset({"ChannelMessage.Send"}))
    with pytest.raises(Reconnect, match=r"ChannelSettings\.ReadWrite\.All"):
        hub.run(hub.teams.rename(hub.general, "x"))


@pytest.mark.parametrize("name", ["", "x" * 51, "a/b", "_a", ".a", " a", "what?", 7])
def test_an_illegal_name_is_refused_as_teams_does(hub: Hub, name: object) -> None:
    call = replace(next(hub.teams.rename(hub.general, "x")), json={"displayName": name})
    with pytest.raises(Refused):
        hub.run(once(call))


@pytest.mark.parametrize("changes", [[], {}, {"description": "x" * 1025}, {"membershipType": "private"}])
def test_an_illegal_change_of_a_channel_is_refused(hub: Hub, changes: object) -> None:
    call = replace(next(hub.teams.rename(hub.general, "x")), json=changes)
    with pytest.raises(Refused):
        hub.run(once(call))


def once(call: Call) -> Calls[None]:
    yield call


@given(st.text(max_size=80))
def test_every_name_becomes_legal_once_and_for_all(name: str) -> None:
    hub, legal = Hub(), legal_name(name)
    assert legal_name(legal) == legal
    assert hub.run(hub.teams.rename(hub.general, name)) == hub.fake.places()[0].name == legal


# What edits, deletions and reactions run into


def test_a_policy_of_the_tenant_refuses_edits_and_deletions(hub: Hub) -> None:
    message = hub.say(Text("x"))
    hub.fake.channels.lets_edit = hub.fake.channels.lets_delete = False
    with pytest.raises(Refused, match="policy"):
        hub.run(hub.teams.edit(message, hub.teams.render(hub.draft(Text("y")))))
    with pytest.raises(Refused, match="policy"):
        hub.run(hub.teams.delete(hub.general, message))


def test_a_refused_deletion_of_what_is_gone_is_a_success(hub: Hub) -> None:
    calls = hub.teams.delete(hub.general, MessageId("1"))
    next(calls)
    assert calls.throw(Refused("no")).method == "GET"
    with pytest.raises(StopIteration):
        calls.throw(Gone("not there"))


@pytest.mark.parametrize("emoji", [":party_parrot:", ":größe:", "日本"])
def test_an_emoji_that_teams_does_not_take_is_said_in_words(hub: Hub, emoji: str) -> None:
    message = hub.say(Text("x"))
    for on in (True, False):
        with pytest.raises(NotSupported):
            hub.run(hub.teams.react(hub.general, message, emoji, on))


def test_without_asking_for_them_system_messages_are_of_an_unknown_kind(hub: Hub) -> None:
    hub.fake.rename_as(ANN, hub.general, "x")
    url = f"https://graph.microsoft.com/v1.0{ids.messages_path(hub.general)}"
    headers = {"authorization": f"Bearer {hub.fake.people()[0].token}"}
    listed = json.loads(hub.fake.handle(Request("GET", url, headers, {}, b"")).body)
    assert [message["messageType"] for message in listed["value"]] == ["unknownFutureValue"]


def told(kind: str, **detail: object) -> dict[str, Any]:
    event = {"@odata.type": f"#microsoft.graph.{kind}EventMessageDetail", **detail}
    return {"messageType": "systemEventMessage", "from": None, "eventDetail": event, "body": {"content": "<x/>"}}


@pytest.mark.parametrize(
    ("content", "what", "text"),
    [
        (told("channelDescriptionUpdated", channelDescription="All of us"), Happening.TOPIC, "All of us"),
        (told("channelDescriptionUpdated", channelDescription=None), Happening.TOPIC, ""),
        (told("teamArchived"), Happening.ARCHIVED, ""),
        (told("teamUnarchived"), Happening.UNARCHIVED, ""),
    ],
)
def test_what_teams_says_about_a_conversation_is_noticed(
    hub: Hub, content: dict[str, Any], what: Happening, text: str
) -> None:
    assert hub.teams.parse(content, Reference(Kind.POSTED, hub.general, MessageId("1"))) == Noticed(what, (), text)


ANN_CALLS = {"initiator": {"user": {"id": "ann", "displayName": "Ann"}}}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (told("callStarted", **ANN_CALLS), "[started a call]"),
        (told("callEnded", callDuration="PT1H5M12.3S", **ANN_CALLS), "[the call ended after 1 h 5 min]"),
        (told("callEnded", callDuration="PT42S", **ANN_CALLS), "[the call ended after 42 s]"),
        (told("callEnded", callDuration="soon", **ANN_CALLS), "[the call ended]"),
        (
            told("callRecording", callRecordingUrl="https://x.example/r", callRecordingDisplayName="Plan", **ANN_CALLS),
            "[recording of the call: Plan] (https://x.example/r)",
        ),
    ],
)
def test_a_call_is_told_in_the_name_of_who_began_it(hub: Hub, content: dict[str, Any], line: str) -> None:
    event = hub.teams.parse(content, Reference(Kind.POSTED, hub.general, MessageId("1")))
    assert isinstance(event, Posted)
    assert (event.message.author, plain(event.message.body), event.message.body.degraded) == ("ann", line, ("call",))


@pytest.mark.parametrize(
    "content",
    [
        told("messagePinned"),
        told("membersAdded", members=[]),
        told("membersAdded", members=[{"id": None}, 7]),
        told("callStarted"),
        {"messageType": "systemEventMessage", "eventDetail": None},
        {"messageType": "unknownFutureValue"},
    ],
)
def test_other_system_messages_do_not_cross(hub: Hub, content: dict[str, Any]) -> None:
    assert hub.teams.parse(content, Reference(Kind.POSTED, hub.general, MessageId("1"))) == Skipped("system message")


# Commands


def test_what_begins_with_our_name_is_a_command(hub: Hub) -> None:
    message = hub.fake.type_as(ANN, hub.general, "@Mio Hub   **members** please")
    event = hub.event()
    assert isinstance(event, Commanded)
    assert (event.account, event.words) == (hub.id_of(ANN), "members please")
    assert ids.open_command_handle(event.handle) == (message, ANN)


@pytest.mark.parametrize("text", ["hi @Mio Hub", "@Dev Patel help", "Mio Hub help", "> @Mio Hub help"])
def test_our_name_elsewhere_is_talk(hub: Hub, text: str) -> None:
    hub.fake.type_as(ANN, hub.general, text)
    assert isinstance(hub.event(), Posted)


def test_an_edited_command_is_not_given_twice(hub: Hub) -> None:
    message = hub.fake.type_as(ANN, hub.general, "@Mio Hub hlep")
    hub.fake.edit_as(ANN, hub.general, message, "@Mio Hub help")
    assert hub.event() == Skipped("command")


def test_our_own_words_are_never_a_command(hub: Hub) -> None:
    hub.run(hub.teams.post(hub.teams.render(Draft(hub.general, mentioning(hub), "n"))))
    assert isinstance(hub.event(), Posted)


def mentioning(hub: Hub) -> Document:
    return document([Paragraph((Mention("Mio Hub", hub.teams.credentials.account), Text(" help")))])


@pytest.mark.parametrize("first", [Paragraph((Text("Ask away"),)), Heading((Text("Ask away"),))])
def test_an_answer_is_a_reply_that_calls_the_asker(hub: Hub, first: Paragraph | Heading) -> None:
    asked = hub.fake.type_as(ANN, hub.general, "@Mio Hub help")
    command = hub.event()
    assert isinstance(command, Commanded)
    hub.run(hub.teams.answer(command, hub.general, document([first])))
    event = hub.event()
    assert isinstance(event, Posted)
    assert (event.message.thread, event.message.author) == (asked, hub.teams.credentials.account)
    assert plain(event.message.body).replace("\n", " ") == "@Ann Moreau Ask away"
    (mention,) = hub.stored(event.message.id)["mentions"]
    assert mention["mentioned"]["user"]["id"] == hub.id_of(ANN)


def test_a_long_answer_comes_in_parts(hub: Hub) -> None:
    hub.fake.type_as(ANN, hub.general, "@Mio Hub members")
    command = hub.event()
    assert isinstance(command, Commanded)
    hub.run(hub.teams.answer(command, hub.general, document([Paragraph((Text("word " * 9000),))])))
    assert [shown.author for shown in hub.fake.shown(hub.general)] == [ANN, "Mio Hub", "Mio Hub"]


# Members


def test_everybody_in_a_channel_is_listed_over_all_pages(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    roster = hub.fake.roster(hub.general)
    assert set(hub.run(hub.teams.members(hub.general))) == roster
    monkeypatch.setattr(directory, "MEMBERS_PAGE", 2)
    assert len(roster) > 2
    assert set(hub.run(hub.teams.members(hub.general))) == roster


# Every call


def calls_of(hub: Hub) -> Iterator[Call]:
    rendered, message = hub.teams.render(hub.draft(Text("x"), thread=MessageId("1"))), MessageId("1/2")
    yield next(hub.teams.post(rendered))
    yield next(hub.teams.find(rendered, START))
    yield next(hub.teams.delete(hub.general, message))
    yield next(hub.teams.react(hub.general, message, "👍", True))
    editing = hub.teams.edit(message, rendered)
    yield next(editing)
    yield editing.send(Response(200, b"{}"))
    yield next(hub.teams.fetch(Reference(Kind.CHANGED, hub.general, message)))
    yield next(hub.teams.account(AccountId("x")))
    yield next(hub.teams.members(hub.general))


def test_every_call_names_its_permission_and_only_a_post_must_not_be_repeated(hub: Hub) -> None:
    calls = list(calls_of(hub))
    assert all(call.scopes and call.bucket for call in calls)
    assert [call.repeatable for call in calls] == [False] + [True] * (len(calls) - 1)
    assert all(call.url.startswith("https://graph.microsoft.com/v1.0/") for call in calls)


def test_what_is_sent_in_a_thread_does_not_name_the_root_in_its_body(hub: Hub) -> None:
    call = next(hub.teams.post(hub.teams.render(hub.draft(Text("x"), thread=MessageId("1")))))
    assert "replyToId" not in call.json
    assert call.url.endswith("/messages/1/replies")


def test_ids_of_conversations_are_quoted_in_addresses(hub: Hub) -> None:
    conversation = ConversationId("a b/19:c@thread.tacv2")
    assert ids.message_path(conversation, MessageId("1/2")) == (
        "/teams/a%20b/channels/19%3Ac%40thread.tacv2/messages/1/replies/2"
    )


# Trouble

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["[", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
HEARD = [sample for sample in samples("heard") if sample.slug == "teams"]
TAGS = st.sampled_from("at attachment emoji customemoji img a table tr td h1 hr codeblock systemEventMessage".split())  # noqa: SIM905
NAMES = st.sampled_from(["id", "src", "alt", "href", "itemtype", "title"])
VALUES = st.sampled_from(
    ["0", "1", "f1", "https://[", "https://x.example/a.gif", "http://schema.skype.com/Emoji", "\ud800"]
)
MARKUP = st.one_of(
    st.builds(lambda tag, name, value: f'<{tag} {name}="{value}">', TAGS, NAMES, VALUES | st.text(max_size=5)),
    TAGS.map(lambda tag: f"</{tag}>"),
    st.text(max_size=5),
)


def places_in(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [found for key, one in inner for found in places_in(one, (*path, key))]


@given(st.sampled_from(HEARD), st.sampled_from(Kind), st.data())
def test_no_mutation_of_a_sample_upsets_parse(sample: Sample, kind: Kind, data: st.DataObject) -> None:
    content = copy.deepcopy(sample.data["content"])
    reference = replace(load_reference(sample.data["reference"]), kind=kind)
    for _ in range(data.draw(st.integers(0, 3))):
        if places := places_in(content):
            *path, last = data.draw(st.sampled_from(places))
            place = content
            for key in path:
                place = place[key]
            place[last] = data.draw(JSON)
    event = Teams(sample.credentials).parse(content, reference)
    if isinstance(event, Posted | Stands):
        body = event.message.body
        assert body == document(body.blocks, body.degraded)


@given(st.lists(MARKUP, max_size=20).map("".join))
def test_no_markup_of_teams_upsets_parse(source: str) -> None:
    sample = next(sample for sample in HEARD if sample.name == "file_and_card")
    content = sample.data["content"] | {"body": {"contentType": "html", "content": source}}
    Teams(sample.credentials).parse(content, load_reference(sample.data["reference"]))


@given(documents(mention_ids=st.sampled_from(["oid-1", "oid-2"])), st.integers(800, 3000))
def test_no_part_exceeds_its_limit_and_mentions_stay_paired(body: Document, limit: int) -> None:
    hub_platform = replace(Teams.platform, limits=replace(Teams.platform.limits, text=limit))
    teams = type("Narrow", (Teams,), {"platform": hub_platform})(Hub().fake.credentials())
    for part in teams.parts(Draft(ids.channel_id("t", "19:c"), body, "n1")):
        entries = [str(entry["id"]) for entry in part.payload.get("mentions", ())]
        assert re.findall(r'<at id="(\d+)">', part.payload["body"]["content"]) == entries
        assert part.size <= limit + len(part.nonce) - len("n1"), "a part's number is not yet known when it is cut"
