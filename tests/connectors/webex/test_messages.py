"""Webex: webhooks, reading and writing messages, and its interface through our client."""

import hmac
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.calls import Response
from connectors.contract import Request
from connectors.errors import (
    ConnectorError,
    Forged,
    Gone,
    Malformed,
    RateLimited,
    Reconnect,
    Refused,
    Unavailable,
    Unsure,
)
from connectors.http import Outgoing, drive_blocking
from connectors.messages import (
    AccountId,
    Byline,
    Commanded,
    ConversationId,
    Deleted,
    Draft,
    Event,
    Kind,
    MessageId,
    Noticed,
    Posted,
    Reference,
    Skipped,
    Stands,
)
from connectors.richtext import (
    RULE,
    Block,
    Broadcast,
    BulletList,
    CodeBlock,
    Document,
    Heading,
    Inline,
    LineBreak,
    Link,
    Mention,
    NumberedList,
    Paragraph,
    Quote,
    Rule,
    Table,
    Text,
    document,
    inlines,
    mentions,
    plain,
    plain_inline,
)
from connectors.sandbox import Webhook
from connectors.splitting import clusters
from connectors.webex import ids
from connectors.webex.connector import LONGEST_TEXT, Secrets, Webex
from connectors.webex.judge import LONGEST_PAUSE, PAUSE, judge
from connectors.webex.sandbox import FakeWebex
from connectors.webex.sandbox_text import service_html
from tests.connectors.documents import TRICKS, documents, nasty_text
from tests.connectors.samples import load_reference, samples

SECRETS = Secrets("hub-secret-1")
PERSON = ids.account("11111111-2222-4333-8444-555555555555")
ORG = "99999999-2222-4333-8444-555555555555"
ROOM, MESSAGE = "Y2lzY29zcGFyazovL3VzL1JPT00vcm9vbQ", "Y2lzY29zcGFyazovL3VzL01FU1NBR0UvbWVzc2FnZQ"
NOW = 1_772_446_530.0
POSTED = Reference(Kind.POSTED, ConversationId(ROOM), MessageId(MESSAGE))

VECTOR = (
    '{"id":"Y2lzY29zcGFyazovL3VzL1dFQkhPT0svMDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAx","resource":"messages",'
    '"event":"created","data":{"personEmail":"zoë@example.com"}}'
).encode()
VECTOR_SIGNATURE = "a9879d19713d8d76ce4eabc869b9be8479e2e304"


def signed(body: bytes, secret: str = "hub-secret-1") -> Request:
    headers = {"x-spark-signature": hmac.digest(secret.encode(), body, "sha1").hex()}
    return Request("POST", "https://hub.example.com/webhooks/webex/", headers, {}, body)


def told(**changes: Any) -> dict[str, Any]:
    """A genuine webhook of a new message."""
    data = {
        "id": MESSAGE,
        "roomId": ROOM,
        "roomType": "group",
        "personId": PERSON,
        "created": "2026-03-02T10:15:30.123Z",
    }
    envelope = {"id": "hook", "resource": "messages", "event": "created", "orgId": ids.encode("ORGANIZATION", ORG)}
    return envelope | {"createdBy": PERSON, "actorId": PERSON, "data": data} | changes


def receive(envelope: Any) -> Any:
    (received,) = Webex.receive(signed(json.dumps(envelope, ensure_ascii=False).encode()), SECRETS)  # type: ignore[misc]
    return received


# --- Webhooks


def test_the_signature_of_the_reference_holds_over_the_raw_bytes() -> None:
    request = Request("POST", "", {"x-spark-signature": VECTOR_SIGNATURE.upper()}, {}, VECTOR)
    with pytest.raises(Malformed):  # proven, yet it names no organization
        Webex.receive(request, SECRETS)
    with pytest.raises(Forged):
        Webex.receive(Request("POST", "", request.headers, {}, VECTOR + b"\n"), SECRETS)


@pytest.mark.parametrize("header", [None, "", "0" * 40, "é", "\udcff", VECTOR_SIGNATURE[:-1]])
def test_a_request_without_the_right_signature_is_forged(header: str | None) -> None:
    with pytest.raises(Forged):
        Webex.receive(
            Request("POST", "", {"x-spark-signature": header} if header is not None else {}, {}, VECTOR), SECRETS
        )


def test_an_empty_secret_proves_nothing() -> None:
    with pytest.raises(Forged):
        Webex.receive(signed(VECTOR, ""), Secrets(""))


def test_the_secret_does_not_show() -> None:
    assert "hub-secret" not in repr(SECRETS)


def test_a_new_message_is_announced_by_its_ids_alone() -> None:
    received = receive(told())
    assert (received.workspace, received.event_id, received.content) == (ORG, f"messages:created:{MESSAGE}", None)
    sent = datetime(2026, 3, 2, 10, 15, 30, 123000, UTC)
    assert received.reference == Reference(Kind.POSTED, ConversationId(ROOM), MessageId(MESSAGE), sent)


ORG_FORMS = [
    ids.encode("ORGANIZATION", ORG),
    ids.encode("ORGANIZATION", ORG.upper()),
    ORG,
    "OTk5OTk5OTktMjIyMi00MzMzLTg0NDQtNTU1NTU1NTU1NTU1",
]


@pytest.mark.parametrize("org", ORG_FORMS)
def test_an_organization_is_the_same_in_each_of_its_forms(org: str) -> None:
    assert receive(told(orgId=org)).workspace == ORG


def test_one_event_told_by_two_webhooks_has_one_id() -> None:
    assert receive(told()).event_id == receive(told(id="other", createdBy="someone", name="x")).event_id


def test_two_edits_of_one_message_have_two_ids() -> None:
    edits = [told()["data"] | {"updated": f"2026-03-02T10:16:0{second}.000Z"} for second in (1, 2)]
    first, second = (receive(told(event="updated", data=data)).event_id for data in edits)
    assert first != second


KINDS = {
    ("messages", "created"): Kind.POSTED,
    ("messages", "updated"): Kind.CHANGED,
    ("messages", "deleted"): Kind.DELETED,
    ("memberships", "created"): Kind.NOTICE,
    ("memberships", "updated"): Kind.OTHER,
    ("memberships", "deleted"): Kind.NOTICE,
    ("rooms", "updated"): Kind.NOTICE,
    ("rooms", "created"): Kind.DIRECTORY,
    ("attachmentActions", "created"): Kind.OTHER,
    ("something", "new"): Kind.OTHER,
}


@pytest.mark.parametrize(("resource", "event"), KINDS)
def test_every_event_has_its_kind(resource: str, event: str) -> None:
    assert receive(told(resource=resource, event=event)).reference.kind is KINDS[resource, event]


def test_an_event_of_no_interest_needs_no_message() -> None:
    assert receive(told(resource="rooms", event="migrated", data={})).reference.kind is Kind.OTHER


MALFORMED = [
    [], "x", None, {}, told(resource=1), told(event=None), told(data=[]), told(data={}), told(orgId=None), told(orgId="x"),
    told(orgId=PERSON), told(data=told()["data"] | {"id": 7}), told(data=told()["data"] | {"roomId": "a b"}),
    told(data=told()["data"] | {"id": "x" * 300}),
]  # fmt: skip


@pytest.mark.parametrize("envelope", MALFORMED)
def test_a_proven_body_that_cannot_be_read_is_malformed(envelope: Any) -> None:
    with pytest.raises(Malformed):
        receive(envelope)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":NaN}'])
def test_a_proven_body_that_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        Webex.receive(signed(body), SECRETS)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_forged_or_malformed(body: bytes, proven: bool) -> None:
    request = signed(body) if proven else Request("POST", "", {}, {}, body)
    with pytest.raises(Malformed if proven else Forged):
        Webex.receive(request, SECRETS)


@given(st.sampled_from(sorted(told())), st.sampled_from(sorted(told()["data"])), json_values, json_values)
def test_wrong_types_anywhere_raise_nothing_unnamed(name: str, inner: str, value: Any, inner_value: Any) -> None:
    for envelope in (told(**{name: value}), told(data=told()["data"] | {inner: inner_value})):
        with suppress(Malformed):
            receive(envelope)


@given(st.integers(0, 400))
def test_a_genuine_body_cut_short_is_malformed_or_forged(length: int) -> None:
    body = json.dumps(told()).encode()
    with pytest.raises(Malformed):
        Webex.receive(signed(body[: min(length, len(body) - 1)]), SECRETS)
    with pytest.raises(Forged):
        Webex.receive(Request("POST", "", signed(body).headers, {}, body[: min(length, len(body) - 1)]), SECRETS)


# --- Reading


def content(**fields: Any) -> dict[str, Any]:
    return {"id": MESSAGE, "roomId": ROOM, "personId": PERSON, "created": "2026-03-02T10:15:30.123Z"} | fields


def parse(given: dict[str, Any], reference: Reference = POSTED) -> Event:
    return connector().parse(given, reference)


def connector() -> Webex:
    return Webex(fake().credentials())


def fake() -> FakeWebex:
    return FakeWebex(SECRETS, "https://hub.example.com", lambda: NOW)


EVENTS = {
    Kind.POSTED: Posted,
    Kind.COMMAND: Skipped,
    Kind.EDITED: Stands,
    Kind.CHANGED: Stands,
    Kind.REACTED: Stands,
    Kind.UNREACTED: Stands,
    Kind.DELETED: Deleted,
    Kind.NOTICE: Skipped,
    Kind.OTHER: Skipped,
    Kind.DIRECTORY: Skipped,
    Kind.REVOKED: Skipped,
    Kind.LAPSED: Skipped,
}


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_reference_is_read_as_what_it_announces(kind: Kind) -> None:
    assert type(parse(content(text="x"), replace(POSTED, kind=kind))) is EVENTS[kind]


@pytest.mark.parametrize("field", ["personId", "created"])
def test_a_message_without_author_or_time_is_skipped(field: str) -> None:
    assert parse(content(text="x", **{field: 3})) == Skipped("unreadable")


SAMPLES = [
    (sample.data["content"], load_reference(sample.data["reference"]))
    for sample in samples("heard")
    if sample.slug == "webex"
]


@given(st.sampled_from(SAMPLES), st.sampled_from(Kind), st.data())
@settings(max_examples=300, deadline=None)
def test_whatever_becomes_of_a_sample_it_is_read(
    sample: tuple[dict[str, Any], Reference], kind: Kind, data: st.DataObject
) -> None:
    given, reference = sample
    changed = {name: data.draw(_mutated(value)) for name, value in given.items()}
    event = parse(changed, replace(reference, kind=data.draw(st.sampled_from([kind, reference.kind]))))
    assert isinstance(event, Posted | Stands | Deleted | Noticed | Skipped | Commanded)
    if isinstance(event, Posted | Stands):
        connector().parts(draft(event.message.body))


def _mutated(value: Any) -> st.SearchStrategy[Any]:
    """Mostly the value itself, else one of another type or a text with a hole in it."""
    same = st.just(value)
    if not isinstance(value, str) or not value:
        return same | json_values
    holes = st.tuples(st.integers(0, len(value)), st.integers(0, 9), st.sampled_from(("", *TRICKS)))
    return st.one_of(same, same, json_values, holes.map(lambda cut: value[: cut[0]] + cut[2] + value[sum(cut[:2]) :]))


@given(st.sampled_from(["text", "html", "files", "attachments", "personId", "created", "parentId"]), json_values)
def test_a_message_of_wrong_types_is_read_or_skipped(field: str, value: Any) -> None:
    assert isinstance(parse(content(**({"text": "x"} | {field: value}))), Posted | Skipped)


html_scraps = st.lists(
    st.sampled_from(
        [
            *("<p>", "</p>", "<b>", "</i>", "<ul>", "<li>", "</ul>", "<pre>", "<br/>", "<", "&", "&#0;"),
            *("<spark-mention>", "</spark-mention>", '<spark-mention data-object-type="person">'),
            '<spark-mention data-object-type="groupMention">x',
            *TRICKS,
        ]
    )
    | st.text(max_size=5)
).map("".join)


@given(html_scraps)
def test_any_html_is_read(html: str) -> None:
    assert isinstance(parse(content(html=html, text="x")), Posted | Skipped)


@given(nasty_text)
def test_a_plain_text_is_literal(text: str) -> None:
    match parse(content(text=text)):
        case Posted(message):
            assert "".join(plain(message.body).split()) == "".join(text.split())
            assert all(isinstance(inline, Text | LineBreak) for inline in inlines(message.body.blocks))
        case Skipped():
            assert not text.strip()


def test_people_are_the_same_in_every_form_of_their_id() -> None:
    assert ids.account(PERSON) == ids.account("11111111-2222-4333-8444-555555555555".upper()) == PERSON
    assert ids.account(ids.encode("PEOPLE", "11111111-2222-4333-8444-555555555555", "urn:TEAM:us-west-2_r")) == PERSON
    assert ids.encode("PEOPLE", "11111111-2222-4333-8444-555555555555") == (
        "Y2lzY29zcGFyazovL3VzL1BFT1BMRS8xMTExMTExMS0yMjIyLTQzMzMtODQ0NC01NTU1NTU1NTU1NTU"
    )
    assert ids.decode("not an id") is None


# --- Writing


def draft(body: Document, byline: Byline | None = None) -> Draft:
    return Draft(ConversationId(ROOM), body, "n1", byline)


def heard_again(body: Document, byline: Byline | None = None) -> Document:
    """A document as it comes back after Webex has rendered what we posted."""
    markdown = connector().render(draft(body, byline)).payload["markdown"]
    html = service_html(markdown, lambda key: (key, "Known Person") if key == PERSON else None)
    event = parse(content(html=html, markdown=markdown))
    return event.message.body if isinstance(event, Posted) else Document(())


@given(nasty_text)
@example("\n".join(TRICKS))
@example(" ".join(TRICKS))
def test_what_a_person_typed_never_becomes_markup(text: str) -> None:
    body = document([Paragraph((Text(text),))])
    byline = Byline(text, "Slack")
    back = heard_again(body, byline)
    assert all(isinstance(block, Paragraph) for block in back.blocks)
    assert not back.degraded
    assert all(isinstance(inline, Text | LineBreak) for inline in inlines(back.blocks))
    assert seen(inlines(back.blocks)) == seen(
        [Text(" ".join(byline.name.split()) or "?"), Text("(Slack)"), *inlines(body.blocks)]
    )


@given(documents(mention_ids=st.just(PERSON)))
@settings(max_examples=200, deadline=None)
def test_a_document_comes_back_as_it_was_said(body: Document) -> None:
    back = heard_again(body)
    assert list(map(outline, back.blocks)) == list(map(outline, body.blocks))
    assert [person.account for person in mentions(back)] == [p.account for p in mentions(body) if p.account]
    assert addresses(back) == addresses(body)
    assert not back.degraded


def addresses(body: Document) -> list[str]:
    """Where the links lead, neighbours that lead to the same place as one. A bare mail address is text for Webex, and
    brackets in an address are escaped."""
    links = [link for link in inlines(body.blocks) if isinstance(link, Link) and link.url != f"mailto:{link.text}"]
    return [url for url, _ in groupby(unquote(link.url) for link in links)]


def outline(block: Block) -> object:
    match block:
        case Paragraph(content):
            return seen(content)
        case Heading(content, level):
            return min(level, 3), seen(content)
        case CodeBlock(text, language):
            return "code", text.replace("\xa0", " "), language
        case Quote(blocks):
            return "quote", [outline(inner) for inner in blocks]
        case BulletList(items):
            return "bullets", [[outline(inner) for inner in item] for item in items]
        case NumberedList(items, start):
            return "numbers", start, [[outline(inner) for inner in item] for item in items]
        case Table(rows):
            return "".join("|".join(map(seen, row)) for row in rows if any(row))
        case Rule():
            return RULE


def seen(content: Any) -> str:
    """The visible characters; who is mentioned is compared apart, for Webex may show a name of its own."""
    return "".join("".join(_shown(inline).split()) for inline in content)


def _shown(inline: Inline) -> str:
    match inline:
        case Mention(account=str()):
            return "@"
        case Broadcast():
            return "@all"
        case Link(text=text):
            return text
    return plain_inline(inline)


LONG = {
    "one endless word of emoji": document([Paragraph((Text("👩‍👩‍👧‍👦🇫🇷" * 800),))]),
    "many words": document([Paragraph((Text("wörd & <b> " * 3000),))]),
    "a long code block": document([CodeBlock("\n".join(f"line {n} ```" for n in range(2000)), "py")]),
    "forty thousand characters": document([Paragraph((Text("日本語 **x** " * 3600 + "ü" * 4000),))]),
    "a long table": document(
        [Table(tuple(((Text(f"cell {n}"),), (), (Text("x | y"),)) for n in range(900)), header=False)]
    ),
    "a table with a long cell": document([Table((((Text("wörd " * 4000),), (Text("b"),)),))]),
    "a long list": document([BulletList(tuple((Paragraph((Text(f"item {n} of many"),)),) for n in range(1500)))]),
}


@pytest.mark.parametrize("body", LONG.values(), ids=LONG)
def test_a_long_message_is_split_by_bytes_and_loses_nothing(body: Document) -> None:
    parts = connector().parts(draft(body, Byline("Ann Moreau", "Slack")))
    assert len(parts) > 1
    assert [part.nonce for part in parts] == [f"n1.{number:02}" for number in range(len(parts))]
    for part in parts:
        assert part.size == len(part.payload["markdown"].encode()) <= LONGEST_TEXT
    backs = [parse(content(html=service_html(part.payload["markdown"], lambda _: None))) for part in parts]
    blocks = [block for back in backs if isinstance(back, Posted) for block in back.message.body.blocks]
    text = "".join(_words(block) for block in blocks).replace("AnnMoreau(Slack)", "")
    assert text == "".join(map(_words, body.blocks))


def _words(block: Block) -> str:
    return "".join(plain(Document((block,))).split())


def test_half_a_surrogate_pair_does_not_stop_a_message() -> None:
    rendered = connector().render(draft(document([Paragraph((Text("a\ud83d"),))])))
    assert (rendered.payload["markdown"], rendered.size) == ("a?", 2)


def test_no_emoji_is_cut() -> None:
    body = LONG["one endless word of emoji"]
    for part in connector().parts(draft(body)):
        assert set(clusters(part.payload["markdown"])) == {"👩‍👩‍👧‍👦", "🇫🇷"}


# --- Talking


Transport = Callable[[Outgoing], Response]


def transport_to(webex: FakeWebex) -> Transport:
    def send(outgoing: Outgoing) -> Response:
        url = urlsplit(outgoing.url)
        headers = {name.lower(): value for name, value in outgoing.headers.items()}
        address = f"https://{url.netloc}{url.path}"
        return webex.handle(
            Request(outgoing.method, address, headers, dict(parse_qsl(url.query)), outgoing.body or b"")
        )

    return send


def test_a_message_travels_from_a_person_to_the_hub_and_back() -> None:
    webex, hooks = fake(), list[Webhook]()
    webex.deliver = hooks.append
    elif_, place, transport = webex.people()[0], webex.places()[0], transport_to(webex)
    typed = webex.type_as(elif_.id, place.conversation, "Hi **all**, @Farid Haddad and @all: `@Grace Liu` <b>x</b>")
    (envelope,) = receive_webhook(hooks.pop())
    speaker = Webex(webex.credentials())
    event = speaker.parse(
        drive_blocking(speaker.fetch(envelope.reference), transport, speaker.credentials), envelope.reference
    )
    assert isinstance(event, Posted)
    assert (event.message.id, event.message.author) == (typed, elif_.id)
    assert [person.name for person in mentions(event.message.body)] == ["Farid Haddad"]
    assert Broadcast("all") in inlines(event.message.body.blocks)
    assert not event.message.body.degraded
    assert plain(event.message.body) == "Hi all, @Farid Haddad and @all: @Grace Liu <b>x</b>"

    rendered = speaker.render(Draft(place.conversation, event.message.body, "n", Byline("Ann Moreau", "Slack")))
    posted = drive_blocking(speaker.post(rendered), transport, speaker.credentials)
    (echo,) = receive_webhook(hooks.pop())
    assert (echo.reference.message, echo.event_id) == (posted, f"messages:created:{posted}")
    assert [(shown.id, shown.is_app) for shown in webex.shown(place.conversation)] == [(typed, False), (posted, True)]
    assert "<script" not in webex.shown(place.conversation)[0].html


def receive_webhook(webhook: Webhook) -> Any:
    headers = {name.lower(): value for name, value in webhook.sign().items()}
    assert b'"text"' not in webhook.body
    return Webex.receive(Request("POST", webhook.url, headers, {}, webhook.body), SECRETS)


def test_a_lost_post_is_found_by_author_time_and_text() -> None:
    clock = [NOW]
    webex = FakeWebex(SECRETS, "https://hub.example.com", lambda: clock[0])
    place, speaker, transport = webex.places()[0], Webex(webex.credentials()), transport_to(webex)
    farid = webex.people()[1]

    def post(text: str) -> MessageId:
        body = document([Paragraph((Text(text), Text(" "), Mention(farid.name, AccountId(farid.id))))])
        rendered = speaker.render(Draft(place.conversation, body, "n", Byline("Ann", "Slack")))
        return drive_blocking(speaker.post(rendered), transport, speaker.credentials)

    post("same *text*")
    clock[0] += 3600
    wanted = [post("same *text*"), post("same *text*")]
    post("other text")
    webex.type_as(farid.id, place.conversation, "same *text*")
    body = document([Paragraph((Text("same *text*"), Text(" "), Mention(farid.name, AccountId(farid.id))))])
    rendered = speaker.render(Draft(place.conversation, body, "n", Byline("Ann", "Slack")))
    since = datetime.fromtimestamp(clock[0], UTC)
    assert drive_blocking(speaker.find(rendered, since), transport, speaker.credentials) == wanted


@given(documents(mention_ids=st.just(AccountId(fake().people()[0].id))))
@settings(max_examples=40, deadline=None)
def test_any_document_that_was_posted_is_found_again(body: Document) -> None:
    webex = fake()
    speaker, transport = Webex(webex.credentials()), transport_to(webex)
    rendered = speaker.render(Draft(webex.places()[0].conversation, body, "n", Byline("Ann", "Slack")))
    posted = drive_blocking(speaker.post(rendered), transport, speaker.credentials)
    since = datetime.fromtimestamp(NOW, UTC)
    assert drive_blocking(speaker.find(rendered, since), transport, speaker.credentials) == [posted]


def test_a_person_is_looked_up() -> None:
    webex = fake()
    speaker, transport = Webex(webex.credentials()), transport_to(webex)
    (known,) = [account for account in webex.directory() if account.name == "Grace Liu"]
    assert drive_blocking(speaker.account(known.id), transport, speaker.credentials) == known
    with pytest.raises(Gone):
        drive_blocking(speaker.account(PERSON), transport, speaker.credentials)


def test_a_message_announced_just_now_is_not_gone() -> None:
    webex = fake()
    speaker, transport = Webex(webex.credentials()), transport_to(webex)
    for age, error in ((timedelta(seconds=2), Unavailable), (timedelta(minutes=2), Gone)):
        reference = Reference(Kind.POSTED, POSTED.conversation, POSTED.message, datetime.now(UTC) - age)
        with pytest.raises(error):
            drive_blocking(speaker.fetch(reference), transport, speaker.credentials)


def test_a_revoked_token_asks_for_a_new_connection() -> None:
    webex = fake()
    revoked = replace(webex.credentials(), tokens={"service": "revoked"})
    with pytest.raises(Reconnect):
        drive_blocking(Webex(revoked).fetch(POSTED), transport_to(webex), revoked)


MEANINGS: dict[int, tuple[type[ConnectorError], type[ConnectorError]]] = {
    302: (Refused, Refused), 400: (Refused, Refused), 401: (Reconnect, Reconnect), 403: (Refused, Refused),
    404: (Gone, Gone), 405: (Refused, Refused), 409: (Refused, Refused), 410: (Gone, Gone), 418: (Refused, Refused),
    423: (Unavailable, Unsure), 429: (RateLimited, RateLimited), 500: (Unavailable, Unsure), 502: (Unavailable, Unsure),
    503: (Unavailable, Unsure), 504: (Unavailable, Unsure), 599: (Unavailable, Unsure),
}  # fmt: skip


@pytest.mark.parametrize("status", MEANINGS)
def test_every_answer_means_something(status: int) -> None:
    speaker = connector()
    reading, posting = (
        speaker.fetch(POSTED),
        speaker.post(speaker.render(draft(document([Paragraph((Text("secret"),))])))),
    )
    for call, error in zip((next(reading), next(posting)), MEANINGS[status], strict=True):
        with pytest.raises(error) as raised:
            judge(call, Response(status, b"<html>secret</html>", {"trackingid": "ROUTER_1-2"}))
        assert "secret" not in str(raised.value)
        assert status == 429 or "ROUTER_1-2" in str(raised.value)


PATIENCE = {
    "30": 30.0,
    "0": 1.0,
    "rand(30),add(30)": PAUSE,
    "": PAUSE,
    "1e9": LONGEST_PAUSE,
    "inf": LONGEST_PAUSE,
}


@pytest.mark.parametrize(("header", "after"), PATIENCE.items())
def test_patience_is_read_from_the_header_as_far_as_it_makes_sense(header: str, after: float) -> None:
    call = next(connector().fetch(POSTED))
    with pytest.raises(RateLimited) as raised:
        judge(call, Response(429, b"<html>", {"retry-after": header} if header else {}))
    assert raised.value.after == after


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"text":"x"}'])
def test_a_post_that_was_taken_without_an_id_is_unsure(body: bytes) -> None:
    speaker = connector()
    rendered = speaker.render(draft(document([Paragraph((Text("x"),))])))
    with pytest.raises(Unsure):
        drive_blocking(speaker.post(rendered), lambda _: Response(200, body), speaker.credentials)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]"])
def test_a_page_in_place_of_an_answer_is_trouble_of_theirs(body: bytes) -> None:
    speaker = connector()
    with pytest.raises(Unavailable):
        drive_blocking(speaker.fetch(POSTED), lambda _: Response(200, body), speaker.credentials)


def test_every_call_names_its_scopes_and_its_limit() -> None:
    speaker = connector()
    rendered = speaker.render(draft(document([Paragraph((Text("x"),))])))
    calls = [next(speaker.post(rendered)), next(speaker.find(rendered, datetime.now(UTC)))]
    calls += [next(speaker.fetch(POSTED)), next(speaker.account(PERSON))]
    assert all(call.scopes and call.bucket and call.token == "service" for call in calls)
    assert [call.repeatable for call in calls] == [False, True, True, True]


def test_an_id_cannot_leave_its_place_in_an_address() -> None:
    reference = Reference(Kind.POSTED, POSTED.conversation, MessageId("../people/me?x=1"))
    assert next(connector().fetch(reference)).url == "https://webexapis.com/v1/messages/..%2Fpeople%2Fme%3Fx%3D1"
