"""People's own chats in Slack: who is told of what, and what a person's token does there and in channels."""

import json
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from connectors.calls import Call, Response
from connectors.consent import Preset, Purpose, wanted
from connectors.contract import Envelope, Rendered
from connectors.direct import MOST_PEOPLE
from connectors.errors import Gone, NotSupported, Reconnect, Refused
from connectors.http import drive_blocking
from connectors.messages import (
    AccountId,
    Attachment,
    Commanded,
    ConversationId,
    Deleted,
    Draft,
    Edited,
    Event,
    Kind,
    MessageId,
    Posted,
    Reacted,
    Reaction,
    Reference,
    Stands,
)
from connectors.richtext import Document, Paragraph, Text, plain
from connectors.sandbox import World
from connectors.slack.connector import Slack
from connectors.slack.sandbox import FakeSlack
from tests.connectors import given
from tests.connectors.slack.test_client import HELLO, SINCE, Company

LUNCH = Document((Paragraph((Text("lunch?"),)),))


class House(Company):
    """The company, with a chat of Ann and Bob and a group of all three; nobody has consented to anything."""

    def __init__(self) -> None:
        super().__init__()
        self.carla = self.fake.people()[2]
        self.chat = self.fake.chat([self.ann.id, self.bob.id])
        self.group = self.fake.chat([self.ann.id, self.bob.id, self.carla.id])

    def voice(self, person: str, preset: Preset = Preset.FULL) -> "Voice":
        return Voice(self, Slack(self.fake.own_credentials(person, preset)))

    def heard(self) -> list[tuple[Envelope, Event]]:
        """What was told since the last look, and what we read from it."""
        told = [(envelope, self.slack.parse(envelope.content or {}, envelope.reference)) for envelope in self.told()]
        self.webhooks.clear()
        return told


class Voice:
    """Somebody's own connector."""

    def __init__(self, house: House, slack: Slack) -> None:
        self.house = house
        self.slack = slack
        [self.token] = slack.credentials.tokens.values()

    def run(self, calls: Any) -> Any:
        return drive_blocking(calls, self.house.transport, self.slack.credentials)

    def said(self, conversation: ConversationId, body: Document = LUNCH, thread: MessageId | None = None) -> Rendered:
        return self.slack.render(Draft(conversation, body, "n1", thread=thread))

    def post(self, conversation: ConversationId, thread: MessageId | None = None) -> MessageId:
        posted: MessageId = self.run(self.slack.post(self.said(conversation, thread=thread)))
        return posted

    def lacks(self, scope: str) -> None:
        self.house.fake.workspace.callers[self.token].scopes.discard(scope)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture(params=["chat", "group"])
def place(house: House, request: pytest.FixtureRequest) -> ConversationId:
    """A chat of two, and a group."""
    found: ConversationId = getattr(house, request.param)
    return found


def first(calls: Any) -> Call:
    """What the relay looks at before it asks a person's token to do something."""
    call: Call = next(calls)
    return call


# --- Who is told


def test_nobody_hears_a_chat_in_which_nobody_consented(house: House, place: ConversationId) -> None:
    ts = house.fake.type_as(house.ann.id, place, "lunch?")
    house.fake.react_as(house.bob.id, place, ts, "👍")
    assert house.told() == []


def test_a_chat_is_heard_for_one_who_consented(house: House, place: ConversationId) -> None:
    house.voice(house.bob.id, Preset.PUBLISHED)
    ts = house.fake.type_as(house.ann.id, place, "lunch?")
    [(envelope, event)] = house.heard()
    assert (envelope.is_direct, envelope.hearer) == (True, house.bob.id)
    assert envelope.workspace == house.slack.credentials.workspace
    assert envelope.reference == Reference(Kind.POSTED, place, ts, envelope.reference.occurred_at)
    assert isinstance(event, Posted)
    assert (event.message.author, event.message.body) == (house.ann.id, LUNCH)


def test_edits_deletions_and_replies_are_heard_as_well(house: House, place: ConversationId) -> None:
    house.voice(house.bob.id, Preset.PUBLISHED)
    root = house.fake.type_as(house.ann.id, place, "lunch?")
    reply = house.fake.reply_as(house.bob.id, place, root, "yes")
    house.fake.edit_as(house.bob.id, place, reply, "no")
    house.fake.delete_as(house.bob.id, place, reply)
    told = house.heard()
    assert [(envelope.is_direct, envelope.hearer) for envelope, _ in told] == [(True, house.bob.id)] * 4
    _, (_, answered), (_, edited), (_, deleted) = told
    assert isinstance(answered, Posted)
    assert answered.message.thread == root
    assert isinstance(edited, Edited)
    assert plain(edited.message.body) == "no"
    assert deleted == Deleted(reply)


def test_what_two_could_hear_is_told_once_and_twice_it_is_one_event(house: House, place: ConversationId) -> None:
    house.voice(house.ann.id)
    house.voice(house.bob.id)
    house.fake.type_as(house.ann.id, place, "lunch?")
    [told] = house.told()
    house.fake.workspace.tell(told.content, house.bob.id)
    for_ann, for_bob = house.told()
    assert (for_ann.hearer, for_bob.hearer) == (house.ann.id, house.bob.id)
    assert (for_ann.event_id, for_ann.reference) == (for_bob.event_id, for_bob.reference)


def test_a_chat_is_not_heard_for_who_is_not_in_it_nor_without_the_scope_nor_after_goodbye(house: House) -> None:
    house.voice(house.carla.id)
    house.voice(house.ann.id).lacks("im:history")
    bob = house.voice(house.bob.id)
    bob.run(bob.slack.revoke(house.fake.app))
    house.webhooks.clear()
    house.fake.type_as(house.ann.id, house.chat, "lunch?")
    assert house.told() == []


def test_a_reaction_is_heard_where_it_was_put(house: House, place: ConversationId) -> None:
    house.voice(house.ann.id, Preset.PUBLISHED)
    ts = house.fake.type_as(house.ann.id, place, "lunch?")
    house.fake.react_as(house.bob.id, place, ts, "👍")
    _, (envelope, event) = house.heard()
    assert event == Reacted(ts, Reaction(AccountId(house.bob.id), "👍"))
    assert (envelope.hearer, envelope.reference.conversation) == (house.ann.id, place)
    assert envelope.is_direct == (place == house.chat)  # the id of a group is like a channel's


def test_what_a_person_asks_our_app_stays_a_command(house: House) -> None:
    house.voice(house.ann.id)
    house.fake.type_as(house.ann.id, house.fake.chat_with(house.ann.id), "help")
    [(envelope, event)] = house.heard()
    assert (envelope.is_direct, envelope.hearer, envelope.reference.kind) == (False, "", Kind.COMMAND)
    assert isinstance(event, Commanded)


def test_a_channel_is_heard_by_our_app_whoever_consented(house: House) -> None:
    house.voice(house.ann.id)
    house.fake.type_as(house.ann.id, house.general, "lunch?")
    [envelope] = house.told()
    assert (envelope.is_direct, envelope.hearer) == (False, "")


def test_of_a_channel_without_our_app_only_reactions_are_told_and_not_as_a_chat(house: House) -> None:
    house.voice(house.ann.id)
    del house.fake.workspace.channels[house.general].members[house.slack.credentials.account]
    ts = house.fake.type_as(house.ann.id, house.general, "lunch?")
    house.fake.react_as(house.ann.id, house.general, ts, "👍")
    [envelope] = house.told()
    assert (envelope.reference.kind, envelope.is_direct, envelope.hearer) == (Kind.REACTED, False, house.ann.id)


@pytest.mark.parametrize(
    "who", [{}, {"user_id": 7, "is_bot": False}, {"user_id": "<b>", "is_bot": False}, {"is_bot": 0}]
)
def test_an_event_that_names_nobody_rightly_is_no_person_s(house: House, who: dict[str, Any]) -> None:
    house.voice(house.ann.id)
    house.fake.type_as(house.ann.id, house.chat, "lunch?")
    [webhook] = house.webhooks
    outer = json.loads(webhook.body) | {"authorizations": [{"team_id": "T0ACME0001"} | who]}
    house.webhooks[:] = [house.fake._webhook(json.dumps(outer).encode(), "application/json")]
    [envelope] = house.told()
    assert (envelope.is_direct, envelope.hearer, envelope.reference.kind) == (False, "", Kind.POSTED)


# --- Opening


def test_a_chat_is_opened_once_whoever_opens_it(house: House) -> None:
    ann, bob = house.voice(house.ann.id), house.voice(house.bob.id)
    assert ann.run(ann.slack.open_direct([AccountId(house.bob.id)])) == house.chat
    assert bob.run(bob.slack.open_direct([AccountId(house.ann.id)])) == house.chat
    others = [AccountId(house.carla.id), AccountId(house.ann.id)]
    assert bob.run(bob.slack.open_direct(others, "Lunch")) == house.group


def test_a_new_chat_has_the_people_who_were_named(house: House) -> None:
    eve = house.fake.add_person("Eve Stone", "eve@acme.example")
    ann = house.voice(house.ann.id)
    chat = ann.run(ann.slack.open_direct([AccountId(eve.id)]))
    assert ann.run(ann.slack.participants(chat)) == [house.ann.id, eve.id]
    ann.post(chat)
    assert [shown.author for shown in house.fake.shown(chat)] == ["Ann Moreau"]


def test_a_group_of_nine_is_opened_and_one_of_ten_is_not_even_tried(house: House) -> None:
    names = [f"Guest {number}" for number in range(9)]
    users = [AccountId(house.fake.add_person(name, f"{number}@acme.example").id) for number, name in enumerate(names)]
    ann = house.voice(house.ann.id)
    nine = ann.run(ann.slack.open_direct(users[:8]))
    assert ann.run(ann.slack.participants(nine)) == [house.ann.id, *users[:8]]
    with pytest.raises(Refused, match="nine people"):
        first(ann.slack.open_direct(users))


def test_who_cannot_be_written_to_is_refused(house: House) -> None:
    ann = house.voice(house.ann.id)
    house.fake.remove_person(house.bob.id)
    with pytest.raises(Refused, match="deactivated"):
        ann.run(ann.slack.open_direct([AccountId(house.bob.id)]))
    with pytest.raises(Gone):
        ann.run(ann.slack.open_direct([AccountId("U0NOBODY01")]))
    house.fake.workspace.forbidden.add("conversations.open")
    with pytest.raises(Refused, match="write to each other"):
        ann.run(ann.slack.open_direct([AccountId(house.carla.id)]))


def test_who_is_in_a_chat_is_told_to_those_in_it(house: House) -> None:
    ann, carla = house.voice(house.ann.id), house.voice(house.carla.id)
    assert ann.run(ann.slack.participants(house.chat)) == [house.ann.id, house.bob.id]
    assert ann.run(ann.slack.participants(house.group)) == [house.ann.id, house.bob.id, house.carla.id]
    with pytest.raises(Gone):
        carla.run(carla.slack.participants(house.chat))


def test_a_channel_is_no_chat_and_a_group_takes_nobody_in(house: House) -> None:
    with pytest.raises(NotSupported):
        house.run(house.slack.participants(house.general))
    with pytest.raises(NotSupported):
        house.slack.bring_in(house.group, [AccountId(house.ann.id)])


@pytest.mark.parametrize("answer", [{}, {"channel": []}, {"channel": {"is_im": True, "user": 7}}])
def test_an_answer_that_names_nobody_is_refused_or_no_chat(house: House, answer: dict[str, Any]) -> None:
    calls = house.slack.participants(house.chat)
    first(calls)
    with pytest.raises((Refused, NotSupported)):
        calls.send(Response(200, json.dumps({"ok": True} | answer).encode()))


def test_a_crowd_is_cut(house: House) -> None:
    calls = house.slack.participants(house.group)
    first(calls)
    calls.send(Response(200, b'{"ok":true,"channel":{"is_mpim":true}}'))
    crowd = {"ok": True, "members": [f"U{number:09}" for number in range(99)]}
    with pytest.raises(StopIteration) as end:
        calls.send(Response(200, json.dumps(crowd).encode()))
    assert len(end.value.value) == MOST_PEOPLE + 1


# --- Speaking


def test_a_person_speaks_as_themselves(house: House, place: ConversationId) -> None:
    ann = house.voice(house.ann.id, Preset.PUBLISHED)
    ts = ann.post(place)
    [(envelope, event)] = house.heard()
    assert (envelope.reference.message, envelope.is_direct) == (ts, True)
    assert isinstance(event, Posted)
    assert (event.message.author, event.message.author_name, event.message.is_app) == (house.ann.id, "", False)
    [shown] = house.fake.shown(place)
    assert (shown.author, shown.is_app, shown.html) == ("Ann Moreau", False, "<p>lunch?</p>")


def test_in_a_channel_too_a_person_speaks_as_themselves(house: House) -> None:
    ann = house.voice(house.ann.id, Preset.PUBLISHED)
    ts = ann.post(house.general)
    [(envelope, event)] = house.heard()
    assert (envelope.is_direct, envelope.hearer) == (False, "")
    assert isinstance(event, Posted)
    assert event.message.author in ann.slack.own_accounts
    ann.run(ann.slack.edit(ts, ann.said(house.general, HELLO)))
    ann.run(ann.slack.delete(house.general, ts))
    assert [type(event) for _, event in house.heard()] == [Edited, Deleted]


def test_a_lost_post_is_found_in_its_chat_and_thread(house: House, place: ConversationId) -> None:
    ann = house.voice(house.ann.id, Preset.PUBLISHED)
    root = house.fake.type_as(house.ann.id, place, "lunch?")
    ts, reply = ann.post(place), ann.post(place, root)
    assert ann.run(ann.slack.find(ann.said(place), SINCE)) == [ts]
    assert ann.run(ann.slack.find(ann.said(place, thread=root), SINCE)) == [reply]


def test_what_a_person_said_in_a_channel_is_found_by_our_app_alone(house: House) -> None:
    ann = house.voice(house.ann.id)
    ts = ann.post(house.general)
    house.as_person(house.ann.token, "chat.postMessage", channel=house.general, metadata=marked("n1"), text="lunch?")
    assert house.run(house.slack.find(ann.said(house.general), SINCE)) == [ts]
    with pytest.raises(Refused):  # nobody is asked for their channels
        ann.run(ann.slack.find(ann.said(house.general), SINCE))


def marked(nonce: str) -> dict[str, Any]:
    """What everybody in the workspace can read, and copy."""
    return {"event_type": "mio_relayed", "event_payload": {"nonce": nonce}}


def test_what_a_person_said_is_edited_fetched_and_deleted(house: House, place: ConversationId) -> None:
    ann, bob = house.voice(house.ann.id, Preset.PUBLISHED), house.voice(house.bob.id, Preset.PUBLISHED)
    ts = ann.post(place)
    ann.run(ann.slack.edit(ts, ann.said(place, HELLO)))
    reference = Reference(Kind.EDITED, place, ts)
    stands = bob.slack.parse(bob.run(bob.slack.fetch(reference)), reference)
    assert isinstance(stands, Stands)
    assert (stands.message.author, stands.message.body) == (house.ann.id, HELLO)
    with pytest.raises(Refused):
        bob.run(bob.slack.edit(ts, bob.said(place)))
    ann.run(ann.slack.delete(place, ts))
    with pytest.raises(Gone):
        bob.run(bob.slack.fetch(reference))


def test_a_person_reacts_as_themselves(house: House, place: ConversationId) -> None:
    bob = house.voice(house.bob.id)
    ts = house.fake.type_as(house.ann.id, place, "lunch?")
    bob.run(bob.slack.react(place, ts, "👍", on=True))
    assert house.fake.shown(place)[0].reactions == (("👍", ("Bob Okafor",)),)
    bob.run(bob.slack.react(place, ts, "👍", on=False))
    assert house.fake.shown(place)[0].reactions == ()


def downloaded(voice: Voice, attachment: Attachment) -> bytes:
    def calls() -> Any:
        return (yield (yield from voice.slack.open(attachment)))

    found: bytes = voice.run(calls()).body
    return found


def test_a_file_crosses_and_only_those_in_the_chat_read_it(house: House) -> None:
    place = house.chat
    ann, bob = house.voice(house.ann.id), house.voice(house.bob.id, Preset.PUBLISHED)
    dev = house.voice(house.fake.add_person("Dev Patel", "dev@acme.example").id)
    menu, draft = Attachment("menu.pdf", "application/pdf", "elsewhere", 8), Draft(place, LUNCH, "n1")
    ts = given.uploaded(ann.slack.upload(menu, draft), house.transport, ann.slack.credentials, b"%PDF-1.7")
    assert ann.run(ann.slack.find_file(menu, draft, SINCE)) == [ts]
    assert bob.run(bob.slack.find_file(menu, draft, SINCE)) == []
    reference = Reference(Kind.POSTED, place, ts)
    event = bob.slack.parse(bob.run(bob.slack.fetch(reference)), reference)
    assert isinstance(event, Posted)
    assert (event.message.author, event.message.body) == (house.ann.id, LUNCH)
    [attachment] = event.message.attachments
    assert downloaded(bob, attachment) == b"%PDF-1.7"
    with pytest.raises(Refused):
        downloaded(dev, attachment)
    ann.run(ann.slack.delete(place, ts))
    assert house.fake.files(place) == []


# --- What a token may


def test_what_was_not_permitted_is_refused_and_the_consent_stands(house: House) -> None:
    ann = house.voice(house.ann.id, Preset.PUBLISHED)
    ts = house.fake.type_as(house.bob.id, house.chat, "lunch?")
    lacking = {
        "im:write": ann.slack.open_direct([AccountId(house.bob.id)]),
        "mpim:write": ann.slack.open_direct([AccountId(house.bob.id), AccountId(house.carla.id)]),
        "im:read": ann.slack.participants(house.chat),
        "reactions:write": ann.slack.react(house.chat, ts, "👍", on=True),
        "files:write": ann.slack.upload(
            Attachment("a.txt", "text/plain", "", 1), Draft(house.chat, Document(()), "n1")
        ),
    }
    for calls in lacking.values():
        with pytest.raises(Refused, match="permission is missing"):
            ann.run(calls)
    assert ann.run(ann.slack.participants(house.group)) == [house.ann.id, house.bob.id, house.carla.id]


def test_each_call_names_what_a_person_s_token_needs(house: House) -> None:
    slack = Slack(house.fake.own_credentials(house.ann.id))
    bob, carla = AccountId(house.bob.id), AccountId(house.carla.id)
    in_chat, in_group = (Reference(Kind.POSTED, place, MessageId("1.1")) for place in (house.chat, house.group))
    assert first(slack.open_direct([bob])).scopes == ("im:write",)
    assert first(slack.open_direct([bob, carla])).scopes == ("mpim:write",)
    assert first(slack.participants(house.chat)).scopes == ("im:read",)
    assert "im:read" not in first(slack.participants(house.group)).scopes
    assert first(slack.fetch(in_chat)).scopes == ("im:history",)
    assert first(slack.fetch(in_group)).scopes == ("channels:history", "groups:history", "mpim:history")


@pytest.mark.parametrize("end", ["token_revoked", "account_inactive"])
def test_a_lost_token_is_reconnect(house: House, end: str) -> None:
    ann = house.voice(house.ann.id)
    house.fake.workspace.callers[ann.token].ended = end
    with pytest.raises(Reconnect):
        ann.post(house.chat)


def test_our_app_s_own_missing_permission_is_still_reconnect(house: House) -> None:
    house.fake.workspace.callers[house.slack.credentials.tokens["bot"]].scopes.discard("chat:write")
    with pytest.raises(Reconnect):
        house.run(house.slack.post(house.rendered()))


def test_who_is_not_in_a_chat_neither_reads_nor_speaks_there(house: House) -> None:
    carla = house.voice(house.carla.id)
    ts = house.fake.type_as(house.ann.id, house.chat, "lunch?")
    with pytest.raises(Gone):
        carla.post(house.chat)
    with pytest.raises(Gone):
        carla.run(carla.slack.fetch(Reference(Kind.POSTED, house.chat, ts)))
    with pytest.raises(Gone):
        house.run(house.slack.fetch(Reference(Kind.POSTED, house.chat, ts)))


@pytest.mark.parametrize("preset", Preset)
def test_what_the_hub_holds_is_what_a_person_consented_to(house: House, preset: Preset) -> None:
    voice = house.voice(house.ann.id, preset)
    held = voice.slack.credentials
    asked = {scope.name for scope in wanted(Slack.scopes, Purpose.MESSAGES, preset)}
    assert house.fake.workspace.callers[voice.token].scopes == asked
    assert (held.account, held.person, list(held.tokens)) == (house.ann.id, "person", ["person"])
    identity = voice.run(voice.slack.identify_person())
    assert (identity.workspace, identity.account) == (house.slack.credentials.workspace, house.ann.id)
    assert voice.token not in repr(held)


# --- Slack's own client


def test_slack_s_own_client_opens_lists_and_reads_chats(world: World, sandbox_url: str) -> None:
    fake = world.fakes["slack"]
    assert isinstance(fake, FakeSlack)
    ann, bob, carla = (person.id for person in fake.people())
    client = WebClient(
        fake.own_credentials(ann, Preset.FULL).tokens["person"], base_url=f"{sandbox_url}/slack.com/api/"
    )
    opened = client.conversations_open(users=[bob], return_im=True)
    assert (opened["channel"]["user"], opened.get("already_open")) == (bob, None)
    again = client.conversations_open(users=[bob])
    assert (again["channel"]["id"], again["already_open"]) == (opened["channel"]["id"], True)
    group = client.conversations_open(users=[bob, carla], return_im=True)["channel"]
    assert (group["is_mpim"], group["name"]) == (True, "mpdm-ann.moreau--bob.okafor--carla.jensen-1")
    listed = client.conversations_list(types=["im", "mpim"])["channels"]
    assert [channel["id"] for channel in listed] == [again["channel"]["id"], group["id"]]
    assert client.conversations_members(channel=group["id"])["members"] == [ann, bob, carla]
    said = client.chat_postMessage(channel=group["id"], text="lunch?")
    assert (said["message"]["user"], said["message"]["app_id"]) == (ann, fake.workspace.app_id)
    [message] = client.conversations_history(channel=group["id"])["messages"]
    assert message["ts"] == said["ts"]
    for users, wrong in (
        ([bob] * 2 + ["U0NOBODY01"], "user_not_found"),
        ([f"U{n}" for n in range(9)], "too_many_users"),
    ):
        with pytest.raises(SlackApiError, match=wrong):
            client.conversations_open(users=users)
    with pytest.raises(SlackApiError, match="users_list_not_supplied"):
        client.conversations_open(users=[])
