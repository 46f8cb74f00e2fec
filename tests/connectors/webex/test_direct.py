"""Webex: people's own chats and people's own voices, through our client and the fake."""

import hmac
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import responses
from webexpythonsdk import ApiError, WebexAPI

from connectors.calls import Call, Calls, Response
from connectors.consent import Preset, Purpose, wanted
from connectors.contract import Credentials, Envelope, Rendered, Request
from connectors.direct import OpensDirectChats
from connectors.errors import Forged, Gone, Malformed, NotSupported, Reconnect, Refused, Unavailable
from connectors.messages import (
    AccountId,
    Attachment,
    ConversationId,
    Deleted,
    Draft,
    Kind,
    Message,
    MessageId,
    Posted,
    Reference,
    Stands,
)
from connectors.richtext import Mention, Paragraph, Text, document, plain
from connectors.webex import ids
from connectors.webex.connector import Webex
from connectors.webex.scopes import PERSON
from connectors.webex.subscriptions import DIRECT
from tests.connectors.given import uploaded
from tests.connectors.webex.scene import SECRETS, Scene

T = TypeVar("T")
HOOKS = "https://hub.example.com/webhooks/webex/"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Chats(Scene):
    """Elif, Farid and Grace, who have consented for themselves; whoever ``order``s is told of their chats."""

    def __init__(self) -> None:
        super().__init__()
        self.elif_, self.farid, self.grace = (person.id for person in self.webex.people())

    def voice(self, person: str, preset: Preset = Preset.PUBLISHED) -> Webex:
        return Webex(self.webex.own_credentials(person, preset))

    def ask(self, voice: Webex, calls: Calls[T], data: bytes = b"") -> T:
        return uploaded(self._watched(calls), self.answer, voice.credentials, data)

    def order(self, *people: str) -> None:
        """What the Hub orders once they have consented."""
        for person in people:
            voice = self.voice(person)
            for resource in voice.resources((), ()):
                self.ask(voice, voice.subscribe(resource, HOOKS, SECRETS.webhook_secret))
        self.sent.clear()

    def envelopes(self) -> list[Envelope]:
        """All that the Hub was told since it was last asked."""
        found = [envelope for hook in self.hooks for envelope in received(dict(hook.sign()), hook.body)]
        self.hooks.clear()
        return found

    def said(self, chat: ConversationId) -> list[tuple[str, str]]:
        """Who said what, as their clients show it."""
        return [(one.author.split()[0], re.sub("<.*?>", "", one.html)) for one in self.webex.shown(chat)]


def received(headers: dict[str, str], body: bytes) -> list[Envelope]:
    lowered = {name.lower(): value for name, value in headers.items()}
    found = Webex.receive(Request("POST", HOOKS, lowered, {}, body), SECRETS)
    assert isinstance(found, list)
    return found


def signed(event: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    body = json.dumps(event).encode()
    return {"X-Spark-Signature": hmac.digest(SECRETS.webhook_secret.encode(), body, "sha1").hex()}, body


def words(text: str) -> Any:
    return document([Paragraph((Text(text),))])


def draft(chat: ConversationId, text: str, thread: MessageId | None = None) -> Draft:
    return Draft(chat, words(text), "n", None, thread)


def rendered(voice: Webex, chat: ConversationId, text: str, thread: MessageId | None = None) -> Rendered:
    return voice.render(draft(chat, text, thread))


@pytest.fixture
def chats() -> Chats:
    return Chats()


# --- Who is told of what


def test_one_message_is_one_event_whoever_of_the_two_is_told(chats: Chats) -> None:
    chats.order(chats.elif_, chats.farid)
    chat = chats.webex.chat([chats.elif_, chats.farid])
    chats.hooks.clear()
    typed = chats.webex.type_as(chats.elif_, chat, "psst")
    told = chats.envelopes()
    assert {envelope.hearer for envelope in told} == {chats.elif_, chats.farid}
    assert {envelope.event_id for envelope in told} == {f"direct:messages:created:{typed}"}
    assert all(envelope.is_direct for envelope in told)
    assert {envelope.reference.kind for envelope in told} == {Kind.POSTED}
    assert {(one.reference.conversation, one.reference.message) for one in told} == {(chat, typed)}


def test_a_chat_of_people_who_ordered_nothing_is_told_to_nobody(chats: Chats) -> None:
    chats.webex.own_credentials(chats.elif_)
    chats.order(chats.grace)
    for people in ([chats.elif_, chats.farid], [chats.elif_, chats.farid, chats.grace]):
        chats.webex.type_as(chats.elif_, chats.webex.chat(people), "psst")
    assert [envelope for envelope in chats.envelopes() if envelope.reference.kind is not Kind.OTHER] == []


def test_the_spaces_that_somebody_is_in_are_told_to_the_service_user_alone(chats: Chats) -> None:
    chats.order(chats.elif_)
    typed = chats.webex.type_as(chats.farid, chats.place.conversation, "for everybody")
    (told,) = chats.envelopes()
    assert (told.event_id, told.is_direct, told.hearer) == (f"messages:created:{typed}", False, "")


def test_what_somebody_asks_our_service_user_stays_a_command(chats: Chats) -> None:
    chats.order(chats.elif_)
    asked = chats.webex.write_as(chats.elif_, chats.webex.credentials().account, "help")
    told = {envelope.event_id: envelope for envelope in chats.envelopes()}
    command = told[f"messages:created:{asked}"]
    assert (command.reference.kind, command.is_direct) == (Kind.COMMAND, False)
    assert told[f"direct:messages:created:{asked}"].hearer == chats.elif_


def test_our_bots_greeting_is_nobodys_chat(chats: Chats) -> None:
    chats.order(chats.elif_)
    bot = Credentials(chats.webex.credentials().workspace, AccountId(""), {"bot": chats.webex.app.bot_token})
    chats.ask(Webex(bot), Webex(bot).greet(AccountId(chats.elif_), words("Welcome")))
    assert {envelope.reference.kind for envelope in chats.envelopes()} == {Kind.OTHER}


def test_a_group_is_heard_where_it_was_ordered_and_calling_the_hearer_commands_nothing(chats: Chats) -> None:
    group = chats.webex.chat([chats.elif_, chats.farid, chats.grace])
    grace = chats.voice(chats.grace)
    assert grace.resources([group], ()) == [DIRECT, f"messages?roomId={group}"]
    for resource in grace.resources([group], ()):
        chats.ask(grace, grace.subscribe(resource, HOOKS, SECRETS.webhook_secret))
    chats.hooks.clear()
    typed = chats.webex.type_as(chats.farid, group, "@Grace Liu look")
    (told,) = chats.envelopes()
    assert (told.reference.kind, told.reference.conversation, told.is_direct) == (Kind.POSTED, group, True)
    event = grace.parse(chats.ask(grace, grace.fetch(told.reference)), told.reference)
    assert isinstance(event, Posted)
    assert (event.message.id, plain(event.message.body)) == (typed, "@Grace Liu look")


def test_edits_and_deletions_in_a_chat_are_told(chats: Chats) -> None:
    chats.order(chats.farid)
    chat, farid = chats.webex.chat([chats.elif_, chats.farid]), chats.voice(chats.farid)
    typed = chats.webex.type_as(chats.elif_, chat, "one")
    chats.hooks.clear()
    chats.webex.edit_as(chats.elif_, chat, typed, "two")
    (changed,) = chats.envelopes()
    event = farid.parse(chats.ask(farid, farid.fetch(changed.reference)), changed.reference)
    assert isinstance(event, Stands)
    assert (changed.reference.kind, plain(event.message.body)) == (Kind.CHANGED, "two")
    chats.webex.delete_as(chats.elif_, chat, typed)
    (deleted,) = chats.envelopes()
    assert deleted.event_id == f"direct:messages:deleted:{typed}"
    assert farid.parse(chats.ask(farid, farid.fetch(deleted.reference)), deleted.reference) == Deleted(typed)


def told_event(**changes: Any) -> dict[str, Any]:
    person = ids.encode("PEOPLE", "11111111-1111-4111-8111-111111111111")
    data = {"id": "m", "roomId": "r", "roomType": "direct", "personId": person, "personEmail": "a@acme.example"}
    event = {"resource": "messages", "event": "created", "filter": "roomType=direct", "createdBy": person}
    return event | {"orgId": ids.encode("ORGANIZATION", "22222222-2222-4222-8222-222222222222"), "data": data} | changes


def test_a_persons_webhook_says_whose_it_is_or_is_not_read() -> None:
    (told,) = received(*signed(told_event()))
    assert (told.is_direct, told.hearer) == (True, told_event()["createdBy"])
    for nobody in (None, "", 5, "x", ids.encode("ROOM", "11111111-1111-4111-8111-111111111111")):
        with pytest.raises(Malformed):
            received(*signed(told_event(createdBy=nobody)))
    with pytest.raises(Forged):
        received({"X-Spark-Signature": "0" * 40}, signed(told_event())[1])


@pytest.mark.parametrize("resource", ["memberships", "rooms", "attachmentActions", "messages "])
def test_nothing_but_messages_is_heard_of_a_person(resource: str) -> None:
    (told,) = received(*signed(told_event(resource=resource)))
    assert told.reference.kind is Kind.OTHER


# --- Orders


def test_a_persons_orders_and_the_service_users_do_not_mix(chats: Chats) -> None:
    farid, service = chats.voice(chats.farid), chats.speaker
    assert isinstance(farid, OpensDirectChats)
    assert farid.orders_as_people
    group = chats.webex.chat([chats.farid, chats.elif_, chats.grace])
    mine = [chats.ask(farid, farid.subscribe(one, HOOKS, SECRETS.webhook_secret)) for one in farid.resources([group])]
    again = chats.ask(farid, farid.subscribe(DIRECT, HOOKS, SECRETS.webhook_secret))
    assert (again, chats.ask(farid, farid.subscriptions(HOOKS))) == (mine[0], mine)
    assert {one.resource for one in chats.ask(service, service.subscriptions(HOOKS))} == {
        "messages",
        "memberships",
        "rooms",
    }
    assert chats.ask(farid, farid.renew(mine[0])) == mine[0]
    for one in (*mine, mine[0]):
        chats.ask(farid, farid.unsubscribe(one))
    assert chats.ask(farid, farid.subscriptions(HOOKS)) == []


def test_an_order_names_no_more_than_the_persons_chats(chats: Chats) -> None:
    farid = chats.voice(chats.farid)
    chats.ask(farid, farid.subscribe(DIRECT, HOOKS, "s"))
    ordered = chats.sent[-1]
    assert (ordered.json["resource"], ordered.json["filter"], ordered.scopes) == ("messages", "roomType=direct", ("spark:messages_read",))  # fmt: skip  # noqa: E501


def test_a_group_that_one_is_not_in_cannot_be_ordered(chats: Chats) -> None:
    grace = chats.voice(chats.grace)
    with pytest.raises(Refused):
        chats.ask(grace, grace.subscribe("messages?roomId=unknown", HOOKS, "s"))


# --- Opening


def test_a_chat_that_there_is_is_found_without_a_word(chats: Chats) -> None:
    chat, farid = chats.webex.chat([chats.elif_, chats.farid]), chats.voice(chats.farid)
    chats.webex.type_as(chats.elif_, chat, "hi")
    assert chats.ask(farid, farid.open_direct([AccountId(chats.elif_)])) == chat
    assert [call.method for call in chats.sent] == ["GET"]
    assert (chats.sent[0].scopes, chats.said(chat)) == (("spark:messages_read",), [("Elif", "hi")])


def test_a_chat_of_people_who_never_wrote_begins_empty_and_is_the_one_that_events_name(chats: Chats) -> None:
    chats.order(chats.elif_, chats.farid)
    farid = chats.voice(chats.farid)
    chat = chats.ask(farid, farid.open_direct([AccountId(chats.elif_)]))
    assert [call.method for call in chats.sent] == ["GET", "POST", "DELETE"]
    assert chats.ask(farid, farid.open_direct([AccountId(chats.elif_)])) == chat
    assert (chats.said(chat), chats.webex.chat([chats.elif_, chats.farid])) == ([], chat)
    chats.hooks.clear()
    chats.ask(farid, farid.post(rendered(farid, chat, "hello")))
    chats.webex.type_as(chats.elif_, chat, "hello you")
    assert {envelope.reference.conversation for envelope in chats.envelopes()} == {chat}


def test_the_sign_that_opens_a_chat_is_gone_before_it_can_be_read(chats: Chats) -> None:
    chats.order(chats.elif_)
    farid, elif_ = chats.voice(chats.farid), chats.voice(chats.elif_)
    chats.ask(farid, farid.open_direct([AccountId(chats.elif_)]))
    posted, deleted = chats.envelopes()
    assert (posted.reference.kind, deleted.reference.kind) == (Kind.POSTED, Kind.DELETED)
    with pytest.raises(Gone):
        chats.ask(elif_, elif_.fetch(posted.reference))


def test_a_lost_answer_opens_no_second_chat(chats: Chats) -> None:
    farid = chats.voice(chats.farid)
    calls = farid.open_direct([AccountId(chats.elif_)])
    next(calls)
    opening = calls.throw(Gone("no space yet"))
    with pytest.raises(Unavailable):
        calls.throw(Unavailable("the answer was lost"))
    assert (opening.repeatable, opening.scopes) == (True, ("spark:messages_write",))
    chats.webex.type_as(chats.farid, chats.webex.chat([chats.farid, chats.elif_]), opening.json["text"])
    found = chats.ask(farid, farid.open_direct([AccountId(chats.elif_)]))
    assert found == chats.webex.chat([chats.farid, chats.elif_])


def test_a_chat_is_open_also_where_nothing_may_be_taken_back() -> None:
    calls = Webex(Credentials(ids.workspace("1" * 8 + "-2222-4333-8444-555555555555"), AccountId("a"), {}, {}, PERSON)).open_direct([AccountId("b")])  # fmt: skip  # noqa: E501
    next(calls)
    calls.send(Response(200, b'{"items": []}'))
    calls.send(Response(200, b'{"id": "message", "roomId": "room"}'))
    with pytest.raises(StopIteration) as ended:
        calls.throw(Refused("kept for the law"))
    assert ended.value.value == "room"


def test_who_may_not_be_written_to_is_refused(chats: Chats) -> None:
    farid = chats.voice(chats.farid)
    outsider = chats.webex.add_person("Dev Patel", "dev@dev.example", guest=True)
    chats.webex.set_policy(lets_outsiders_in=False)
    with pytest.raises(Refused, match="external"):
        chats.ask(farid, farid.open_direct([AccountId(outsider.id)]))
    with pytest.raises(Refused, match="does not know"):
        chats.ask(farid, farid.open_direct([ids.account("11111111-1111-4111-8111-111111111111")]))


def test_a_group_is_a_space_of_its_people_with_the_topic_for_a_title(chats: Chats) -> None:
    farid = chats.voice(chats.farid, Preset.FULL)
    others = [AccountId(chats.elif_), AccountId(chats.grace)]
    group = chats.ask(farid, farid.open_direct(others, "Plans of\nNovember"))
    space = chats.webex.room(group)
    assert (space.title, space.team, space.is_public) == ("Plans of November", None, False)
    assert set(chats.ask(farid, farid.participants(group))) == {chats.farid, *others}
    assert chats.sent[0].scopes == ("spark:rooms_write",)


def test_a_group_takes_more_than_the_published_permissions_and_the_first_call_says_so(chats: Chats) -> None:
    farid = chats.voice(chats.farid)
    asked = {scope.name for scope in wanted(Webex.scopes, Purpose.MESSAGES, Preset.PUBLISHED)}
    with pytest.raises(Refused, match="rooms_write"):
        chats.ask(farid, farid.open_direct([AccountId(chats.elif_), AccountId(chats.grace)]))
    assert not asked & set(chats.sent[0].scopes)


def test_a_group_that_lacks_somebody_is_left_to_nobody(chats: Chats) -> None:
    farid = chats.voice(chats.farid, Preset.FULL)
    outsider = chats.webex.add_person("Dev Patel", "dev@dev.example", guest=True)
    chats.webex.set_policy(lets_outsiders_in=False)
    with pytest.raises(Refused):
        chats.ask(farid, farid.open_direct([AccountId(outsider.id), AccountId(chats.grace)], "Plans"))
    names = {account.id: account.name for account in chats.webex.directory()}
    left = [place for place in chats.webex.places() if place.name == "Plans"]
    assert [[names[AccountId(one)] for one in chats.webex.room(place.conversation).members] for place in left] == [["Grace Liu"]]  # fmt: skip  # noqa: E501


# --- Who is in it


def test_the_people_of_a_chat_are_named_to_whoever_is_in_it(chats: Chats) -> None:
    chat, farid, grace = (
        chats.webex.chat([chats.elif_, chats.farid]),
        chats.voice(chats.farid),
        chats.voice(chats.grace),
    )
    assert set(chats.ask(farid, farid.participants(chat))) == {chats.elif_, chats.farid}
    assert [call.scopes for call in chats.sent] == [("spark:memberships_read",)]
    with pytest.raises(Gone):
        chats.ask(grace, grace.participants(chat))


def test_a_space_of_a_team_is_nobodys_chat(chats: Chats) -> None:
    farid = chats.voice(chats.farid)
    with pytest.raises(NotSupported):
        chats.ask(farid, farid.participants(chats.place.conversation))


def test_further_people_come_into_a_group_and_never_into_a_chat_of_two(chats: Chats) -> None:
    farid = chats.voice(chats.farid, Preset.FULL)
    group = chats.webex.chat([chats.farid, chats.elif_, chats.grace])
    new = AccountId(chats.webex.add_person("Nia Roth", "nia@acme.example").id)
    for _ in range(2):
        chats.ask(farid, farid.bring_in(group, [new, AccountId(chats.grace)]))
    assert set(chats.ask(farid, farid.participants(group))) == {chats.farid, chats.elif_, chats.grace, new}
    with pytest.raises(NotSupported):
        chats.ask(farid, farid.bring_in(chats.webex.chat([chats.farid, chats.elif_]), [new]))
    unknown = ids.account("11111111-1111-4111-8111-111111111111")
    with pytest.raises(Refused):
        chats.ask(farid, farid.bring_in(group, [unknown]))


# --- A person's own voice


@pytest.mark.parametrize("where", ["chat", "channel"])
def test_a_person_says_changes_and_takes_back_in_their_own_name(chats: Chats, where: str) -> None:
    farid = chats.voice(chats.farid)
    pair = chats.webex.chat([chats.elif_, chats.farid])
    place = pair if where == "chat" else chats.place.conversation
    root = chats.webex.type_as(chats.elif_, place, "root")
    posted = chats.ask(farid, farid.post(rendered(farid, place, "mine", root)))
    assert chats.said(place) == [("Elif", "root"), ("Farid", "mine")]
    assert chats.webex.shown(place)[1].thread == root
    assert chats.ask(farid, farid.find(rendered(farid, place, "mine", root), LONG_AGO)) == [posted]
    chats.ask(farid, farid.edit(posted, rendered(farid, place, "changed")))
    assert chats.said(place)[1] == ("Farid", "changed")
    chats.ask(farid, farid.delete(place, posted))
    assert chats.said(place) == [("Elif", "root")]
    for refused in (farid.edit(root, rendered(farid, place, "x")), farid.delete(place, root)):
        with pytest.raises(Refused):
            chats.ask(farid, refused)
    granted = {scope.name for scope in wanted(Webex.scopes, Purpose.MESSAGES, Preset.PUBLISHED)}
    assert all(set(call.scopes) <= granted for call in chats.sent)


def test_a_person_edits_a_message_ten_times_and_not_more(chats: Chats) -> None:
    chat, farid = chats.webex.chat([chats.elif_, chats.farid]), chats.voice(chats.farid)
    posted = chats.ask(farid, farid.post(rendered(farid, chat, "0")))
    for number in range(1, 11):
        chats.ask(farid, farid.edit(posted, rendered(farid, chat, str(number))))
    with pytest.raises(Refused, match="ten times"):
        chats.ask(farid, farid.edit(posted, rendered(farid, chat, "11")))


def test_files_go_through_a_chat_in_a_persons_name(chats: Chats) -> None:
    chat, farid = chats.webex.chat([chats.elif_, chats.farid]), chats.voice(chats.farid)
    given = Attachment("plan.txt", "text/plain", "elsewhere", 4)
    posted = chats.ask(farid, farid.upload(given, draft(chat, "see")), b"plan")
    assert [(name, bytes(data)) for name, data in chats.webex.files(chat)] == [("plan.txt", b"plan")]
    assert chats.ask(farid, farid.find_file(given, draft(chat, "see"), LONG_AGO)) == [posted]
    shared = chats.webex.share_as(chats.elif_, chat, "reply.txt", b"reply")
    (attachment,) = heard(chats, farid, chat, shared).attachments
    assert chats.ask(farid, body_of(chats.ask(farid, farid.open(attachment)))) == b"reply"


def body_of(call: Call) -> Calls[bytes]:
    return (yield call).body


def heard(chats: Chats, voice: Webex, chat: ConversationId, message: MessageId) -> Message:
    reference = Reference(Kind.POSTED, chat, message)
    event = voice.parse(chats.ask(voice, voice.fetch(reference)), reference)
    assert isinstance(event, Posted)
    return event.message


def test_a_mention_of_the_other_is_a_mention_in_a_persons_own_words(chats: Chats) -> None:
    chat, farid = chats.webex.chat([chats.elif_, chats.farid]), chats.voice(chats.farid)
    body = document([Paragraph((Mention("Elif Kaya", AccountId(chats.elif_)), Text(" hi")))])
    posted = chats.ask(farid, farid.post(farid.render(Draft(chat, body, "n"))))
    assert heard(chats, farid, chat, posted).body == body


# --- Consent


def test_a_person_holds_what_the_consent_page_hands_out(chats: Chats) -> None:
    held = chats.webex.own_credentials(chats.farid)
    assert (held.account, held.person, set(held.tokens)) == (
        chats.farid,
        Webex.steps[Purpose.MESSAGES][-1].yields,
        {PERSON},
    )
    identity = chats.ask(Webex(held), Webex(held).identify_person())
    assert (identity.account, identity.workspace) == (held.account, held.workspace)


def test_a_token_that_is_no_more_must_be_asked_for_again_and_one_that_may_not_is_refused(chats: Chats) -> None:
    farid = chats.voice(chats.farid)
    with pytest.raises(Refused):
        chats.ask(farid, farid.rename(chats.place.conversation, "x"))
    chats.webex.revoke_app()
    with pytest.raises(Reconnect):
        chats.ask(farid, farid.post(rendered(farid, chats.place.conversation, "x")))


def test_the_consent_page_hands_out_the_same_and_leaves_the_service_users_webhooks_alone(chats: Chats) -> None:
    app, scopes = chats.webex.app, [scope.name for scope in wanted(Webex.scopes, Purpose.MESSAGES, Preset.PUBLISHED)]
    back = "https://hub.example.com/consent/webex/callback/"
    asked = {"client_id": app.client_id, "redirect_uri": back, "response_type": "code", "scope": " ".join(scopes)}
    allowed = form(chats, "authorize", {"person": chats.farid, "decision": "allow"}, asked)
    code = dict(parse_qsl(urlsplit(allowed.headers["location"]).query))["code"]
    proof = {"client_id": app.client_id, "client_secret": app.client_secret}
    given = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
    (granted,) = Webex.granted(PERSON, form(chats, "access_token", given | proof).json())
    held = Credentials(chats.webex.own_credentials(chats.farid).workspace, AccountId(chats.farid), {PERSON: granted.access}, {}, PERSON)  # fmt: skip  # noqa: E501
    assert (granted.scopes, chats.ask(Webex(held), Webex(held).identify_person()).account) == (set(scopes), chats.farid)
    assert len(chats.run(chats.speaker.subscriptions(HOOKS))) == 3


def form(chats: Chats, path: str, fields: dict[str, str], query: dict[str, str] | None = None) -> Response:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = urlencode(fields).encode()
    return chats.webex.handle(Request("POST", f"https://webexapis.com/v1/{path}", headers, query or {}, body))


def test_the_service_users_own_chats_are_orders_of_their_own(chats: Chats) -> None:
    own = chats.voice(chats.webex.credentials().account)
    made = chats.ask(own, own.subscribe(DIRECT, HOOKS, SECRETS.webhook_secret))
    assert chats.ask(own, own.subscriptions(HOOKS)) == [made]
    assert made not in chats.run(chats.speaker.subscriptions(HOOKS))


# --- The SDK


@pytest.fixture
def sdk(chats: Chats) -> Iterator[WebexAPI]:
    """Webex's own SDK with what Farid consented to, the fuller preset."""

    def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
        split, given = urlsplit(request.url), request.body or b""
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = given.encode() if isinstance(given, str) else given
        address = f"https://{split.netloc}{split.path}"
        told = chats.webex.handle(Request(request.method, address, headers, dict(parse_qsl(split.query)), body))
        return told.status, dict(told.headers), told.body

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST", "PUT", "DELETE"):
            mock.add_callback(method, re.compile(r"https://webexapis\.com/.*"), callback=answer, content_type=None)
        held = chats.webex.own_credentials(chats.farid, Preset.FULL)
        yield WebexAPI(held.tokens[PERSON], wait_on_rate_limit=False)


def test_the_sdk_writes_to_one_person_and_reads_the_chat(chats: Chats, sdk: WebexAPI) -> None:
    with pytest.raises(ApiError, match="404"):
        list(sdk.messages.list_direct(personId=chats.elif_))
    assert list(sdk.rooms.list(type="direct")) == []
    said = sdk.messages.create(toPersonId=chats.elif_, text="psst")
    assert [one.id for one in sdk.rooms.list(type="direct")] == [said.roomId]
    assert (sdk.rooms.get(said.roomId).title, sdk.rooms.get(said.roomId).creatorId) == ("Elif Kaya", chats.farid)
    assert [one.text for one in sdk.messages.list_direct(personId=chats.elif_)] == ["psst"]
    assert {one.personId for one in sdk.memberships.list(said.roomId)} == {chats.elif_, chats.farid}
    with pytest.raises(ApiError):
        sdk.memberships.create(said.roomId, personId=chats.grace)
    with pytest.raises(ApiError):
        sdk.rooms.delete(said.roomId)


def test_the_sdk_makes_a_group_and_leaves_it(chats: Chats, sdk: WebexAPI) -> None:
    room = sdk.rooms.create("Plans")
    sdk.memberships.create(room.id, personId=chats.grace)
    sdk.rooms.delete(room.id)
    assert [*chats.webex.room(ids.conversation(room.id)).members] == [chats.grace]
    alone = sdk.rooms.create("Alone")
    sdk.rooms.delete(alone.id)
    with pytest.raises(ApiError, match="404"):
        sdk.rooms.get(alone.id)


def test_the_sdk_orders_a_persons_direct_messages(chats: Chats, sdk: WebexAPI) -> None:
    made = sdk.webhooks.create("mine", HOOKS, "messages", "all", filter="roomType=direct", secret="s")
    chats.hooks.clear()
    chats.webex.type_as(chats.elif_, chats.webex.chat([chats.elif_, chats.farid]), "psst")
    chats.webex.type_as(chats.elif_, chats.place.conversation, "everybody")
    told = [json.loads(hook.body) for hook in chats.hooks]
    mine = [one for one in told if one["id"] == made.id]
    assert [(one["filter"], one["createdBy"], one["data"]["roomType"]) for one in mine] == [("roomType=direct", chats.farid, "direct")]  # fmt: skip  # noqa: E501
