"""Slack: what is heard, what is said, and that nobody can make us hear or say anything else."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Credentials, Envelope, Reply, Request
from connectors.errors import Forged, Malformed
from connectors.messages import (
    AccountId,
    Byline,
    ConversationId,
    Draft,
    Kind,
    MessageId,
    Posted,
    Reference,
    WorkspaceId,
)
from connectors.richtext import (
    Block,
    BulletList,
    CodeBlock,
    Document,
    Heading,
    Inline,
    Link,
    Mention,
    NumberedList,
    Paragraph,
    Quote,
    Style,
    Text,
    document,
    inlines,
    map_inlines,
    plain,
)
from connectors.slack.connector import LONGEST_TEXT, Slack
from connectors.slack.webhook import TOLERANCE, prove, receive, signature
from connectors.splitting import clusters
from tests.connectors.documents import documents, nasty_lines, nasty_text, patient
from tests.connectors.samples import samples

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SECRETS = Slack.Secrets(SECRET)
CHANNEL = ConversationId("C0GENERAL1")
TS = MessageId("1663966382.046509")
REFERENCE = Reference(Kind.POSTED, CHANNEL, TS)
CREDENTIALS = Credentials(
    WorkspaceId("T0ACME0001"), AccountId("U0BOT00001"), {"bot": "xoxb-1"}, {"bot_id": "B0BOT00001"}
)
SLACK = Slack(CREDENTIALS)

MESSAGE: dict[str, Any] = {
    "type": "message",
    "text": "hello",
    "user": "U0ALICE001",
    "ts": TS,
    "channel": CHANNEL,
    "event_ts": TS,
    "channel_type": "channel",
}


def envelope(event: Any, **more: Any) -> dict[str, Any]:
    authorization = {"enterprise_id": None, "team_id": "T0ACME0001", "user_id": "U0BOT00001", "is_bot": True}
    outer = {"team_id": "T0OTHER001", "api_app_id": "A0EXAMPLE1", "event": event, "type": "event_callback"}
    return outer | {"event_id": "Ev07JQHFTAKH", "event_time": 1724955010, "authorizations": [authorization]} | more


def signed(body: bytes, secret: str = SECRET, at: float | None = None) -> Request:
    timestamp = str(int(time.time() if at is None else at))
    headers = {"x-slack-request-timestamp": timestamp, "x-slack-signature": signature(secret, timestamp, body)}
    return Request("POST", "https://hub.example.com/webhooks/slack/", headers, {}, body)


def heard(outer: Any) -> Reply | list[Envelope]:
    return receive(signed(json.dumps(outer).encode()), SECRETS)


def heard_event(event: Any, **more: Any) -> Envelope:
    envelopes = heard(envelope(event, **more))
    assert isinstance(envelopes, list)
    return envelopes[0]


# --- Signatures

VECTORS = [
    (
        "8f742231b10e8888abcd99yyyzzz85a5",
        1531420618,
        (
            b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
            b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
            b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
            b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
        ),
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    ),
    (
        "a1b2c3d4e5f60718293a4b5c6d7e8f90",
        1700000000,
        b'{"type":"url_verification","token":"legacy","challenge":"c-123"}',
        "v0=21798b145d0bc5ba3afbf62c6443d59085e63e939740fe966ad3d2fb33811b00",
    ),
]


@pytest.mark.parametrize(("secret", "at", "body", "proof"), VECTORS)
def test_a_known_signature_is_accepted(secret: str, at: int, body: bytes, proof: str) -> None:
    headers = {"x-slack-request-timestamp": str(at), "x-slack-signature": proof}
    prove(Request("POST", "", headers, {}, body), secret, at + TOLERANCE)


@pytest.mark.parametrize("late", [TOLERANCE + 1, -TOLERANCE - 1])
def test_a_signature_outside_the_tolerance_is_forged(late: float) -> None:
    now = 1_700_000_000
    with pytest.raises(Forged):
        prove(signed(b"{}", at=now), SECRET, now + late)


HEADERS = signed(b"{}").headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-slack-signature": HEADERS["x-slack-signature"]},
        {"x-slack-request-timestamp": HEADERS["x-slack-request-timestamp"]},
        {**HEADERS, "x-slack-request-timestamp": "soon"},
        {**HEADERS, "x-slack-request-timestamp": "٣"},
        {**HEADERS, "x-slack-request-timestamp": "9" * 5000},
        {**HEADERS, "x-slack-request-timestamp": "-1"},
        {**HEADERS, "x-slack-signature": ""},
        {**HEADERS, "x-slack-signature": "v0=é\udcff"},
        {**HEADERS, "x-slack-signature": HEADERS["x-slack-signature"].upper()},
    ],
)
def test_headers_that_prove_nothing_are_forged(headers: dict[str, str]) -> None:
    with pytest.raises(Forged):
        receive(Request("POST", "", headers, {}, b"{}"), SECRETS)


def test_a_changed_body_is_forged() -> None:
    with pytest.raises(Forged):
        receive(replace(signed(b'{"a":1}'), body=b'{"a":2}'), SECRETS)


def test_without_a_signing_secret_everything_is_forged() -> None:
    with pytest.raises(Forged):
        receive(signed(b"{}", secret=""), Slack.Secrets(""))


def test_the_secret_does_not_show() -> None:
    assert SECRET not in repr(SECRETS)


# --- Envelopes


def test_the_handshake_is_answered_with_its_challenge() -> None:
    reply = heard({"type": "url_verification", "token": "legacy", "challenge": "3eZbrw1a"})
    assert reply == Reply(b"3eZbrw1a")


def test_an_event_is_named_by_app_and_id_and_belongs_to_the_installation() -> None:
    found = heard_event(MESSAGE)
    assert (found.workspace, found.event_id) == ("T0ACME0001", "A0EXAMPLE1:Ev07JQHFTAKH")
    assert found.reference == Reference(Kind.POSTED, CHANNEL, TS, datetime(2022, 9, 23, 20, 53, 2, 46509, UTC))
    assert found.content == MESSAGE


@pytest.mark.parametrize("authorizations", [None, [], [{"team_id": None}], "x", [7]])
def test_without_an_authorization_the_event_s_own_team_counts(authorizations: Any) -> None:
    assert heard_event(MESSAGE, authorizations=authorizations).workspace == "T0OTHER001"


CHANGED = {"type": "message", "subtype": "message_changed", "channel": CHANNEL, "ts": "1665102362.013600"}
EDITED = {"ts": TS, "text": "new", "edited": {"user": "U0ALICE001", "ts": "1665102362.000000"}}


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (MESSAGE, Kind.POSTED),
        (MESSAGE | {"subtype": "me_message"}, Kind.POSTED),
        (MESSAGE | {"subtype": "bot_message"}, Kind.POSTED),
        (MESSAGE | {"subtype": "file_share"}, Kind.POSTED),
        (MESSAGE | {"subtype": "thread_broadcast"}, Kind.POSTED),
        (MESSAGE | {"type": "app_mention"}, Kind.OTHER),
        (MESSAGE | {"subtype": "channel_join"}, Kind.OTHER),
        (MESSAGE | {"subtype": "never_seen"}, Kind.OTHER),
        (MESSAGE | {"hidden": True}, Kind.OTHER),
        (CHANGED | {"message": EDITED}, Kind.EDITED),
        (CHANGED | {"message": {"ts": TS, "text": "unfurled"}}, Kind.OTHER),
        (CHANGED | {"message": {"ts": TS, "subtype": "tombstone"}}, Kind.DELETED),
        ({"type": "message", "subtype": "message_deleted", "channel": CHANNEL, "deleted_ts": TS}, Kind.DELETED),
        ({"type": "reaction_added", "item": {"type": "message", "channel": CHANNEL, "ts": TS}}, Kind.REACTION),
        ({"type": "reaction_removed", "item": {"type": "message", "channel": CHANNEL, "ts": TS}}, Kind.REACTION),
        ({"type": "reaction_added", "item": {"type": "file", "file": "F1"}}, Kind.OTHER),
        ({"type": "channel_rename", "channel": {"id": CHANNEL}}, Kind.OTHER),
        ({"type": "app_uninstalled"}, Kind.OTHER),
        (MESSAGE | {"type": ["message"]}, Kind.OTHER),
        (MESSAGE | {"subtype": ["bot_message"]}, Kind.OTHER),
    ],
)
def test_an_event_is_of_its_kind(event: dict[str, Any], kind: Kind) -> None:
    found = heard_event(event)
    assert found.reference.kind == kind
    assert (found.reference.message, found.reference.conversation) == (
        ("", "") if kind is Kind.OTHER else (TS, CHANNEL)
    )
    assert (found.content is None) == (kind is Kind.OTHER)


@pytest.mark.parametrize("kind", ["member_joined_channel", "member_left_channel"])
def test_joining_and_leaving_name_the_channel(kind: str) -> None:
    found = heard_event({"type": kind, "user": "U0BOB00001", "channel": CHANNEL, "channel_type": "C", "event_ts": TS})
    assert (found.reference.kind, found.reference.conversation) == (Kind.MEMBERSHIP, CHANNEL)


def test_lost_events_are_counted() -> None:
    outer = {"type": "app_rate_limited", "team_id": "T0ACME0001", "minute_rate_limited": 1518467820, "api_app_id": "A1"}
    [found] = heard(outer)
    assert (found.reference.kind, found.event_id) == (Kind.OTHER, "A1:app_rate_limited:1518467820")


@pytest.mark.parametrize(
    "outer",
    [
        7,
        [],
        {},
        {"type": "something"},
        {"type": ["event_callback"]},
        {"type": "url_verification"},
        {"type": "url_verification", "challenge": 7},
        envelope(None),
        envelope([]),
        envelope(MESSAGE | {"ts": None}),
        envelope(MESSAGE | {"ts": 1663966382.046509}),
        envelope(MESSAGE | {"ts": "9" * 400 + ".1"}),
        envelope(MESSAGE | {"channel": {"id": CHANNEL}}),
        envelope(MESSAGE | {"channel": "../C0GENERAL1"}),
        envelope(MESSAGE, event_id=None),
        envelope(MESSAGE, api_app_id=7),
        envelope(MESSAGE, authorizations=[], team_id=None),
        envelope(CHANGED),
        envelope({"type": "reaction_added"}),
    ],
)
def test_a_proven_body_that_says_nothing_is_malformed(outer: Any) -> None:
    with pytest.raises(Malformed):
        heard(outer)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"payload=%7B%7D", b"[" * 100_000, b'{"a":' * 100_000])
def test_a_proven_body_that_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        receive(signed(body), SECRETS)


# --- Hostile input

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from([TS, CHANNEL]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
GENUINE = [sample.data["content"] for sample in samples("heard") if sample.slug == "slack"]


@st.composite
def mutated(draw: st.DrawFn, genuine: st.SearchStrategy[Any]) -> Any:
    """Something genuine with one to three values replaced by anything, wherever they stand."""
    whole = json.loads(json.dumps(draw(genuine)))
    for _ in range(draw(st.integers(1, 3))):
        holder = whole
        while isinstance(holder, dict | list) and holder:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            key = draw(st.sampled_from(keys))
            if draw(st.booleans()) or not isinstance(holder[key], dict | list):
                holder[key] = draw(ANYTHING)
                break
            holder = holder[key]
    return whole


@patient
@given(st.binary(max_size=200))
def test_random_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        receive(signed(body), SECRETS)
    with pytest.raises(Forged):
        receive(replace(signed(b""), body=body or b"x"), SECRETS)


@patient
@given(mutated(st.sampled_from(GENUINE).map(envelope)))
def test_a_mutated_event_is_read_or_malformed(outer: Any) -> None:
    try:
        found = heard(outer)
    except Malformed:
        return
    assert isinstance(found, Reply | list)


@patient
@given(st.sampled_from(GENUINE), st.data())
def test_a_truncated_event_is_malformed(event: Any, data: st.DataObject) -> None:
    body = json.dumps(envelope(event)).encode()
    with pytest.raises(Malformed):
        receive(signed(body[: data.draw(st.integers(0, len(body) - 1))]), SECRETS)


@patient
@given(mutated(st.sampled_from(GENUINE)))
def test_a_mutated_message_is_read_or_malformed(content: Any) -> None:
    try:
        event = SLACK.parse(content, REFERENCE)
    except Malformed:
        return
    if isinstance(event, Posted):
        body = event.message.body
        assert body == document(body.blocks, body.degraded)
        plain(body).encode()
        SLACK.parts(Draft(CHANNEL, body, "n1"))


def test_half_an_emoji_does_not_travel_on() -> None:
    event = SLACK.parse(MESSAGE | {"text": "a\ud83d", "username": "b\udc00"}, REFERENCE)
    assert isinstance(event, Posted)
    assert (plain(event.message.body), event.message.author_name) == ("a?", "b?")


@pytest.mark.parametrize("part", ["*a ", "*a<", "_a~*", "<", "```", "&gt;", ":a", "`", "*<a|b>", "\n&gt;", "*_~"])
def test_a_text_that_nearly_is_markup_is_read_quickly(part: str) -> None:
    text = part * (40_000 // len(part))
    started = time.perf_counter()
    SLACK.parse(MESSAGE | {"text": text}, REFERENCE)
    assert time.perf_counter() - started < 5  # a tenth of a second on an idle machine


# --- What is said


def said(body: Document, nonce: str = "n1", byline: Byline | None = None) -> dict[str, Any]:
    return SLACK.render(Draft(CHANNEL, body, nonce, byline)).payload


def heard_back(payload: dict[str, Any]) -> Document:
    """What another Hub would read from our post."""
    event = SLACK.parse(MESSAGE | {"text": payload["text"], "blocks": payload["blocks"]}, REFERENCE)
    assert isinstance(event, Posted)
    return event.message.body


@patient
@given(nasty_lines)
def test_what_is_typed_stays_literal(text: str) -> None:
    body = document([Paragraph((Text(text),))])
    if body.blocks:
        assert heard_back(said(body)) == body


@patient
@given(nasty_text)
def test_code_stays_literal(text: str) -> None:
    body = document([CodeBlock(text.strip("\n"))])
    if body.blocks:
        assert heard_back(said(body)) == body


@patient
@given(documents())
def test_the_fallback_holds_no_token_that_nobody_meant(body: Document) -> None:
    assert "<" not in said(body)["text"]


@patient
@given(documents(), nasty_lines)
def test_a_name_cannot_be_anything_but_a_name(body: Document, name: str) -> None:
    payload = said(body, byline=Byline(name, "Teams", f"javascript:{name}"))
    assert payload["username"].endswith(" (Teams)")
    assert len(payload["username"]) <= 80
    assert "icon_url" not in payload


@patient
@given(documents(mention_ids=st.sampled_from(["U0ALICE001", "W0BOB00001"])))
def test_a_document_comes_back_as_it_was_said(body: Document) -> None:
    read = heard_back(said(body))
    assert read.blocks == as_slack_shows(body).blocks
    assert not read.degraded


def as_slack_shows(body: Document) -> Document:
    """Headings are bold, people from elsewhere are names, neighbouring lists and quotes may be one."""
    shown = map_inlines(body, _shown_inline)
    return document(_joined(map(_shown_block, shown.blocks)))


def _shown_inline(inline: Inline) -> Inline:
    if not isinstance(inline, Mention):
        return inline
    return Mention(inline.account, inline.account) if inline.account else Text(f"@{inline.name}")


def _shown_block(block: Block) -> Block:
    match block:
        case Heading(content):
            bold = (replace(i, style=i.style | Style.BOLD) if isinstance(i, Text | Link) else i for i in content)
            return Paragraph(tuple(bold))
        case Quote(blocks):
            return Quote(tuple(_joined(map(_shown_block, blocks))))
        case BulletList(items) | NumberedList(items):
            return replace(block, items=tuple(tuple(_joined(map(_shown_block, item))) for item in items))
    return block


def _joined(blocks: Iterator[Block]) -> list[Block]:
    joined: list[Block] = []
    for block in blocks:
        match joined[-1] if joined else None, block:
            case BulletList(before), BulletList(items):
                joined[-1] = BulletList(before + items)
            case NumberedList(before, first), NumberedList(items, start) if start == first + len(before):
                joined[-1] = NumberedList(before + items, first)
            case Quote(before), Quote(inner) if not (
                isinstance(before[-1], Paragraph) and isinstance(inner[0], Paragraph)
            ):
                joined[-1] = Quote(tuple(_joined(iter(before + inner))))
            case _:
                joined.append(block)
    return joined


def test_only_people_can_be_rung() -> None:
    accounts = ["U0BOB00001", "B0BOT00001", "C0GENERAL1>", "", None]
    body = Document((Paragraph(tuple(Mention("Bob", AccountId(a) if a is not None else None) for a in accounts)),))
    payload = said(body)
    assert payload["text"] == "<@U0BOB00001>@Bob@Bob@Bob@Bob"
    [section] = payload["blocks"][0]["elements"]
    assert [element["type"] for element in section["elements"]] == ["user", "text"]


# --- Long messages


@patient
@given(st.lists(documents(), min_size=1, max_size=3), st.integers(1, 6))
def test_a_long_message_is_split_and_nothing_is_lost(bodies: list[Document], times: int) -> None:
    body = document([block for made in bodies for block in made.blocks] * times)
    parts = SLACK.parts(Draft(CHANNEL, body, "n1"))
    assert all(part.size == len(part.payload["text"]) <= LONGEST_TEXT for part in parts)
    assert [part.nonce for part in parts] == [f"n1.{number:02}" for number in range(len(parts))]
    assert _content("".join(map(_words, parts))) == _content(_words(SLACK.render(Draft(CHANNEL, body, "n1"))))


def _words(part: Any) -> str:
    texts = ("".join(_texts(element)) for block in part.payload["blocks"] for element in block["elements"])
    return "".join(texts)


def _texts(element: dict[str, Any]) -> Iterator[str]:
    if "elements" in element:
        for inner in element["elements"]:
            yield from _texts(inner)
    else:
        yield str(element.get("text") or element.get("url") or element.get("name") or element.get("user_id"))


def _content(text: str) -> str:
    return "".join(text.split())


def test_a_long_code_block_becomes_several() -> None:
    code = "\n".join(f"line {number} < {number + 1}" for number in range(1000))
    parts = SLACK.parts(Draft(CHANNEL, document([CodeBlock(code, "python")]), "n1"))
    read = [heard_back(part.payload).blocks for part in parts]
    assert all(isinstance(block, CodeBlock) and block.language == "python" for (block,) in read)
    assert "\n".join(block.text for (block,) in read if isinstance(block, CodeBlock)) == code


def test_an_emoji_is_never_cut() -> None:
    family = "👩‍👩‍👧‍👦"
    parts = SLACK.parts(Draft(CHANNEL, document([Paragraph((Text(family * 2000),))]), "n1"))
    assert len(parts) > 1
    for part in parts:
        assert set(clusters(plain(heard_back(part.payload)))) == {family}


def test_escaping_counts() -> None:
    body = document([Paragraph((Text("<" * 1000),))])
    assert len(SLACK.parts(Draft(CHANNEL, body, "n1"))) == 2
    assert all(len(plain(heard_back(p.payload))) < 1000 for p in SLACK.parts(Draft(CHANNEL, body, "n1")))


# --- Small promises


def test_our_own_posts_come_back_under_two_ids() -> None:
    assert SLACK.own_accounts == {"U0BOT00001", "B0BOT00001"}
    assert Slack(replace(CREDENTIALS, extra={})).own_accounts == {"U0BOT00001"}


def test_a_message_without_author_or_time_cannot_be_placed() -> None:
    for broken in ({"user": None}, {"ts": "yesterday"}):
        with pytest.raises(Malformed):
            SLACK.parse(MESSAGE | broken, REFERENCE)


def test_slackbot_s_reminders_do_not_cross() -> None:
    assert not isinstance(SLACK.parse(MESSAGE | {"user": "USLACKBOT"}, REFERENCE), Posted)


def test_no_text_is_lost_between_styles() -> None:
    pieces = [{"type": "text", "text": word, "style": {"bold": True}} for word in ("a\n", "\nb")]
    block = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": pieces}]}
    event = SLACK.parse(MESSAGE | {"blocks": [block]}, REFERENCE)
    assert isinstance(event, Posted)
    assert [len(list(inlines([block]))) for block in event.message.body.blocks] == [1, 1]
    assert all(isinstance(before, Paragraph) for before, _ in pairwise(event.message.body.blocks))
