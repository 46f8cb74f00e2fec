"""Chats between people in Teams: who is told of them, and what a person's own token, or the service user's, does there."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.calls import Calls, Response, T
from connectors.consent import Preset, Purpose, wanted
from connectors.contract import Envelope, Rendered, Request
from connectors.direct import OpensDirectChats
from connectors.errors import Gone, NotSupported, Reconnect, Refused
from connectors.http import Outgoing, drive_blocking
from connectors.messages import (
    AccountId,
    Attachment,
    Byline,
    ConversationId,
    Draft,
    Event,
    Happening,
    Kind,
    MessageId,
    Noticed,
    Posted,
    Reference,
    Stands,
)
from connectors.richtext import Broadcast, Inline, Paragraph, Quote, Text, document, plain
from connectors.sandbox import Webhook
from connectors.teams import ids
from connectors.teams.connector import Teams
from connectors.teams.sandbox import GUEST, FakeTeams
from connectors.teams.sandbox_entra import Grant
from connectors.teams.scopes import PERSON, SCOPES
from tests.connectors.given import uploaded

SECRETS = Teams.Secrets(client_state_key="a key of ours")
HOOK = "https://hub.example/webhooks/teams/"
ANN, DEV = "Ann Moreau", "Dev Patel"


class Hub:
    """The fake, with our connection (``ours``) and one made of Ann's own consent (``ann``)."""

    def __init__(self) -> None:
        self.start = datetime.now(UTC)
        """Orders end by the real clock, which the fake therefore shares at first."""
        self.now = self.start.timestamp()
        self.heard: list[Webhook] = []
        self.sent: list[Outgoing] = []
        self.fake = FakeTeams(SECRETS, "https://hub.example", lambda: self.now)
        self.fake.deliver = self.heard.append
        self.ours, self.ann = Teams(self.fake.credentials()), Teams(self.fake.own_credentials(ANN))
        self.people = {person.name: AccountId(person.id) for person in self.fake.people()}
        self.service = AccountId(self.fake.service)
        self.third = next(name for name in self.people if name not in (ANN, DEV))

    def run(self, teams: Teams, calls: Calls[T]) -> T:
        return drive_blocking(calls, self.send, teams.credentials)

    def send(self, outgoing: Outgoing) -> Response:
        self.sent.append(outgoing)
        headers = {name.lower(): value for name, value in outgoing.headers.items()}
        return self.fake.handle(Request(outgoing.method, outgoing.url, headers, {}, outgoing.body or b""))

    def open(self, teams: Teams, *names: str, topic: str = "") -> ConversationId:
        return self.run(teams, teams.open_direct([self.people[name] for name in names], topic))

    def say(self, teams: Teams, chat: ConversationId, text: str, thread: MessageId | None = None) -> MessageId:
        return self.run(teams, teams.post(said(teams, chat, Text(text), thread=thread)))

    def order(self, *names: str) -> None:
        for resource in self.ours.resources([], [self.people[name] for name in names]):
            self.run(self.ours, self.ours.subscribe(resource, HOOK, SECRETS.client_state_key))
        self.heard.clear()

    def envelopes(self) -> list[Envelope]:
        found: list[Envelope] = []
        for webhook in self.heard:
            received = Teams.receive(Request("POST", webhook.url, webhook.sign(), {}, webhook.body), SECRETS)
            found += received if isinstance(received, list) else []
        return found

    def event(self) -> Event:
        """The last notification as our application reads it."""
        reference = self.envelopes()[-1].reference
        return self.ours.parse(self.run(self.ours, self.ours.fetch(reference)), reference)

    def texts(self, chat: ConversationId) -> list[tuple[str, str]]:
        return [(shown.author, shown.html) for shown in self.fake.shown(chat)]


def said(
    teams: Teams,
    conversation: ConversationId,
    *content: Inline,
    thread: MessageId | None = None,
    byline: Byline | None = None,
) -> Rendered:
    return teams.render(Draft(conversation, document([Paragraph(content)]), "n1.00", byline, thread))


@pytest.fixture
def hub() -> Hub:
    return Hub()


# Opening


def test_a_person_opens_the_one_chat_with_another(hub: Hub) -> None:
    chat = hub.open(hub.ann, DEV)
    assert chat == hub.open(hub.ann, DEV, ANN) == hub.fake.chat([DEV, ANN])
    assert hub.run(hub.ours, hub.ours.participants(chat)) == sorted([hub.people[ANN], hub.people[DEV]])
    assert isinstance(hub.ours, OpensDirectChats)
    assert (Teams.reads_unasked, Teams.orders_as_people) == (True, False)


def test_a_group_is_new_each_time_and_has_its_topic(hub: Hub) -> None:
    first = hub.open(hub.ann, DEV, hub.third, topic="The  plan\n")
    second = hub.open(hub.ann, DEV, hub.third)
    assert first != second
    topics = [chat.name for chat in hub.fake.graph.chats.all.values()]
    assert topics == ["The plan", ""]
    assert set(hub.run(hub.ann, hub.ann.participants(first))) == set(hub.people.values())


def test_the_service_user_opens_a_group_with_a_guest_in_it(hub: Hub) -> None:
    gil = AccountId(hub.fake.entra.person(GUEST[0]))
    chat = hub.run(hub.ours, hub.ours.open_direct([hub.people[DEV], gil]))
    roles = {one["user@odata.bind"][-38:-2]: one["roles"] for one in json.loads(hub.sent[-1].body or b"")["members"]}
    assert roles == {hub.service: ["owner"], hub.people[DEV]: ["owner"], gil: ["guest"]}
    assert set(hub.run(hub.ours, hub.ours.participants(chat))) == {hub.service, hub.people[DEV], gil}


def test_a_person_cannot_open_a_group_with_a_guest(hub: Hub) -> None:
    with pytest.raises(Refused, match="guest has to be invited by the service user"):
        hub.run(hub.ann, hub.ann.open_direct([hub.people[DEV], AccountId(hub.fake.entra.person(GUEST[0]))]))


def test_nobody_chats_with_themselves(hub: Hub) -> None:
    with pytest.raises(NotSupported):
        hub.open(hub.ann, ANN)


def test_a_channel_has_no_participants(hub: Hub) -> None:
    general = hub.fake.places()[0].conversation
    for calls in (hub.ours.participants(general), hub.ours.bring_in(general, [hub.people[DEV]])):
        with pytest.raises(NotSupported):
            hub.run(hub.ours, calls)


def test_a_chat_of_others_is_not_there_for_a_person_and_is_for_our_application(hub: Hub) -> None:
    others = hub.fake.chat([DEV, hub.third])
    with pytest.raises(Gone):
        hub.run(hub.ann, hub.ann.participants(others))
    assert len(hub.run(hub.ours, hub.ours.participants(others))) == 2
    with pytest.raises(Refused):
        hub.say(hub.ann, others, "hello?")
    with pytest.raises(Gone):
        hub.run(hub.ours, hub.ours.participants(ids.chat_id("19:none@thread.v2")))


def test_of_a_large_group_one_more_than_we_carry_is_told(hub: Hub) -> None:
    chat = hub.fake.chat([ANN, DEV, hub.third])
    crowd = [hub.fake.add_person(f"P {number}", f"p{number}@acme.example").id for number in range(60)]
    hub.fake.graph.chats.at(ids.native_id(chat)).members |= set(crowd)
    found = hub.run(hub.ours, hub.ours.participants(chat))
    assert len(set(found)) == len(found) == 51


# Bringing in


@pytest.mark.parametrize("opener", ["person", "service user"])
def test_who_is_in_a_group_brings_others_in_once(hub: Hub, opener: str) -> None:
    teams = hub.ann if opener == "person" else hub.ours
    hub.fake.add_person("Zoe New", "zoe@acme.example")
    zoe = AccountId(hub.fake.entra.person("Zoe New"))
    chat = hub.open(teams, DEV, hub.third)
    for _ in range(2):
        hub.run(teams, teams.bring_in(chat, [zoe, hub.people[DEV]]))
    posts = [one for one in hub.sent if one.method == "POST" and one.url.endswith("/members")]
    assert len(posts) == 1
    assert zoe in hub.run(teams, teams.participants(chat))


def test_the_service_user_brings_a_guest_in_as_a_guest(hub: Hub) -> None:
    chat, gil = hub.open(hub.ours, DEV, hub.third), AccountId(hub.fake.entra.person(GUEST[0]))
    hub.run(hub.ours, hub.ours.bring_in(chat, [gil]))
    assert gil in hub.run(hub.ours, hub.ours.participants(chat))


def test_a_chat_of_two_stays_one_of_two(hub: Hub) -> None:
    with pytest.raises(NotSupported):
        hub.run(hub.ann, hub.ann.bring_in(hub.open(hub.ann, DEV), [hub.people[hub.third]]))


# Who is told


def test_a_chat_is_told_once_for_each_participant_who_was_ordered_and_is_one_event(hub: Hub) -> None:
    hub.order(ANN, DEV)
    chat = hub.fake.chat([ANN, DEV])
    message = hub.fake.type_as(DEV, chat, "lunch?")
    told = hub.envelopes()
    assert len(told) == 2
    assert len({envelope.event_id for envelope in told}) == 1
    assert {(one.reference.conversation, one.reference.message, one.is_direct, one.hearer) for one in told} == {
        (chat, message, True, "")
    }
    event = hub.event()
    assert isinstance(event, Posted)
    assert (event.message.author, plain(event.message.body), event.message.conversation) == (
        hub.people[DEV],
        "lunch?",
        chat,
    )


def test_nobody_is_told_of_chats_that_were_not_ordered(hub: Hub) -> None:
    hub.order(ANN)
    hub.fake.type_as(DEV, hub.fake.chat([DEV, hub.third]), "between us")
    assert hub.heard == []
    hub.fake.type_as(hub.third, hub.fake.chat([ANN, DEV, hub.third]), "for all")
    assert [envelope.reference.kind for envelope in hub.envelopes()] == [Kind.POSTED] * 2  # and who was added


def test_the_demo_tells_of_chats_of_those_who_consented_without_an_order(hub: Hub) -> None:
    hub.fake.type_as(DEV, hub.fake.chat([DEV, hub.third]), "between us")
    assert hub.heard == []
    hub.fake.type_as(DEV, hub.fake.chat([DEV, ANN]), "hello")
    assert [envelope.is_direct for envelope in hub.envelopes()] == [True]


def test_a_channel_is_not_direct(hub: Hub) -> None:
    hub.fake.type_as(DEV, hub.fake.places()[0].conversation, "hello")
    assert [envelope.is_direct for envelope in hub.envelopes()] == [False]


def test_edits_reactions_and_deletions_are_told(hub: Hub) -> None:
    hub.order(ANN)
    chat = hub.fake.chat([ANN, DEV])
    message = hub.fake.type_as(DEV, chat, "teh plan")
    hub.now += 60
    hub.fake.edit_as(DEV, chat, message, "the plan")
    event = hub.event()
    assert isinstance(event, Stands)
    assert plain(event.message.body) == "the plan"
    hub.fake.react_as(ANN, chat, message, "🎉", True)
    event = hub.event()
    assert isinstance(event, Stands)
    assert {(reaction.account, reaction.emoji) for reaction in event.reactions} == {(hub.people[ANN], "🎉")}
    hub.fake.delete_as(DEV, chat, message)
    last = hub.envelopes()[-1]
    assert (last.reference.kind, last.is_direct) == (Kind.DELETED, True)


def test_a_group_tells_who_came_and_what_it_is_called(hub: Hub) -> None:
    hub.order(ANN)
    chat = hub.fake.chat([ANN, DEV, hub.third])
    event = hub.event()
    assert isinstance(event, Noticed)
    assert (event.what, set(event.accounts)) == (Happening.JOINED, set(hub.people.values()))
    hub.fake.rename_as(DEV, chat, "The plan")
    assert hub.event() == Noticed(Happening.RENAMED, (), "The plan", hub.people[DEV])


def test_an_order_for_chats_needs_its_own_permission_and_ends_no_connection(hub: Hub) -> None:
    token = hub.fake.credentials().tokens["app"]
    hub.fake.entra.grants[token] = Grant(hub.fake.entra.app_roles - {"Chat.Read.All"})
    chats, _ = hub.ours.resources([], [hub.people[ANN]])
    with pytest.raises(Refused, match=r"Chat\.Read\.All"):
        hub.run(hub.ours, hub.ours.subscribe(chats, HOOK, "key"))
    chat = hub.fake.chat([ANN, DEV])
    with pytest.raises(Refused, match="permission is missing"):
        hub.run(hub.ours, hub.ours.fetch(Reference(Kind.POSTED, chat, hub.fake.type_as(DEV, chat, "x"))))


# A person's own voice


def test_a_person_speaks_changes_and_takes_back_as_themselves(hub: Hub) -> None:
    chat = hub.open(hub.ann, DEV)
    message = hub.say(hub.ann, chat, "teh plan")
    assert hub.texts(chat) == [(ANN, "<p>teh plan</p>")]
    hub.run(hub.ann, hub.ann.edit(message, said(hub.ann, chat, Text("the plan"))))
    [shown] = hub.fake.shown(chat)
    assert (shown.html, shown.edited, shown.is_app) == ("<p>the plan</p>", True, False)
    theirs = hub.fake.type_as(DEV, chat, "fine")
    for _ in range(2):
        hub.run(hub.ann, hub.ann.react(chat, theirs, "👍", True))
    assert hub.fake.shown(chat)[-1].reactions == (("👍", (ANN,)),)
    hub.run(hub.ann, hub.ann.react(chat, theirs, "👍", False))
    assert hub.fake.shown(chat)[-1].reactions == ()
    for _ in range(2):
        hub.run(hub.ann, hub.ann.delete(chat, message))
    assert hub.texts(chat) == [(DEV, "<p>fine</p>")]


def test_a_person_reads_and_finds_what_was_said(hub: Hub) -> None:
    chat = hub.open(hub.ann, DEV)
    for number in range(60):
        hub.now += 1
        hub.fake.type_as(DEV, chat, f"{number}")
    message = hub.say(hub.ann, chat, "the plan")
    for number in range(60):
        hub.now += 1
        hub.fake.type_as(DEV, chat, f"{number}")
    lost = said(hub.ann, chat, Text("the plan"))
    since = hub.start + timedelta(seconds=1)
    assert hub.run(hub.ann, hub.ann.find(lost, since)) == [message]
    assert hub.run(hub.ours, hub.ours.find(lost, since)) == [], "our service user said nothing"
    reference = Reference(Kind.POSTED, chat, message)
    event = hub.ann.parse(hub.run(hub.ann, hub.ann.fetch(reference)), reference)
    assert isinstance(event, Posted)
    assert event.message.author == hub.people[ANN]


def test_an_answer_quotes_and_keeps_its_quote_when_it_is_changed(hub: Hub) -> None:
    chat = hub.open(hub.ann, DEV)
    asked = hub.fake.type_as(DEV, chat, "lunch **today**?")
    answer = hub.say(hub.ann, chat, "yes", thread=asked)
    reference = Reference(Kind.POSTED, chat, answer)
    for words in ("yes", "no"):
        event = hub.ours.parse(hub.run(hub.ours, hub.ours.fetch(reference)), reference)
        assert isinstance(event, Posted)
        quoted, *rest = event.message.body.blocks
        assert isinstance(quoted, Quote)
        assert plain(document([quoted])).split("\n")[-1].endswith("lunch today?")
        assert (rest, event.message.thread) == ([Paragraph((Text(words),))], None)
        hub.run(hub.ann, hub.ann.edit(answer, said(hub.ann, chat, Text("no"), thread=asked)))
    lost = said(hub.ann, chat, Text("yes"), thread=asked)
    assert hub.run(hub.ann, hub.ann.find(lost, hub.start)) == [answer]


def test_an_answer_to_what_is_gone_is_said_without_a_quote(hub: Hub) -> None:
    chat = hub.open(hub.ann, DEV)
    deleted = hub.fake.type_as(DEV, chat, "lunch?")
    hub.fake.delete_as(DEV, chat, deleted)
    for root in (deleted, MessageId("1")):
        hub.say(hub.ann, chat, "yes", thread=root)
    assert hub.texts(chat) == [(ANN, "<p>yes</p>")] * 2


def test_a_persons_answer_in_the_client_is_read_with_its_quote(hub: Hub) -> None:
    hub.order(ANN)
    chat = hub.fake.chat([ANN, DEV])
    asked = hub.fake.type_as(DEV, chat, "lunch?")
    hub.fake.reply_as(ANN, chat, asked, "yes")
    event = hub.event()
    assert isinstance(event, Posted)
    assert isinstance(event.message.body.blocks[0], Quote)


def test_everybody_in_a_group_is_called_as_a_chat(hub: Hub) -> None:
    chat = hub.open(hub.ann, DEV, hub.third)
    message = hub.run(hub.ann, hub.ann.post(said(hub.ann, chat, Broadcast("all"), Text(" hi"))))
    reference = Reference(Kind.POSTED, chat, message)
    event = hub.ours.parse(hub.run(hub.ours, hub.ours.fetch(reference)), reference)
    assert isinstance(event, Posted)
    assert event.message.body.blocks == (Paragraph((Broadcast("all"), Text(" hi"))),)


def test_a_persons_words_that_name_them_first_are_no_command(hub: Hub) -> None:
    chat = hub.fake.chat([ANN, DEV])
    reference = Reference(Kind.POSTED, chat, hub.fake.type_as(DEV, chat, f"@{ANN} members"))
    assert isinstance(hub.ann.parse(hub.run(hub.ann, hub.ann.fetch(reference)), reference), Posted)


def test_the_service_user_speaks_for_a_guest_and_corrects_itself(hub: Hub) -> None:
    chat = hub.run(hub.ours, hub.ours.open_direct([hub.people[DEV], AccountId(hub.fake.entra.person(GUEST[0]))]))
    draft = said(hub.ours, chat, Text("teh plan"), byline=Byline("Gil Guest", "Slack"))
    message = hub.run(hub.ours, hub.ours.post(draft))
    hub.run(hub.ours, hub.ours.edit(message, said(hub.ours, chat, Text("the plan"))))
    assert hub.texts(chat) == [("Mio Hub", "<p>the plan</p>")]
    hub.run(hub.ours, hub.ours.delete(chat, message))
    assert hub.texts(chat) == []


# What a token lacks


def channel_calls(hub: Hub) -> list[Callable[[], Calls[Any]]]:
    place = hub.fake.places()[0].conversation
    message = hub.fake.type_as(ANN, place, "mine")
    draft = said(hub.ann, place, Text("x"))
    return [
        lambda: hub.ann.post(draft),
        lambda: hub.ann.edit(message, draft),
        lambda: hub.ann.delete(place, message),
        lambda: hub.ann.react(place, message, "🎉", True),
        lambda: hub.ann.fetch(Reference(Kind.POSTED, place, message)),
        lambda: hub.ann.find(draft, hub.start),
    ]


def test_in_channels_a_persons_token_lacks_everything_and_the_calls_say_so(hub: Hub) -> None:
    granted = {scope.name for scope in wanted(SCOPES, Purpose.MESSAGES, Preset.FULL)}
    for calls in channel_calls(hub):
        assert granted.isdisjoint(next(calls()).scopes)
        with pytest.raises(Refused, match="permission is missing"):
            hub.run(hub.ann, calls())


def test_with_the_permission_a_person_posts_in_channels_without_a_byline(hub: Hub) -> None:
    token = hub.ann.credentials.tokens[PERSON]
    grant = hub.fake.entra.grants[token]
    hub.fake.entra.grants[token] = replace(grant, permissions=grant.permissions | {"ChannelMessage.Send"})
    place = hub.fake.places()[0].conversation
    hub.say(hub.ann, place, "as myself")
    assert hub.texts(place) == [(ANN, "<p>as myself</p>")]


def test_in_chats_every_first_call_names_what_a_person_has_granted(hub: Hub) -> None:
    chat = hub.open(hub.ann, DEV)
    message, draft = hub.say(hub.ann, chat, "x"), said(hub.ann, chat, Text("x"))
    calls: list[Calls[Any]] = [
        hub.ann.post(draft),
        hub.ann.edit(message, draft),
        hub.ann.delete(chat, message),
        hub.ann.react(chat, message, "🎉", True),
        hub.ann.fetch(Reference(Kind.POSTED, chat, message)),
        hub.ann.find(draft, hub.start),
        hub.ann.open_direct([hub.people[DEV]]),
        hub.ann.participants(chat),
        hub.ann.bring_in(chat, [hub.people[DEV]]),
    ]
    assert all("Chat.ReadWrite" in next(each).scopes for each in calls)


def test_a_lost_token_is_for_its_person_to_renew(hub: Hub) -> None:
    chat = hub.open(hub.ann, DEV)
    del hub.fake.entra.grants[hub.ann.credentials.tokens[PERSON]]
    with pytest.raises(Reconnect):
        hub.say(hub.ann, chat, "x")


def test_own_credentials_hold_what_the_consent_page_hands_out(hub: Hub) -> None:
    credentials = hub.fake.own_credentials(DEV)
    assert (credentials.account, credentials.person) == (hub.people[DEV], Teams.steps[Purpose.MESSAGES][-1].yields)
    [token] = credentials.tokens.values()
    grant = hub.fake.entra.grants[token]
    asked = {scope.name for scope in wanted(SCOPES, Purpose.MESSAGES, Preset.PUBLISHED)}
    assert grant.user == hub.people[DEV]
    assert grant.permissions == asked | {"openid", "profile", "email"}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 201),
        ({"chatType": "meeting"}, 400),
        ({"topic": "two have none"}, 400),
        ({"members": [ANN]}, 400),
        ({"members": [ANN, ANN]}, 400),
        ({"members": [DEV, "third"]}, 403),
        ({"members": [ANN, GUEST[0]]}, 400),
        ({"roles": []}, 400),
    ],
)
def test_the_fake_opens_chats_as_strictly_as_graph(hub: Hub, changes: dict[str, Any], status: int) -> None:
    names = [hub.third if name == "third" else name for name in changes.get("members", [ANN, DEV])]
    members = [
        {
            "@odata.type": "#microsoft.graph.aadUserConversationMember",
            "roles": changes.get("roles", ["owner"]),
            "user@odata.bind": f"https://graph.microsoft.com/v1.0/users('{hub.fake.entra.person(name)}')",
        }
        for name in names
    ]
    sent = {"chatType": "oneOnOne"} | {key: value for key, value in changes.items() if key != "roles"}
    headers = {"Authorization": f"Bearer {hub.ann.credentials.tokens[PERSON]}"}
    body = json.dumps(sent | {"members": members}).encode()
    assert hub.send(Outgoing("POST", "https://graph.microsoft.com/v1.0/chats", headers, body)).status == status


# Files


def test_a_file_in_a_chat_is_read_from_the_onedrive_of_whoever_shared_it(hub: Hub) -> None:
    hub.order(ANN)
    chat = hub.fake.chat([ANN, DEV])
    for name in ("plan.txt", "plan.docx"):
        hub.fake.share_as(DEV, chat, name, b"the plan")
        event = hub.event()
        assert isinstance(event, Posted)
        [attachment] = event.message.attachments
        assert attachment.link.startswith("https://acme-my.sharepoint.com/personal/dev")
        download = hub.run(hub.ours, hub.ours.open(attachment))
        assert (download.token, hub.send(Outgoing("GET", download.url, {}, None)).body) == ("", b"the plan")
        with pytest.raises(Refused, match="permission is missing"):
            hub.run(hub.ann, hub.ann.open(attachment))


@pytest.mark.parametrize(
    "url",
    [
        "https://acme-my.sharepoint.com/personal/ann_acme_example/Documents/diary.txt",
        "https://acme.sharepoint.com/sites/acme/Shared%20Documents/general/plan.txt",
        "https://evil.example/personal/dev_acme_example/Documents/x.txt",
    ],
)
def test_a_link_to_files_of_somebody_else_is_not_followed(hub: Hub, url: str) -> None:
    chat = hub.fake.chat([ANN, DEV])
    attachment = Attachment("x", "text/plain", ids.shared_handle(chat, url, hub.people[DEV]))
    with pytest.raises(Refused, match="own site"):
        hub.run(hub.ours, hub.ours.open(attachment))


def test_a_picture_in_a_chat_is_read_by_us_and_by_who_is_in_it(hub: Hub) -> None:
    hub.order(ANN)
    hub.fake.paste_as(DEV, hub.fake.chat([ANN, DEV]), "image/png", b"png")
    event = hub.event()
    assert isinstance(event, Posted)
    [attachment] = event.message.attachments
    for teams in (hub.ours, hub.ann):
        call = hub.run(teams, teams.open(attachment))
        assert "Chat.ReadWrite" in call.scopes
        assert hub.run(teams, _once(call)).body == b"png"


def _once(call: Any) -> Calls[Response]:
    return (yield call)


def test_a_file_is_not_put_into_a_chat(hub: Hub) -> None:
    chat = hub.open(hub.ann, DEV)
    draft = Draft(chat, document([Paragraph((Text("see"),))]), "n1.00")
    file = Attachment("plan.txt", "text/plain", "not ours", 4)
    for teams in (hub.ann, hub.ours):
        with pytest.raises(Refused, match="OneDrive"):
            uploaded(teams.upload(file, draft), hub.send, teams.credentials, b"plan")
