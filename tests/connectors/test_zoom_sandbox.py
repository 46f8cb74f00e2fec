"""The fake Zoom, and our client against it: strict where the reference is, and true to Zoom's own specification."""

import base64
import json
import re
from collections.abc import Callable, Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import hypothesis
import pytest
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from connectors.calls import Call, Calls, Response, T
from connectors.contract import Credentials, Envelope, Rendered, Reply, Request, SetsTopics
from connectors.errors import ConnectorError, Gone, NotSupported, RateLimited, Reconnect, Refused, Unavailable, Unsure
from connectors.html import escape
from connectors.http import AnswerLost, Outgoing, drive_blocking, prepare
from connectors.markdown import from_markdown
from connectors.messages import (
    AccountId,
    Attachment,
    Byline,
    Commanded,
    ConversationId,
    Deleted,
    Draft,
    Edited,
    Event,
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
from connectors.richtext import Document, Link, Mention, Paragraph, Text, document, mentions, plain
from connectors.sandbox import Webhook
from connectors.zoom import answers, client, client_files, directory, judging, managing, names
from connectors.zoom.connector import Secrets, Zoom
from connectors.zoom.sandbox import SERVICE_USER, FakeZoom
from connectors.zoom.sandbox_company import ACCOUNT
from connectors.zoom.sandbox_files import ELSEWHERE, HOST
from connectors.zoom.sandbox_routes import ROUTES
from connectors.zoom.sandbox_rules import Refusal
from connectors.zoom.sandbox_tokens import ADMIN_SCOPES, Token
from tests.connectors import given

SECRETS = Secrets("miohub-zoom-secret")
SPECS = Path(__file__).parents[3] / "shared" / "specs" / "zoom"
needs_specs = pytest.mark.skipif(not SPECS.is_dir(), reason="Zoom's specification is not at hand")


class Now:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC).timestamp()

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def fake(now: Now) -> FakeZoom:
    return FakeZoom(SECRETS, "https://hub.example.com", now)


@pytest.fixture
def webhooks(fake: FakeZoom) -> list[Webhook]:
    sent: list[Webhook] = []
    fake.deliver = sent.append
    return sent


@pytest.fixture
def zoom(fake: FakeZoom) -> Zoom:
    return Zoom(fake.credentials())


@pytest.fixture
def general(fake: FakeZoom) -> ConversationId:
    return fake.places()[0].conversation


def carried(fake: FakeZoom, outgoing: Outgoing) -> Response:
    url = urlsplit(outgoing.url)
    headers = {name.lower(): value for name, value in outgoing.headers.items()}
    query = dict(parse_qsl(url.query))
    address = f"https://{url.netloc}{url.path}"
    return fake.handle(Request(outgoing.method, address, headers, query, outgoing.body or b""))


def run(fake: FakeZoom, zoom: Zoom, calls: Generator[Call, Response, T]) -> T:
    return drive_blocking(calls, lambda outgoing: carried(fake, outgoing), zoom.credentials)


def ask(fake: FakeZoom, method: str, path: str, body: Any = None, token: str = "", **query: str) -> tuple[int, Any]:
    token = token or fake.credentials().tokens["admin"]
    raw = b"" if body is None else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {token}"}
    response = fake.handle(Request(method, f"https://api.zoom.us/v2{path}", headers, query, raw))
    return response.status, json.loads(response.body)


def said(text: str, *first: Mention) -> Document:
    return document([Paragraph((*first, Text(text)))])


def hear(webhook: Webhook, zoom: Zoom) -> Posted:
    envelopes = Zoom.receive(Request("POST", webhook.url, webhook.sign(), {}, webhook.body), SECRETS)
    assert isinstance(envelopes, list)
    assert envelopes[0].workspace == zoom.credentials.workspace
    assert envelopes[0].content is not None
    event = zoom.parse(envelopes[0].content, envelopes[0].reference)
    assert isinstance(event, Posted)
    return event


# --- Our client


def test_what_we_post_comes_back_as_an_event_and_is_found_again(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    grace = fake.people()[1]
    body = said(" hello", Mention("Grace Liu", AccountId(grace.id), "grace@acme.example"))
    rendered = zoom.parts(Draft(general, body, "n", Byline("Ann Moreau", "Slack")))[0]
    since = datetime.now(UTC)
    message = run(fake, zoom, zoom.post(rendered))
    echo = hear(webhooks[0], zoom).message
    assert (echo.id, echo.author) == (message, SERVICE_USER.id)
    assert echo.author in zoom.own_accounts
    assert [mention.account for mention in mentions(echo.body)] == [grace.id]
    assert run(fake, zoom, zoom.find(rendered, since)) == [message]
    assert run(fake, zoom, zoom.find(rendered, since + timedelta(minutes=1))) == []


def test_only_our_own_posts_of_the_same_text_are_found(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, now: Now
) -> None:
    rendered = zoom.render(Draft(general, said("same"), "n"))
    since = datetime.fromtimestamp(now(), UTC)
    fake.type_as(fake.people()[0].id, general, "same")
    ours = []
    for _ in range(60):
        now.at += 1
        ours.append(run(fake, zoom, zoom.post(rendered)))
        run(fake, zoom, zoom.post(zoom.render(Draft(general, said("other"), "n"))))
    assert run(fake, zoom, zoom.find(rendered, since)) == ours, "over several pages, oldest first"


def test_a_fetched_message_reads_like_the_event(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    fake.type_as("Carla Jensen", general, "**Hi** @Hugo Brandt, see [it](https://acme.example) :tada:\n\n- a\n- b")
    heard = hear(webhooks[0], zoom).message
    reference = Reference(Kind.POSTED, general, heard.id)
    fetched = zoom.parse(run(fake, zoom, zoom.fetch(reference)), reference)
    assert isinstance(fetched, Posted)
    assert replace(fetched.message, author_name="") == heard
    assert fetched.message.author_name == "Carla Jensen"
    assert "🎉" in plain(heard.body)


def test_a_fetched_message_of_an_outsider_is_theirs(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    ben = fake.add_outsider("Ben Outside")
    message = fake.type_as(ben.id, general, "hello from next door")
    reference = Reference(Kind.POSTED, general, message)
    fetched = zoom.parse(run(fake, zoom, zoom.fetch(reference)), reference)
    assert isinstance(fetched, Posted)
    assert fetched.message.author == f"member:{ben.id}"


def test_a_message_that_is_not_there_is_gone(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    for conversation in (general, ConversationId("elsewhere")):
        with pytest.raises(Gone):
            run(fake, zoom, zoom.fetch(Reference(Kind.POSTED, conversation, MessageId("NONE"))))


# --- Edits, deletions, threads, reactions


def heard(webhooks: list[Webhook], zoom: Zoom) -> list[Event]:
    """What the waiting webhooks say, in order; they are taken."""
    events = [listen(webhook, zoom)[1] for webhook in webhooks]
    webhooks.clear()
    return events


def listen(webhook: Webhook, zoom: Zoom) -> tuple[Envelope, Event]:
    envelopes = Zoom.receive(Request("POST", webhook.url, webhook.sign(), {}, webhook.body), SECRETS)
    assert isinstance(envelopes, list)
    return envelopes[0], zoom.parse(envelopes[0].content or {}, envelopes[0].reference)


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


def written(zoom: Zoom, general: ConversationId, body: Document, thread: MessageId | None = None) -> Rendered:
    return zoom.render(Draft(general, body, "n", Byline("Ann Moreau", "Slack"), thread))


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


# --- Files


def uploaded(fake: FakeZoom, zoom: Zoom, calls: Calls[T], data: bytes) -> tuple[T, list[Call]]:
    """Run an upload; the calls it took as well."""
    made: list[Call] = []

    def watched() -> Calls[T]:
        call = next(calls)
        while True:
            made.append(call)
            try:
                call = calls.send((yield call))
            except StopIteration as end:
                found: T = end.value
                return found

    return given.uploaded(watched(), partial(carried, fake), zoom.credentials, data), made


def fetched(fake: FakeZoom, zoom: Zoom, attachment: Attachment) -> Response:
    """The file as the caller's stream would bring it."""
    last = run(fake, zoom, zoom.open(attachment))
    response = carried(fake, prepare(last, zoom.credentials))
    last.judge(last, response)
    return response


DATA = bytes(range(256)) * 40 + b"\r\n--x\r\n"


@pytest.mark.parametrize("redirects", [False, True])
def test_a_shared_file_is_read_from_where_zoom_has_it(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook], redirects: bool
) -> None:
    fake.redirects = redirects
    fake.share_as("Hugo Brandt", general, "plan & more.png", DATA, "see **this**")
    attachment = hear(webhooks[0], zoom).message.attachments[0]
    assert (attachment.name, attachment.content_type, attachment.size) == ("plan & more.png", "image/png", len(DATA))
    assert fetched(fake, zoom, attachment).body == DATA
    assert urlsplit(run(fake, zoom, zoom.open(attachment)).url).netloc == (ELSEWHERE if redirects else HOST)
    assert fake.shown(general)[0].files == ("plan & more.png",)
    assert fake.files(general) == [("plan & more.png", DATA)]


def test_a_file_that_is_gone_is_gone(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    message = fake.share_as("Hugo Brandt", general, "a.txt", b"x")
    attachment = hear(webhooks[0], zoom).message.attachments[0]
    fake.rooms[general].messages[message].files.clear()
    with pytest.raises(Gone):
        run(fake, zoom, zoom.open(attachment))
    fake.delete_as("Hugo Brandt", general, message)
    with pytest.raises(Gone):
        run(fake, zoom, zoom.open(attachment))


def test_an_address_of_a_file_does_not_hold_for_long_and_takes_a_token(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook], now: Now
) -> None:
    fake.share_as("Hugo Brandt", general, "a.txt", b"x")
    last = run(fake, zoom, zoom.open(hear(webhooks[0], zoom).message.attachments[0]))
    assert carried(fake, prepare(replace(last, token=""), zoom.credentials)).status == 401
    assert carried(fake, prepare(replace(last, url=last.url + "x"), zoom.credentials)).status == 403
    now.at += 601
    with pytest.raises(Refused):
        last.judge(last, carried(fake, prepare(last, zoom.credentials)))


@pytest.mark.parametrize(
    "url",
    [
        "http://file.zoom.us/file/x",
        "https://zoom.us.evil.example/x",
        "https://evilzoom.us/x",
        "https://file.zoom.us@evil.example/x",
        "https://file.zoom.us:8443/x",
        "https://evil.example\\@file.zoom.us/x",
        "https://[::1]/x",
        "https://[x/",
        "https://169.254.169.254/x",
        "file:///etc/passwd",
        "//file.zoom.us/x",
        "https://file.zoom.us/\nx",
        "https://file.zoom.uſ/x",
        "",
    ],
)
def test_our_token_goes_to_hosts_of_zoom_only(url: str) -> None:
    with pytest.raises(Refused):
        client_files.trusted(url)


def test_a_page_or_a_redirect_is_not_taken_for_the_file(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    fake.share_as("Hugo Brandt", general, "a.pdf", b"x")
    last = run(fake, zoom, zoom.open(hear(webhooks[0], zoom).message.attachments[0]))
    with pytest.raises(Refused, match="page"):
        last.judge(last, Response(200, b"", {"content-type": "text/html; charset=utf-8"}))
    with pytest.raises(Unavailable):
        last.judge(last, Response(302, b"", {"location": "https://file.zoom.us/x"}))


def shared(name: str, size: int | None = len(DATA), content_type: str = "application/pdf") -> Attachment:
    return Attachment(name, content_type, "the source's own", size)


@pytest.mark.parametrize("redirects", [False, True])
def test_a_file_goes_up_in_one_message_with_its_byline_and_text(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook], redirects: bool
) -> None:
    fake.redirects = redirects
    root = fake.type_as("Hugo Brandt", general, "root")
    draft = Draft(general, said("the plan"), "n", Byline("Ann Moreau", "Slack"), root)
    message, calls = uploaded(fake, zoom, zoom.upload(shared("plan.pdf"), draft), DATA)
    echo = hear(webhooks[-1], zoom).message
    assert (echo.id, echo.thread, plain(echo.body)) == (message, root, "Ann Moreau (Slack)\nthe plan")
    assert [one.name for one in echo.attachments] == ["plan.pdf"]
    assert fake.files(general) == [("plan.pdf", DATA)]
    assert not fake.files_kept.notes, "not in the service user's own chat"
    assert [call.repeatable for call in calls] == [*([True] * (len(calls) - 1)), False]
    assert run(fake, zoom, zoom.find(zoom.render(draft), datetime.now(UTC) - timedelta(minutes=1))) == [message]
    run(fake, zoom, zoom.delete(general, message))
    assert fake.files(general) == []


def test_a_file_that_goes_up_without_a_word_is_a_message_at_once(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    root = fake.type_as("Hugo Brandt", general, "root")
    draft = Draft(general, Document(()), "n", None, root)
    message, calls = uploaded(fake, zoom, zoom.upload(shared("plan.png"), draft), DATA)
    assert [call.url.rpartition("/")[2] for call in calls] == ["files"]
    echo = hear(webhooks[-1], zoom).message
    assert (echo.id, echo.thread, echo.body) == (message, root, Document(()))
    assert fake.files(general) == [("plan.png", DATA)]


@pytest.mark.parametrize(
    ("name", "size"), [("a.png", 16 * 1024**2 + 1), ("a.JPEG", 16 * 1024**2 + 1), ("a.pdf", 20 * 1024**2 + 1)]
)
def test_a_file_too_large_is_refused_before_it_is_sent(
    zoom: Zoom, general: ConversationId, name: str, size: int
) -> None:
    with pytest.raises(Refused, match="MB"):
        next(zoom.upload(shared(name, size), Draft(general, said("x"), "n")))
    assert next(zoom.upload(shared(name, size - 1), Draft(general, said("x"), "n"))).upload
    with pytest.raises(Refused, match="not known"):
        next(zoom.upload(shared(name, None), Draft(general, said("x"), "n")))


def test_an_upload_is_not_sent_on_to_strangers(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    for draft in (Draft(general, said("x"), "n"), Draft(general, Document(()), "n")):
        calls = zoom.upload(shared("a.pdf"), draft)
        next(calls)
        with pytest.raises(Refused):
            calls.send(Response(307, b"", {"location": "https://evil.example/v2/x"}))
        calls = zoom.upload(shared("a.pdf"), draft)
        next(calls)
        for _ in range(client_files.MOST_HOPS - 1):
            assert calls.send(Response(307, b"", {"location": "/v2/x"})).upload
        with pytest.raises(Refused, match="host to host"):
            calls.send(Response(307, b"", {"location": "/v2/x"}))


def test_the_fake_forgets_the_oldest_bytes(fake: FakeZoom, general: ConversationId) -> None:
    for number in range(5):
        fake.share_as("Hugo Brandt", general, f"{number}.bin", bytes(15 * 1024**2))
    assert fake.files_kept.data(fake.rooms[general].messages[fake.shown(general)[-1].id].files[0].id)
    with pytest.raises(Refusal):
        fake.files(general)


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


def test_everybody_in_a_channel_is_listed(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    everybody = [account.id for account in fake.directory()]
    strangers = [AccountId(f"member:{fake.add_outsider(f'Stranger {number}').id}") for number in range(130)]
    assert run(fake, zoom, zoom.members(general)) == everybody + strangers
    with pytest.raises(Gone):
        run(fake, zoom, zoom.members(ConversationId("elsewhere")))


def test_accounts_are_looked_up_and_outsiders_are_not(fake: FakeZoom, zoom: Zoom) -> None:
    for account in fake.directory():
        assert run(fake, zoom, zoom.account(account.id)) == account
    for unknown in (AccountId("nobody"), AccountId("member:aQ8")):
        with pytest.raises(Gone):
            run(fake, zoom, zoom.account(unknown))


def test_a_message_too_long_is_refused(fake: FakeZoom, zoom: Zoom, general: ConversationId) -> None:
    with pytest.raises(Refused):
        run(fake, zoom, zoom.post(zoom.render(Draft(general, said("x" * 1025), "n"))))


def answered(status: int, body: Any = None, **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, raw, {name.replace("_", "-"): value for name, value in headers.items()})


SEND = Call("POST", "https://api.zoom.us/v2/x", repeatable=False)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answered(401, {"code": 124, "message": "Invalid access token."}), Reconnect),
        (answered(400, {"code": 124, "message": "Access token is expired."}), Reconnect),
        (answered(403, {"code": 403, "message": "x"}), Reconnect),
        (answered(401, {"code": 7010, "message": "x"}), Reconnect),
        (answered(400, {"code": 200, "message": "x"}), Refused),
        (answered(400, {"code": 300, "message": "x"}), Refused),
        (answered(404, {"code": 1001, "message": "x"}), Gone),
        (answered(404, {"code": 4130, "message": "x"}), Gone),
        (answered(400, {"code": 5301, "message": "x"}), Unavailable),
        *((answered(400, {"code": code, "message": "x"}), Refused) for code in (5402, 5403, 5418, 5419, 5420, 5421)),
        (answered(400, {"code": 999999, "message": "x"}), Refused),
        (answered(400, b"<html>"), Refused),
        (answered(404, b""), Gone),
        (answered(500, {"code": 124, "message": "x"}), Unsure),
        (answered(503, b"<html>"), Unsure),
        (answered(429, b""), RateLimited),
    ],
)
def test_an_error_means_what_zoom_says(response: Response, error: type[ConnectorError]) -> None:
    with pytest.raises(error) as caught:
        judging.judge(SEND, response)
    assert type(caught.value) is error


@pytest.mark.parametrize("code", [4700, 4711])
def test_a_missing_scope_is_named(code: int) -> None:
    message = "Invalid access token, does not contain scopes:[team_chat:write:user_message, chat:x:admin]."
    with pytest.raises(Reconnect, match="team_chat:write:user_message, chat:x:admin"):
        judging.judge(SEND, answered(400, {"code": code, "message": message}))


def test_the_words_of_an_unknown_error_are_not_repeated() -> None:
    with pytest.raises(Refused) as caught:
        judging.judge(SEND, answered(400, {"code": 300, "message": "a secret plan"}))
    assert "secret" not in str(caught.value)


def pause(**headers: str) -> float:
    with pytest.raises(RateLimited) as caught:
        judging.judge(SEND, answered(429, {"code": 429, "message": "x"}, **headers))
    return caught.value.after


def test_retry_after_is_understood_in_both_forms() -> None:
    tomorrow = (datetime.now(UTC) + timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert pause(retry_after="7") == 7
    assert pause(x_ratelimit_type="QPS") == judging.BURST_PAUSE
    assert 5 * 3600 - 5 < pause(x_ratelimit_type="Daily-limit", retry_after=tomorrow) <= 5 * 3600
    assert pause(x_ratelimit_type="Daily-limit") == judging.DAILY_PAUSE
    assert pause(retry_after="inf") == judging.LONGEST_PAUSE
    assert pause(retry_after="2000-01-01T00:00:00Z") == 1


def test_a_post_whose_answer_is_lost_is_unsure(zoom: Zoom, general: ConversationId) -> None:
    def lost(outgoing: Outgoing) -> Response:
        raise AnswerLost

    with pytest.raises(Unsure):
        drive_blocking(zoom.post(zoom.render(Draft(general, said("x"), "n"))), lost, zoom.credentials)


def test_a_post_whose_id_cannot_be_read_is_unsure(zoom: Zoom, general: ConversationId) -> None:
    for body in (b"<html>", b"{}", b"[]"):
        with pytest.raises(Unsure):
            drive_blocking(
                zoom.post(zoom.render(Draft(general, said("x"), "n"))),
                lambda outgoing, body=body: Response(201, body),
                zoom.credentials,
            )


def test_a_search_whose_answer_cannot_be_read_does_not_say_that_nothing_is_there(
    zoom: Zoom, general: ConversationId
) -> None:
    for body in (b"<html>", b"{}", b"[]"):
        with pytest.raises(Unavailable):
            drive_blocking(
                zoom.find(zoom.render(Draft(general, said("x"), "n")), datetime.now(UTC)),
                lambda outgoing, body=body: Response(200, body),
                zoom.credentials,
            )


def test_a_search_needs_the_service_users_address(zoom: Zoom, general: ConversationId) -> None:
    nameless = Zoom(replace(zoom.credentials, extra={}))
    with pytest.raises(Reconnect):
        next(nameless.find(nameless.render(Draft(general, said("x"), "n")), datetime.now(UTC)))


# --- The fake's strictness


def test_a_token_must_be_known_and_fresh(fake: FakeZoom, now: Now) -> None:
    assert ask(fake, "GET", "/users", token="nonsense") == (401, {"code": 124, "message": "Invalid access token."})
    fake.tokens.known["short"] = Token(SERVICE_USER, ADMIN_SCOPES, expires=now() + 10)
    assert ask(fake, "GET", "/users", token="short")[0] == 200
    now.at += 11
    assert ask(fake, "GET", "/users", token="short") == (401, {"code": 124, "message": "Access token is expired."})


def test_a_missing_scope_is_refused_with_its_names(fake: FakeZoom) -> None:
    fake.tokens.known["bot"] = Token(SERVICE_USER, frozenset({"imchat:bot"}))
    status, error = ask(fake, "POST", f"/chat/users/{SERVICE_USER.id}/messages", {}, "bot")
    assert (status, error["code"]) == (400, 4711)
    assert "[chat_message:write:admin, team_chat:write:user_message:admin]" in error["message"]


def test_granular_scopes_serve_as_well(fake: FakeZoom) -> None:
    fake.tokens.known["granular"] = Token(SERVICE_USER, frozenset({"user:read:list_users:admin"}))
    assert ask(fake, "GET", "/users", token="granular")[0] == 200
    assert ask(fake, "GET", "/users/me", token="granular")[1]["code"] == 4711


def test_a_person_acts_only_as_me(fake: FakeZoom, general: ConversationId, webhooks: list[Webhook]) -> None:
    carla = fake.people()[0]
    body = {"message": "as myself", "to_channel": general}
    assert ask(fake, "POST", f"/chat/users/{SERVICE_USER.id}/messages", body, carla.token)[0] == 403
    assert ask(fake, "POST", "/chat/users/me/messages", body, carla.token)[0] == 201
    assert json.loads(webhooks[0].body)["payload"]["operator_id"] == carla.id
    assert ask(fake, "GET", "/users/me", token=carla.token)[1]["id"] == carla.id
    assert ask(fake, "GET", "/users", token=carla.token)[1]["users"]


def test_the_account_wide_list_is_not_for_persons(fake: FakeZoom) -> None:
    assert ask(fake, "GET", "/chat/channels", token=fake.people()[0].token)[1]["code"] == 4711


def test_an_unknown_endpoint_is_not_recognised(fake: FakeZoom) -> None:
    assert ask(fake, "GET", "/chat/nonsense")[0] == 404
    assert ask(fake, "DELETE", "/users")[0] == 404


def test_who_is_not_a_member_finds_no_channel(fake: FakeZoom, general: ConversationId) -> None:
    fake.rooms[general].members.remove(SERVICE_USER)
    status, error = ask(fake, "POST", "/chat/users/me/messages", {"message": "x", "to_channel": general})
    assert (status, error["code"]) == (404, 4130)


@pytest.mark.parametrize(
    "more",
    [
        {"message": ""},
        {"message": 7},
        {"message": "👍" * 513},
        {"rich_text": [{"start_position": 0, "end_position": 3, "format_type": "Bold"}]},
        {"rich_text": [{"start_position": 0, "end_position": 3, "format_type": "Code", "format_attr": ""}]},
        {"rich_text": [{"start_position": 0, "end_position": 99, "format_type": "Bold", "format_attr": ""}]},
        {"rich_text": [{"start_position": 0, "end_position": 3, "format_type": "AddLink", "format_attr": "mailto:x"}]},
        {"rich_text": {}},
        {"at_items": [{"at_type": 1, "at_contact": "nobody@acme.example", "start_position": 0, "end_position": 2}]},
        {"at_items": [{"at_type": 1, "at_contact": "grace@acme.example", "start_position": 1, "end_position": 2}]},
        {"at_items": [{"at_type": 1, "at_contact": SERVICE_USER.id, "start_position": 0, "end_position": 2}]},
        {"reply_main_message_id": "none"},
    ],
)
def test_what_zoom_would_refuse_is_refused(fake: FakeZoom, general: ConversationId, more: dict[str, Any]) -> None:
    status, error = ask(fake, "POST", "/chat/users/me/messages", {"message": "@Jo", "to_channel": general} | more)
    assert (status, error["code"]) == (400, 300)


def test_a_reply_goes_to_the_first_message_only(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    fake.families = ("team_chat", "chat_message")
    root = fake.type_as("Hugo Brandt", general, "root")
    body = {"message": "reply", "to_channel": general, "reply_main_message_id": root}
    status, reply = ask(fake, "POST", "/chat/users/me/messages", body)
    assert status == 201
    body["reply_main_message_id"] = reply["id"]
    assert ask(fake, "POST", "/chat/users/me/messages", body)[1]["code"] == 5402
    assert [json.loads(webhook.body)["event"] for webhook in webhooks] == [
        *("team_chat.channel_message_posted", "chat_message.sent"),
        *("team_chat.channel_message_posted", "chat_message.replied"),
    ]
    assert [hear(webhook, zoom).message.thread for webhook in webhooks] == [None, None, root, root]


def test_pages_are_small_and_their_tokens_expire(fake: FakeZoom, general: ConversationId, now: Now) -> None:
    for number in range(25):
        fake.type_as("Hugo Brandt", general, str(number))
    path = f"/chat/users/{SERVICE_USER.id}/messages"
    first = ask(fake, "GET", path, to_channel=general)[1]
    assert [message["message"] for message in first["messages"]] == [str(number) for number in range(24, 14, -1)]
    token = first["next_page_token"]
    second = ask(fake, "GET", path, to_channel=general, next_page_token=token)[1]
    assert second["messages"][0]["message"] == "14"
    assert ask(fake, "GET", path, to_channel=general, next_page_token=token, page_size="9")[1]["code"] == 300
    assert ask(fake, "GET", path, to_channel=general, page_size="51")[1]["code"] == 300
    now.at += 901
    assert ask(fake, "GET", path, to_channel=general, next_page_token=token)[1]["code"] == 300
    assert ask(fake, "GET", path, to_channel=general, **{"from": "2020-01-01T00:00:00Z"})[1]["code"] == 300


def token_call(fake: FakeZoom, **form: str) -> tuple[int, Any]:
    basic = base64.b64encode(f"{fake.app.client_id}:{fake.app.client_secret}".encode()).decode()
    request = Request("POST", "https://zoom.us/oauth/token", {"authorization": f"Basic {basic}"}, form, b"")
    response = fake.handle(request)
    return response.status, json.loads(response.body)


def test_refresh_tokens_are_single_use_and_access_tokens_expire(fake: FakeZoom, now: Now) -> None:
    first = next(iter(fake.tokens.refresh))
    status, pair = token_call(fake, grant_type="refresh_token", refresh_token=first)
    assert status == 200
    assert ask(fake, "GET", "/users/me", token=pair["access_token"])[0] == 200
    dead = token_call(fake, grant_type="refresh_token", refresh_token=first)
    assert dead == (400, {"reason": "Invalid Token!", "error": "invalid_grant"})
    assert token_call(fake, grant_type="refresh_token", refresh_token=pair["refresh_token"])[0] == 200
    now.at += 3600
    assert ask(fake, "GET", "/users/me", token=pair["access_token"])[1]["code"] == 124


def test_the_other_grants_give_what_they_are_for(fake: FakeZoom) -> None:
    assert token_call(fake, grant_type="client_credentials")[1]["scope"] == "imchat:bot"
    assert (
        "chat_message:write:admin" in token_call(fake, grant_type="account_credentials", account_id=ACCOUNT)[1]["scope"]
    )
    assert token_call(fake, grant_type="account_credentials", account_id="x")[0] == 400
    assert token_call(fake, grant_type="password")[1]["error"] == "unsupported_grant_type"
    unknown = fake.handle(Request("POST", "https://zoom.us/oauth/token", {"authorization": "Basic eDp5"}, {}, b""))
    assert unknown.status == 401


def test_the_hub_answers_the_fakes_validation(fake: FakeZoom, webhooks: list[Webhook]) -> None:
    fake.revalidate()
    request = Request("POST", webhooks[0].url, webhooks[0].sign(), {}, webhooks[0].body)
    assert isinstance(Zoom.receive(request, SECRETS), Reply)


def test_a_webhook_sent_again_keeps_its_request_id_and_is_signed_anew(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook], now: Now
) -> None:
    now.at -= 200
    fake.type_as("Hugo Brandt", general, "Grüße ✓ 👍🏽")
    first = webhooks[0].sign()
    now.at += 200
    again = webhooks[0].sign()
    assert first["x-zm-request-id"] == again["x-zm-request-id"]
    assert first["x-zm-signature"] != again["x-zm-signature"]
    assert "Grüße ✓ 👍🏽".encode() in webhooks[0].body
    assert plain(hear(webhooks[0], zoom).message.body) == "Grüße ✓ 👍🏽"


def test_ids_in_braces_are_the_same_ids(
    fake: FakeZoom, zoom: Zoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    fake.braces = True
    posted = run(fake, zoom, zoom.post(zoom.render(Draft(general, said("x"), "n"))))
    assert posted == hear(webhooks[0], zoom).message.id
    assert re.fullmatch("[0-9A-F-]{36}", posted)
    assert run(fake, zoom, zoom.fetch(Reference(Kind.POSTED, general, posted)))["message"] == "x"


def test_the_client_shows_what_was_typed_and_nothing_becomes_html(fake: FakeZoom, general: ConversationId) -> None:
    fake.type_as("Hugo Brandt", general, "**bold** <script>alert(1)</script> @Grace Liu\n\n```\ncode\n```")
    shown = fake.shown(general)[0]
    assert (shown.author, shown.is_app) == ("Hugo Brandt", False)
    assert "<strong>bold</strong>" in shown.html
    assert escape("<script>") in shown.html
    assert '<span class="mention">@Grace Liu</span>' in shown.html
    assert "<pre>" in shown.html


def test_a_restarted_sandbox_is_the_same_world(fake: FakeZoom, now: Now) -> None:
    again = FakeZoom(SECRETS, "https://hub.example.com", now)
    assert (again.people(), again.places(), again.directory()) == (fake.people(), fake.places(), fake.directory())
    assert again.credentials() == fake.credentials()
    assert again.add_place("extra").conversation == fake.add_place("extra").conversation


# --- Against Zoom's own specification


def specification(name: str) -> Any:
    return json.loads((SPECS / name).read_text(encoding="utf-8"))


def operation(method: str, path: str) -> Any:
    paths: dict[str, Any] = {}
    for name in ("team-chat", "chatbot", "users-subset"):
        paths |= specification(f"{name}.openapi.json")["paths"]
    return paths[path][method.lower()]


def strict(schema: Any) -> Any:
    """Objects may hold nothing that the specification does not name."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: strict(part) for name, part in schema.items()}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        schema["additionalProperties"] = False
    return schema


PLACES: dict[str, Callable[[FakeZoom], str]] = {
    "{fileId}": lambda fake: next(iter(fake.files_kept.stored)),
    "{userId}": lambda fake: SERVICE_USER.id,
    "{channelId}": lambda fake: fake.places()[0].id,
    "{messageId}": lambda fake: fake.type_as("Hugo Brandt", fake.places()[0].conversation, "**a** @Grace Liu"),
}


@needs_specs
@pytest.mark.parametrize(
    "path",
    [
        *("/users", "/users/{userId}", "/chat/channels", "/chat/users/{userId}/channels", "/chat/channels/{channelId}"),
        *("/chat/users/{userId}/channels/{channelId}", "/chat/channels/{channelId}/members"),
        *("/chat/users/{userId}/channels/{channelId}/members", "/chat/users/{userId}/messages"),
        *("/chat/users/{userId}/messages/{messageId}", "/chat/files/{fileId}"),
    ],
)
def test_every_answer_is_as_the_specification_says(fake: FakeZoom, general: ConversationId, path: str) -> None:
    fake.add_outsider("Ben Outside")
    message = fake.type_as("Hugo Brandt", general, "**bold** @Grace Liu [x](https://acme.example)")
    fake.react_as("Ben Outside", general, message, "👍", on=True)
    fake.share_as("Hugo Brandt", general, "a.png", b"x")
    real = re.sub(r"\{\w+\}", lambda found: PLACES[found[0]](fake), path)
    query = {"to_channel": general} if "messages" in path else {}
    reader = fake.people()[0].token if "files" in path else ""
    status, body = ask(fake, "GET", real, token=reader, **query)
    assert status == 200
    schema = operation("GET", path)["responses"]["200"]["content"]["application/json"]["schema"]
    Draft202012Validator(schema if "allOf" in schema else strict(schema)).validate(body)


@needs_specs
def test_what_we_send_and_its_answer_are_as_the_specification_says(
    fake: FakeZoom, zoom: Zoom, general: ConversationId
) -> None:
    body = said(" hi", Mention("Grace Liu", AccountId("x"), "grace@acme.example"))
    sent = zoom.render(Draft(general, body, "n", Byline("Ann Moreau", "Slack"))).payload
    send = operation("POST", "/chat/users/{userId}/messages")
    request = strict(send["requestBody"]["content"]["application/json"]["schema"])
    request["properties"]["at_items"]["items"]["properties"]["at_contact"] = {"type": "string"}
    Draft202012Validator(request).validate(sent)
    status, answer = ask(fake, "POST", "/chat/users/me/messages", sent)
    assert status == 201
    Draft202012Validator(strict(send["responses"]["201"]["content"]["application/json"]["schema"])).validate(answer)
    rename, change = next(zoom.rename(general, "x")), operation("PATCH", "/chat/users/{userId}/channels/{channelId}")
    Draft202012Validator(strict(change["requestBody"]["content"]["application/json"]["schema"])).validate(rename.json)


@needs_specs
def test_every_event_is_as_the_specification_says(
    fake: FakeZoom, general: ConversationId, webhooks: list[Webhook]
) -> None:
    fake.families = ("team_chat", "chat_message")
    ben = fake.add_outsider("Ben Outside")
    root = fake.type_as("Hugo Brandt", general, "**bold** @Grace Liu [x](https://acme.example)")
    fake.type_as(ben.id, general, "hello")
    ask(fake, "POST", "/chat/users/me/messages", {"message": "r", "to_channel": general, "reply_main_message_id": root})
    assert len(webhooks) == 5, "an outsider's message is told by one family only"
    fake.share_as("Hugo Brandt", general, "a.png", b"x", "see")
    fake.mention_app_as("Hugo Brandt", general, "help")
    fake.edit_as("Hugo Brandt", general, root, "@all **bold**")
    fake.react_as("Hugo Brandt", general, root, "👍🏽", on=True)
    fake.react_as("Hugo Brandt", general, root, "👍🏽", on=False)
    fake.delete_as("Hugo Brandt", general, root)
    fake.leave_as("Hugo Brandt", general)
    fake.join_as("Hugo Brandt", general)
    fake.invite_as("Hugo Brandt", general, "Grace Liu")
    fake.invite_as("Hugo Brandt", general, "Grace Liu", here=False)
    fake.rename_as("Hugo Brandt", general, "new")
    fake.archive_as("Hugo Brandt", general)
    fake.archive_as("Hugo Brandt", general, archived=False)
    fake.command_as("Hugo Brandt", general, "help")
    fake.tell_app_as("Hugo Brandt", "help")
    fake.drop_as("Hugo Brandt", fake.open_as("Hugo Brandt", "brief"))
    fake.add_person("Ida Novak", "ida@acme.example")
    fake.remove_person("Ida Novak")
    events = specification("events.json")
    assert len({json.loads(webhook.body)["event"] for webhook in webhooks}) == 22
    for webhook in webhooks:
        body = json.loads(webhook.body)
        schema = strict(events[body["event"]]["schema"])
        schema["properties"]["event_ts"] = {"type": "integer"}  # some pages say text: scalars change type (§2.5)
        payload = schema["properties"]["payload"]["properties"]
        if item := payload.get("object"):
            item["required"] = [name for name in item["required"] if not name.startswith("contact_")]
            item["properties"] = {name: {} for name in item["required"]} | item["properties"]
        else:
            payload["userMemberId"] = {"type": "string"}  # in the reference, not in the published schema
        Draft202012Validator(schema).validate(body)


@needs_specs
def test_the_scopes_are_those_of_the_specification() -> None:
    for route in ROUTES:
        path = re.sub(r"\(\?P<(user|channel|message|file)>[^)]*\)", r"{\1Id}", route.pattern.pattern)
        path = path.replace("(?P<identifier>[^/]+)", "{identifier}")
        known = operation(route.method, path.removeprefix("/v2"))
        assert set(route.scopes) <= {*known["x-classic-scopes"], *known.get("x-granular-scopes", ())}, path
    for scopes, method, path in (
        (client.SEND, "POST", "/chat/users/{userId}/messages"),
        (client.LIST, "GET", "/chat/users/{userId}/messages"),
        (client.READ, "GET", "/chat/users/{userId}/messages/{messageId}"),
        (client.EDIT, "PUT", "/chat/users/{userId}/messages/{messageId}"),
        (client.DELETE, "DELETE", "/chat/users/{userId}/messages/{messageId}"),
        (client.REACT, "PATCH", "/chat/users/{userId}/messages/{messageId}/emoji_reactions"),
        (client_files.STORE, "POST", "/chat/users/{userId}/files"),
        (client_files.SHARE, "POST", "/chat/users/{userId}/messages/files"),
        (answers.SPEAK, "POST", "/im/chat/messages"),
        (directory.MEMBERS, "GET", "/chat/users/{userId}/channels/{channelId}/members"),
        (directory.PEOPLE, "GET", "/users"),
        (directory.OURS, "GET", "/chat/users/{userId}/channels"),
        (directory.PUBLIC, "GET", "/chat/channels"),
        (directory.CHANNEL, "GET", "/chat/users/{userId}/channels/{channelId}"),
        (directory.ANY_CHANNEL, "GET", "/chat/channels/{channelId}"),
        (managing.CREATE, "POST", "/chat/users/{userId}/channels"),
        (managing.ADD, "POST", "/chat/users/{userId}/channels/{channelId}/members"),
        (managing.REMOVE, "DELETE", "/chat/users/{userId}/channels/{channelId}/members/{identifier}"),
        (names.CHANGE, "PATCH", "/chat/users/{userId}/channels/{channelId}"),
        (client.WHO, "GET", "/users/{userId}"),
    ):
        known = operation(method, path)
        assert set(scopes) <= {*known["x-classic-scopes"], *known.get("x-granular-scopes", ())}, path


@needs_specs
def test_every_error_code_that_zoom_documents_for_our_calls_has_a_meaning() -> None:
    errors = specification("errors.json")
    messages = "/chat/users/{userId}/messages"
    calls = [f"POST {messages}", f"GET {messages}", f"POST {messages}/files", "POST /chat/users/{userId}/files"]
    calls += [f"{method} {messages}/{{messageId}}" for method in ("GET", "PUT", "DELETE")]
    calls += [f"PATCH {messages}/{{messageId}}/emoji_reactions", "POST /im/chat/messages", "GET /users/{userId}"]
    channels = "/chat/users/{userId}/channels"
    calls += [
        "GET /users",
        "GET /chat/channels",
        "GET /chat/channels/{channelId}",
        f"POST {channels}",
        f"GET {channels}",
    ]
    calls += [f"{method} {channels}/{{channelId}}" for method in ("GET", "PATCH")]
    calls += [f"{method} {channels}/{{channelId}}/members" for method in ("GET", "POST")]
    calls += [f"DELETE {channels}/{{channelId}}/members/{{identifier}}"]
    for call in calls:
        for error in errors[call]:
            with pytest.raises(ConnectorError, match="Zoom code"):
                judging.judge(SEND, answered(error["http"], error))


def test_credentials_hide_their_tokens(fake: FakeZoom) -> None:
    credentials: Credentials = fake.credentials()
    assert credentials.tokens["admin"] not in repr(credentials)
