"""Direct chats in Zoom: who is told of what, and what people's own tokens do there and in channels."""

import json
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from jsonschema import Draft202012Validator

from connectors.calls import Call, Response, T
from connectors.consent import Preset, Purpose, wanted
from connectors.contract import Credentials, Envelope, Reply, Request
from connectors.errors import Forged, Gone, NotSupported, Reconnect, Refused
from connectors.http import Outgoing, drive_blocking
from connectors.messages import (
    AccountId,
    Attachment,
    ConversationId,
    Deleted,
    Draft,
    Event,
    Kind,
    MessageId,
    Posted,
    Reacted,
    Reaction,
    Reference,
    Stands,
)
from connectors.richtext import Mention, Paragraph, Text, document, mentions, plain
from connectors.sandbox import Webhook
from connectors.zoom import client, direct, ids
from connectors.zoom.connector import Secrets, Zoom
from connectors.zoom.sandbox import SERVICE_USER, FakeZoom
from connectors.zoom.sandbox_company import ACCOUNT
from connectors.zoom.sandbox_tokens import PERSONAL_SCOPES, Token
from connectors.zoom.scopes import SCOPES, USER
from connectors.zoom.webhook import signature
from tests.connectors import given
from tests.connectors.zoom.scene import needs_specs, said, specification

SECRETS = Secrets("secret of the account's app", "secret of people's app")
CARLA, GRACE, HUGO = "Carla Jensen", "Grace Liu", "Hugo Brandt"


class Scene:
    """A fake Zoom, what it told us, and people's own voices."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).timestamp()
        self.fake = FakeZoom(SECRETS, "https://hub.example.com", lambda: self.now)
        self.told: list[Webhook] = []
        self.fake.deliver = self.told.append

    def id(self, name: str) -> AccountId:
        return AccountId(self.fake.anybody(name).id)

    def chat(self, *names: str) -> ConversationId:
        return self.fake.chat([self.id(name) for name in names])

    def own(self, name: str) -> Zoom:
        """With what is published."""
        return Zoom(self.fake.own_credentials(self.id(name)))

    def allowing(self, name: str, *but: str) -> Zoom:
        """With everything that the app for people may ask for, ``but`` these."""
        one = self.fake.anybody(name)
        token = self.fake.tokens.agree(Token(one, PERSONAL_SCOPES - {*but}, personal=True))
        return Zoom(Credentials(ids.workspace(ACCOUNT), ids.account(one.id), {USER: token}, person=USER))

    def hear(self) -> list[Envelope]:
        """What the waiting webhooks say; they are taken."""
        waiting, self.told[:] = list(self.told), []
        return [envelope for one in waiting for envelope in received(one)]

    def run(self, zoom: Zoom, calls: Generator[Call, Response, T]) -> T:
        return drive_blocking(calls, self.carry, zoom.credentials)

    def read(self, zoom: Zoom, envelope: Envelope) -> Event:
        content = envelope.content or self.run(zoom, zoom.fetch(envelope.reference))
        return zoom.parse(content, envelope.reference)

    def say(self, zoom: Zoom, conversation: ConversationId, text: str, thread: MessageId | None = None) -> MessageId:
        return self.run(zoom, zoom.post(zoom.render(Draft(conversation, said(text), "n", thread=thread))))

    def carry(self, outgoing: Outgoing) -> Response:
        url = urlsplit(outgoing.url)
        headers = {name.lower(): value for name, value in outgoing.headers.items()}
        address = f"https://{url.netloc}{url.path}"
        return self.fake.handle(
            Request(outgoing.method, address, headers, dict(parse_qsl(url.query)), outgoing.body or b"")
        )


def received(webhook: Webhook, secrets: Secrets = SECRETS) -> list[Envelope]:
    heard = Zoom.receive(Request("POST", webhook.url, webhook.sign(), {}, webhook.body), secrets)
    assert isinstance(heard, list)
    return heard


@pytest.fixture
def scene() -> Scene:
    return Scene()


# --- Who is told of what


def test_nobody_is_told_of_a_chat_in_which_nobody_has_consented(scene: Scene) -> None:
    scene.fake.type_as(CARLA, scene.chat(CARLA, GRACE), "between us")
    assert scene.told == []


@pytest.mark.parametrize("consenting", [CARLA, GRACE])
def test_the_consent_of_either_of_the_two_lets_us_hear(scene: Scene, consenting: str) -> None:
    zoom, chat = scene.own(consenting), scene.chat(CARLA, GRACE)
    message = scene.fake.type_as(CARLA, chat, "**hello** there")
    (envelope,) = scene.hear()
    assert (envelope.is_direct, envelope.hearer, envelope.content) == (True, "", None)
    assert envelope.workspace == scene.fake.credentials().workspace
    assert envelope.reference == Reference(Kind.POSTED, chat, message, envelope.reference.occurred_at)
    event = scene.read(zoom, envelope)
    assert isinstance(event, Posted)
    assert (event.message.author, plain(event.message.body)) == (scene.id(CARLA), "hello there")
    assert "Style.BOLD" in repr(event.message.body)


def test_what_both_are_told_is_one_event_in_one_conversation(scene: Scene) -> None:
    scene.own(CARLA), scene.own(GRACE)
    chat = scene.chat(GRACE, CARLA)
    message = scene.fake.type_as(CARLA, chat, "hello")
    scene.fake.type_as(GRACE, chat, "hi")
    scene.fake.edit_as(CARLA, chat, message, "hello!")
    scene.fake.delete_as(CARLA, chat, message)
    heard = scene.hear()
    assert len(heard) == 8
    assert {envelope.reference.conversation for envelope in heard} == {chat} == {scene.chat(CARLA, GRACE)}
    assert [one.event_id for one in heard[::2]] == [one.event_id for one in heard[1::2]]
    assert len({one.event_id for one in heard}) == 4


def test_the_accounts_app_does_not_listen_to_direct_messages(scene: Scene) -> None:
    scene.fake.families = ("chat_message",)
    scene.fake.type_as(CARLA, scene.chat(CARLA, GRACE), "between us")
    (envelope,) = scene.hear()
    assert (envelope.reference.kind, envelope.content, envelope.is_direct) == (Kind.OTHER, None, False)


def test_what_peoples_app_is_told_of_channels_is_of_no_interest(scene: Scene) -> None:
    scene.own(CARLA)
    general = scene.fake.places()[0].conversation
    scene.fake.type_as(CARLA, general, "to all")
    assert sorted(one.reference.kind for one in scene.hear()) == [Kind.OTHER, Kind.POSTED]


def test_without_the_secret_of_peoples_app_its_events_are_forged(scene: Scene) -> None:
    scene.own(CARLA)
    scene.fake.type_as(CARLA, scene.chat(CARLA, GRACE), "hello")
    with pytest.raises(Forged):
        received(scene.told[0], Secrets(SECRETS.webhook_secret_token))
    with pytest.raises(Forged):
        received(replace_signature(scene.told[0], ""), Secrets(SECRETS.webhook_secret_token))


def replace_signature(webhook: Webhook, secret: str) -> Webhook:
    def sign() -> dict[str, str]:
        at = webhook.sign()["x-zm-request-timestamp"]
        return {"x-zm-request-timestamp": at, "x-zm-signature": signature(secret, at, webhook.body)}

    return replace(webhook, sign=sign)


def test_an_address_is_proven_with_the_secret_of_the_app_that_asks() -> None:
    body = json.dumps({"event": "endpoint.url_validation", "payload": {"plainToken": "t"}}).encode()
    answers = set()
    for secret in (SECRETS.webhook_secret_token, SECRETS.user_webhook_secret_token):
        at = str(int(datetime.now(UTC).timestamp()))
        headers = {"x-zm-request-timestamp": at, "x-zm-signature": signature(secret, at, body)}
        reply = Zoom.receive(Request("POST", "https://hub.example.com/webhooks/zoom/", headers, {}, body), SECRETS)
        assert isinstance(reply, Reply)
        answers.add(reply.body)
    assert len(answers) == 2


def test_one_person_who_takes_the_app_away_does_not_disconnect_the_account(scene: Scene) -> None:
    body = {"event": "app_deauthorized", "payload": {"account_id": ACCOUNT, "user_id": "u"}, "event_ts": 1}
    webhook = Webhook("https://hub.example.com/webhooks/zoom/", json.dumps(body).encode(), dict)
    for secret, kind in ((SECRETS.user_webhook_secret_token, Kind.OTHER), (SECRETS.webhook_secret_token, Kind.REVOKED)):
        at = str(int(scene.now))
        headers = {"x-zm-request-timestamp": at, "x-zm-signature": signature(secret, at, webhook.body)}
        (envelope,) = received(replace(webhook, sign=lambda headers=headers: headers))
        assert envelope.reference.kind is kind


@pytest.mark.parametrize("contact", [None, "", 7.5, "pL9w", "a|b"])
def test_a_direct_event_without_two_people_is_of_no_interest(scene: Scene, contact: object) -> None:
    thing = {"id": "m", "type": "to_contact", "contact_id": contact, "message": "x"}
    body = {"event": "chat_message.sent", "payload": {"account_id": "k", "operator_id": "pL9w", "object": thing}}
    webhook = Webhook("https://hub.example.com/webhooks/zoom/", json.dumps(body).encode(), dict)
    webhook = replace(webhook, sign=lambda: {"x-zm-request-timestamp": str(int(scene.now))})
    (envelope,) = received(replace_signature(webhook, SECRETS.user_webhook_secret_token))
    assert (envelope.reference.kind, envelope.is_direct) == (Kind.OTHER, False)


def test_a_message_to_the_chatbot_is_a_command_as_ever(scene: Scene) -> None:
    scene.own(CARLA)
    scene.fake.tell_app_as(CARLA, "help")
    (envelope,) = scene.hear()
    assert (envelope.reference.kind, envelope.is_direct) == (Kind.COMMAND, False)


# --- With a person's own token, published scopes


def test_people_write_to_each_other_through_us_in_their_own_names(scene: Scene) -> None:
    carla, grace = scene.own(CARLA), scene.own(GRACE)
    chat = scene.run(carla, carla.open_direct([scene.id(GRACE)]))
    assert chat == scene.run(grace, grace.open_direct([scene.id(CARLA)])) == scene.chat(CARLA, GRACE)
    root = scene.say(carla, chat, "hello")
    scene.say(grace, chat, "hi", thread=root)
    shown = [(one.author, one.html, one.thread, one.is_app) for one in scene.fake.shown(chat)]
    assert shown == [(CARLA, "<p>hello</p>", None, False), (GRACE, "<p>hi</p>", root, False)]
    assert len({one.event_id for one in scene.hear()}) == 2
    reply = scene.fake.reply_as(CARLA, chat, root, "how are you?")
    event = scene.read(grace, scene.hear()[0])
    assert isinstance(event, Posted)
    assert (event.message.id, event.message.thread, event.message.author) == (reply, root, scene.id(CARLA))


def test_edits_deletions_and_reactions_of_ones_own(scene: Scene) -> None:
    carla, grace, chat = scene.own(CARLA), scene.own(GRACE), scene.chat(CARLA, GRACE)
    message = scene.say(carla, chat, "helo")
    scene.run(carla, carla.edit(message, carla.render(Draft(chat, said("hello"), "n"))))
    scene.run(grace, grace.react(chat, message, "👍", on=True))
    (shown,) = scene.fake.shown(chat)
    assert (shown.html, shown.edited, shown.reactions) == ("<p>hello</p>", True, (("👍", (GRACE,)),))
    with pytest.raises(Refused):
        scene.run(grace, grace.delete(chat, message))
    scene.run(grace, grace.react(chat, message, "👍", on=False))
    scene.run(carla, carla.delete(chat, message))
    scene.run(carla, carla.delete(chat, message))
    assert scene.fake.shown(chat) == []


def test_an_edit_and_a_deletion_are_heard(scene: Scene) -> None:
    grace, chat = scene.own(GRACE), scene.chat(CARLA, GRACE)
    message = scene.fake.type_as(CARLA, chat, "one")
    scene.fake.react_as(GRACE, chat, message, "🎉", on=True)
    scene.fake.edit_as(CARLA, chat, message, "two")
    event = scene.read(grace, scene.hear()[-1])
    assert isinstance(event, Stands)
    assert (plain(event.message.body), event.reactions) == ("two", {Reaction(scene.id(GRACE), "🎉")})
    scene.fake.delete_as(CARLA, chat, message)
    assert scene.read(grace, scene.hear()[0]) == Deleted(message)
    with pytest.raises(Gone):
        scene.run(grace, grace.fetch(Reference(Kind.POSTED, chat, message)))


def test_reactions_are_heard_with_the_full_scopes_by_the_receivers_consent_alone(scene: Scene) -> None:
    chat = scene.chat(CARLA, GRACE)
    message = scene.fake.type_as(CARLA, chat, "news")
    scene.own(GRACE), scene.allowing(CARLA)
    scene.fake.react_as(GRACE, chat, message, "👍", on=True)
    assert scene.hear() == []
    grace = scene.allowing(GRACE)
    scene.fake.react_as(CARLA, chat, message, "🎉", on=True)
    (envelope,) = scene.hear()
    assert (envelope.is_direct, envelope.reference.conversation) == (True, chat)
    assert scene.read(grace, envelope) == Reacted(message, Reaction(scene.id(CARLA), "🎉"))


def test_a_send_whose_answer_was_lost_is_found_again(scene: Scene) -> None:
    carla, grace, chat = scene.own(CARLA), scene.own(GRACE), scene.chat(CARLA, GRACE)
    rendered, since = carla.render(Draft(chat, said("same"), "n")), datetime.fromtimestamp(scene.now, UTC)
    scene.say(grace, chat, "same")
    message = scene.run(carla, carla.post(rendered))
    assert scene.run(carla, carla.find(rendered, since)) == [message]
    assert scene.run(carla, carla.find(rendered, since + timedelta(minutes=1))) == []


def test_files_go_both_ways(scene: Scene) -> None:
    carla, grace, chat = scene.own(CARLA), scene.own(GRACE), scene.chat(CARLA, GRACE)
    scene.fake.share_as(CARLA, chat, "plan.txt", b"the plan", "see this")
    event = scene.read(grace, scene.hear()[0])
    assert isinstance(event, Posted)
    (file,) = event.message.attachments
    assert (plain(event.message.body), file.name) == ("see this", "plan.txt")
    download = scene.run(grace, grace.open(file))
    assert scene.run(grace, fetched(download)) == b"the plan"
    since = datetime.fromtimestamp(scene.now, UTC)
    for text in ("here you are", ""):
        answer, draft = (
            Attachment("back.txt", "text/plain", "h", 4),
            Draft(chat, document([Paragraph((Text(text),))]), "n"),
        )
        draft = draft if text else replace(draft, body=document([]))
        message = given.uploaded(carla.upload(answer, draft), scene.carry, carla.credentials, b"back")
        assert scene.fake.shown(chat)[-1].id == message
        assert scene.run(carla, carla.find_file(answer, draft, since)) == [message]
    assert [name for name, _ in scene.fake.files(chat)] == ["plan.txt", "back.txt", "back.txt"]
    assert {one.author for one in scene.fake.shown(chat)} == {CARLA}


def fetched(call: Call) -> Generator[Call, Response, bytes]:
    return (yield call).body


def test_nobody_is_mentioned_in_a_chat_of_two(scene: Scene) -> None:
    carla, chat = scene.own(CARLA), scene.chat(CARLA, GRACE)
    grace = Mention(GRACE, scene.id(GRACE), "grace@acme.example")
    rendered = carla.render(Draft(chat, said(" look", grace), "n"))
    assert rendered.payload == {"message": "@Grace Liu look", "to_contact": scene.id(GRACE)}
    scene.run(carla, carla.post(rendered))


def test_in_a_channel_one_speaks_as_oneself_and_mentions(scene: Scene) -> None:
    carla, general = scene.own(CARLA), scene.fake.places()[0].conversation
    grace = Mention(GRACE, scene.id(GRACE), "grace@acme.example")
    message = scene.run(carla, carla.post(carla.render(Draft(general, said(" hello", grace), "n"))))
    (shown,) = scene.fake.shown(general)
    assert (shown.id, shown.author, shown.is_app) == (message, CARLA, False)
    envelope = next(one for one in scene.hear() if one.reference.kind is Kind.POSTED)
    event = Zoom(scene.fake.credentials()).parse(envelope.content or {}, envelope.reference)
    assert isinstance(event, Posted)
    assert [one.account for one in mentions(event.message.body)] == [scene.id(GRACE)]
    scene.run(carla, carla.react(general, message, "👍", on=True))
    scene.run(carla, carla.delete(general, message))


def test_who_is_not_one_of_the_two_cannot_be_acted_for(scene: Scene) -> None:
    chat, hugo, service = scene.chat(CARLA, GRACE), scene.own(HUGO), Zoom(scene.fake.credentials())
    message = scene.fake.type_as(CARLA, chat, "between us")
    for zoom in (hugo, service):
        with pytest.raises(NotSupported):
            zoom.render(Draft(chat, said("x"), "n"))
        with pytest.raises(NotSupported):
            scene.run(zoom, zoom.fetch(Reference(Kind.POSTED, chat, message)))


def test_a_chat_with_somebody_from_another_account(scene: Scene) -> None:
    ben, carla = scene.fake.add_person("Ben Outside", "", guest=True), scene.own(CARLA)
    chat = scene.run(carla, carla.open_direct([ids.account("", ben.id)]))
    assert chat == scene.fake.chat([scene.id(CARLA), ben.id])
    message = scene.say(carla, chat, "hello")
    scene.fake.type_as(ben.id, chat, "hi")
    mine, other = (
        scene.run(carla, carla.fetch(Reference(Kind.POSTED, chat, one.id))) for one in scene.fake.shown(chat)
    )
    authors = [carla.parse(one, Reference(Kind.POSTED, chat, message)) for one in (mine, other)]
    assert [one.message.author for one in authors if isinstance(one, Posted)] == [scene.id(CARLA), f"member:{ben.id}"]


def test_a_lost_token_is_to_be_given_again_and_a_scope_that_is_lacking_is_not(scene: Scene) -> None:
    carla, chat = scene.own(CARLA), scene.chat(CARLA, GRACE)
    rendered = carla.render(Draft(chat, said("x"), "n"))
    reading = scene.allowing(CARLA, "chat_message:write")
    with pytest.raises(Refused, match="chat_message:write"):
        scene.run(reading, reading.post(rendered))
    scene.fake.tokens.known.clear()
    with pytest.raises(Reconnect):
        scene.run(carla, carla.post(rendered))


# --- Groups, which take more than is published


def test_a_group_is_opened_with_its_people_and_grows(scene: Scene) -> None:
    carla = scene.allowing(CARLA)
    ida, *more = (scene.fake.add_person(f"Person {n}", f"p{n}@acme.example").id for n in range(30))
    others = [scene.id(GRACE), scene.id(HUGO), *map(AccountId, more)]
    group = scene.run(carla, carla.open_direct(others, "Launch"))
    assert scene.fake.rooms[group].name == "Launch"
    assert set(scene.run(carla, carla.participants(group))) == {scene.id(CARLA), *others}
    scene.run(carla, carla.bring_in(group, [AccountId(ida), scene.id(GRACE)]))
    assert AccountId(ida) in scene.run(carla, carla.participants(group))
    again = scene.run(carla, carla.open_direct(others[:2], "Launch"))
    assert again != group, "a group is new each time, and the name is not in its way"


def test_a_group_is_told_to_the_accounts_app_like_a_channel(scene: Scene) -> None:
    carla, grace = scene.allowing(CARLA), scene.allowing(GRACE)
    group = scene.run(carla, carla.open_direct([scene.id(GRACE), scene.id(HUGO)]))
    assert {one.reference.kind for one in scene.hear()} == {Kind.OTHER}, "no channel for the directory"
    message = scene.fake.type_as(HUGO, group, "hello @Grace Liu")
    (envelope,) = scene.hear()
    assert (envelope.reference.conversation, envelope.is_direct) == (group, False)
    event = scene.read(grace, replace(envelope, content=None))
    assert isinstance(event, Posted)
    assert (event.message.id, event.message.author) == (message, scene.id(HUGO))
    assert [one.account for one in mentions(event.message.body)] == [scene.id(GRACE)]
    scene.say(grace, group, "hi", thread=message)
    assert [one.author for one in scene.fake.shown(group)] == [HUGO, GRACE]
    assert group not in {place.conversation for place in scene.fake.places()}


def test_without_the_full_scopes_no_group_is_opened(scene: Scene) -> None:
    carla, others = scene.own(CARLA), [scene.id(GRACE), scene.id(HUGO)]
    granted = {scope.name for scope in wanted(SCOPES, Purpose.MESSAGES, Preset.PUBLISHED)}
    assert granted.isdisjoint(next(carla.open_direct(others)).scopes)
    with pytest.raises(Refused, match="chat_contact:read"):
        scene.run(carla, carla.open_direct(others))


def test_the_people_of_a_chat_of_two_are_known_without_asking(scene: Scene) -> None:
    service, chat = Zoom(scene.fake.credentials()), scene.chat(CARLA, GRACE)
    assert set(scene.run(service, service.participants(chat))) == {scene.id(CARLA), scene.id(GRACE)}
    with pytest.raises(NotSupported):
        scene.run(service, service.bring_in(chat, [scene.id(HUGO)]))
    for place in (scene.fake.places()[0].conversation, ids.direct("carla@xmpp.zoom.us")):
        with pytest.raises(NotSupported):
            scene.run(service, service.participants(place))
    with pytest.raises(Gone):
        scene.run(service, service.participants(scene.chat(CARLA, GRACE, HUGO)))


def test_nobody_chats_alone(scene: Scene) -> None:
    carla = scene.own(CARLA)
    with pytest.raises(Refused):
        scene.run(carla, carla.open_direct([scene.id(CARLA)]))


# --- The fake is strict, and as the specification says


def test_what_the_hub_holds_is_what_the_published_consent_gives(scene: Scene) -> None:
    own = scene.fake.own_credentials(scene.id(CARLA))
    published = {scope.name for scope in wanted(SCOPES, Purpose.MESSAGES, Preset.PUBLISHED)}
    assert scene.fake.tokens.known[own.tokens[USER]].scopes == published | {"user_info:read"}
    assert (own.person, own.account, set(own.tokens)) == (USER, scene.id(CARLA), {USER})
    assert own.person == Zoom.steps[Purpose.MESSAGES][-1].yields


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"to_contact": "nobody@acme.example"}, 1001),
        ({"to_contact": "grace@acme.example", "to_channel": "c"}, 300),
        ({}, 300),
        ({"to_contact": 7}, 300),
        (
            {"to_contact": "grace@acme.example", "at_items": [{"at_type": 2, "start_position": 0, "end_position": 1}]},
            300,
        ),
        ({"to_contact": "grace@acme.example", "reply_main_message_id": "NONE"}, 300),
    ],
)
def test_zoom_refuses_what_is_wrongly_addressed(scene: Scene, fields: dict[str, Any], code: int) -> None:
    token = scene.fake.own_credentials(scene.id(CARLA)).tokens[USER]
    body = json.dumps({"message": "@all"} | fields).encode()
    url, headers = f"{client.API}/chat/users/me/messages", {"authorization": f"Bearer {token}"}
    assert json.loads(scene.fake.handle(Request("POST", url, headers, {}, body)).body)["code"] == code


@needs_specs
def test_direct_events_are_as_the_specification_says(scene: Scene) -> None:
    scene.allowing(GRACE)
    chat = scene.chat(CARLA, GRACE)
    root = scene.fake.type_as(CARLA, chat, "hello")
    scene.fake.reply_as(GRACE, chat, root, "hi")
    scene.fake.edit_as(CARLA, chat, root, "hello!")
    scene.fake.react_as(GRACE, chat, root, "👍", on=True)
    scene.fake.react_as(GRACE, chat, root, "👍", on=False)
    scene.fake.delete_as(CARLA, chat, root)
    events = specification("events.json")
    assert len({json.loads(one.body)["event"] for one in scene.told}) == 6
    for webhook in scene.told:
        body = json.loads(webhook.body)
        schema = events[body["event"]]["schema"]
        schema["properties"]["event_ts"] = {"type": "integer"}
        item = schema["properties"]["payload"]["properties"]["object"]
        item["additionalProperties"] = False
        item["required"] = [name for name in item["required"] if not name.startswith("channel_")]
        Draft202012Validator(schema).validate(body)


@needs_specs
def test_the_new_calls_and_their_answers_are_as_the_specification_says(scene: Scene) -> None:
    paths = specification("team-chat.openapi.json")["paths"]
    carla, sent = scene.allowing(CARLA), []

    def carry(outgoing: Outgoing) -> Response:
        sent.append((outgoing, answer := scene.carry(outgoing)))
        return answer

    drive_blocking(carla.open_direct([scene.id(GRACE), scene.id(HUGO)], "Launch"), carry, carla.credentials)
    contact, _, creation = sent
    known = paths["/chat/users/me/contacts/{identifier}"]["get"]
    assert set(client.CONTACT) <= {*known["x-classic-scopes"], *known["x-granular-scopes"]}
    created = paths["/chat/users/{userId}/channels"]["post"]
    assert json.loads(creation[0].body)["type"] == direct.GROUP
    asked = created["requestBody"]["content"]["application/json"]["schema"] | {"additionalProperties": False}
    Draft202012Validator(asked).validate(json.loads(creation[0].body))
    for operation, status, (_, answer) in ((known, "200", contact), (created, "201", creation)):
        schema = operation["responses"][status]["content"]["application/json"]["schema"]
        Draft202012Validator(schema | {"additionalProperties": False}).validate(json.loads(answer.body))


def test_the_service_users_chats_are_not_everybodys(scene: Scene) -> None:
    service = Zoom(scene.fake.credentials())
    chat = scene.run(service, service.open_direct([scene.id(CARLA)]))
    assert chat == scene.fake.chat([scene.id(CARLA), SERVICE_USER.id])
    scene.say(service, chat, "a word")
    assert [one.author for one in scene.fake.shown(chat)] == [SERVICE_USER.name]
