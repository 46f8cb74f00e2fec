"""Slack: what is heard, what is said, and that nobody can make us hear or say anything else."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Credentials, Envelope, Reply, Request
from connectors.errors import Forged, Malformed
from connectors.messages import (
    AccountId,
    Byline,
    Commanded,
    ConversationId,
    Draft,
    Edited,
    Kind,
    MessageId,
    Noticed,
    Posted,
    Reaction,
    Reference,
    Skipped,
    Stands,
    WorkspaceId,
)
from connectors.richtext import (
    RULE,
    Block,
    Broadcast,
    BulletList,
    ChannelMention,
    CodeBlock,
    Document,
    Heading,
    Inline,
    Link,
    Mention,
    NumberedList,
    Paragraph,
    Quote,
    Rule,
    Style,
    Table,
    Text,
    document,
    inlines,
    map_inlines,
    plain,
    plain_inline,
)
from connectors.slack.connector import LONGEST_TEXT, Slack
from connectors.slack.plain_text import grid
from connectors.slack.reactions import emoji_of, name_of
from connectors.slack.render import MOST_BLOCKS, attributed
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


def test_an_event_is_named_by_app_and_message_and_belongs_to_the_installation() -> None:
    found = heard_event(MESSAGE)
    assert (found.workspace, found.event_id) == ("T0ACME0001", f"A0EXAMPLE1:{CHANNEL}:{TS}:posted")
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
        ({"type": "reaction_added", "item": {"type": "message", "channel": CHANNEL, "ts": TS}}, Kind.REACTED),
        ({"type": "reaction_removed", "item": {"type": "message", "channel": CHANNEL, "ts": TS}}, Kind.UNREACTED),
        ({"type": "reaction_added", "item": {"type": "file", "file": "F1"}}, Kind.OTHER),
        ({"type": "message", "hidden": True, "message": EDITED, "channel": CHANNEL, "ts": TS}, Kind.OTHER),
        ({"type": "channel_shared", "channel": CHANNEL}, Kind.OTHER),
        (MESSAGE | {"subtype": "huddle_thread"}, Kind.POSTED),
        (MESSAGE | {"text": "<@U0BOT00001> help"}, Kind.COMMAND),
        (MESSAGE | {"text": " <@U0BOT00001|mio>"}, Kind.COMMAND),
        (MESSAGE | {"text": "ask <@U0BOT00001>"}, Kind.POSTED),
        (MESSAGE | {"text": "<@U0BOT000012> hi"}, Kind.POSTED),
        (MESSAGE | {"text": "<@U0BOT00001> hi", "user": "U0BOT00001"}, Kind.POSTED),
        (MESSAGE | {"text": "<@U0BOT00001> hi", "user": None, "subtype": "bot_message"}, Kind.POSTED),
        (MESSAGE | {"type": "app_mention", "text": "<@U0BOT00001> help"}, Kind.COMMAND),
        (MESSAGE | {"type": "app_mention", "text": "<@U0BOT00001> help", "edited": {}}, Kind.OTHER),
        (MESSAGE | {"type": "app_mention", "text": "ask <@U0BOT00001>"}, Kind.OTHER),
        ({"type": "app_uninstalled"}, Kind.REVOKED),
        ({"type": "tokens_revoked", "tokens": {"oauth": ["U0ALICE001"], "bot": ["U0BOT00001"]}}, Kind.REVOKED),
        ({"type": "tokens_revoked", "tokens": {"oauth": ["U0ALICE001"]}}, Kind.OTHER),
        (MESSAGE | {"channel_type": "im"}, Kind.COMMAND),
        (MESSAGE | {"channel_type": "im", "user": "U0BOT00001"}, Kind.POSTED),
        (MESSAGE | {"channel_type": "im", "user": "USLACKBOT"}, Kind.POSTED),
        (MESSAGE | {"channel_type": "im", "edited": {}}, Kind.POSTED),
        (MESSAGE | {"channel_type": "im", "subtype": "file_share"}, Kind.POSTED),
        (MESSAGE | {"channel_type": "mpim"}, Kind.POSTED),
        (MESSAGE | {"channel_type": "mpim", "text": "<@U0BOT00001> help"}, Kind.COMMAND),
        (MESSAGE | {"type": ["message"]}, Kind.OTHER),
        (MESSAGE | {"subtype": ["bot_message"]}, Kind.OTHER),
    ],
)
def test_an_event_is_of_its_kind(event: dict[str, Any], kind: Kind) -> None:
    found = heard_event(event)
    assert found.reference.kind == kind
    assert (found.reference.message, found.reference.conversation) == (
        ("", "") if kind in (Kind.OTHER, Kind.REVOKED) else (TS, CHANNEL)
    )
    assert (found.content is None) == (kind in (Kind.OTHER, Kind.REVOKED))


@pytest.mark.parametrize(
    "event",
    [
        {"type": "member_joined_channel", "user": "U0BOB00001", "channel": CHANNEL, "channel_type": "C"},
        {"type": "member_left_channel", "user": "U0BOB00001", "channel": CHANNEL, "channel_type": "C"},
        {"type": "message", "subtype": "channel_name", "channel": CHANNEL, "ts": TS, "name": "new"},
        {"type": "message", "subtype": "group_name", "channel": CHANNEL, "ts": TS, "name": "new"},
        {"type": "channel_archive", "channel": CHANNEL, "user": "U0BOB00001"},
        {"type": "group_unarchive", "channel": CHANNEL, "actor_id": "U0BOB00001"},
        {"type": "message", "subtype": "channel_topic", "channel": CHANNEL, "ts": TS, "topic": "tea"},
    ],
)
def test_a_notice_names_the_channel(event: dict[str, Any]) -> None:
    found = heard_event(event | {"event_ts": TS})
    assert (found.reference.kind, found.reference.conversation, found.reference.message) == (Kind.NOTICE, CHANNEL, "")
    assert isinstance(SLACK.parse(found.content or {}, found.reference), Noticed)


@pytest.mark.parametrize(
    ("event", "conversation", "account"),
    [
        ({"type": "team_join", "user": {"id": "U0NEW"}}, "", "U0NEW"),
        ({"type": "user_change", "user": {"id": "U0BOB00001", "deleted": True}}, "", "U0BOB00001"),
        ({"type": "channel_created", "channel": {"id": CHANNEL}}, CHANNEL, ""),
        ({"type": "channel_rename", "channel": {"id": CHANNEL, "name": "new"}}, CHANNEL, ""),
        ({"type": "group_rename", "channel": {"id": CHANNEL, "name": "new"}}, CHANNEL, ""),
        ({"type": "channel_deleted", "channel": CHANNEL, "actor_id": "U0BOB00001"}, CHANNEL, ""),
        ({"type": "group_deleted", "channel": CHANNEL, "date_deleted": 1}, CHANNEL, ""),
        ({"type": "channel_id_changed", "old_channel_id": CHANNEL, "new_channel_id": "C0NEW"}, CHANNEL, ""),
        ({"type": "channel_left", "channel": CHANNEL, "actor_id": "U0BOB00001"}, CHANNEL, "U0BOT00001"),
        ({"type": "group_left", "channel": CHANNEL}, CHANNEL, "U0BOT00001"),
        (MESSAGE | {"subtype": "channel_convert_to_private"}, CHANNEL, ""),
    ],
)
def test_news_of_the_directory_names_whom_and_where_and_nothing_else(
    event: dict[str, Any], conversation: str, account: str
) -> None:
    found = heard_event(event | {"event_ts": TS})
    assert found.reference == Reference(Kind.DIRECTORY, conversation, account, found.reference.occurred_at)  # type: ignore[arg-type]
    assert found.content is None
    assert found.reference.occurred_at is not None


@pytest.mark.parametrize("wrong", [None, "", "bob@acme.example", 7, {}, {"id": None}, {"id": ""}, {"id": [CHANNEL]}])
@pytest.mark.parametrize("kind", ["team_join", "user_change", "channel_created", "channel_deleted", "channel_left"])
def test_news_of_nobody_and_nowhere_is_malformed(kind: str, wrong: Any) -> None:
    with pytest.raises(Malformed):
        heard_event({"type": kind, "user": wrong, "channel": wrong})


def test_a_pressed_button_is_acknowledged_and_asks_nothing() -> None:
    assert typed_command({"payload": '{"type": "block_actions"}'}) == Reply(b"")


def test_repeats_share_an_id_and_nothing_else_does() -> None:
    item = {"type": "message", "channel": CHANNEL, "ts": TS}
    reaction = {"type": "reaction_added", "user": "U0ALICE001", "reaction": "+1", "item": item, "event_ts": "2.000001"}
    events: list[dict[str, Any]] = [
        MESSAGE,
        CHANGED | {"message": EDITED, "event_ts": "1665102362.013600"},
        CHANGED | {"message": EDITED, "event_ts": "1665102362.999999"},
        {"type": "message", "subtype": "message_deleted", "channel": CHANNEL, "deleted_ts": TS, "event_ts": "2.000002"},
        reaction,
        reaction | {"event_ts": "3.000001"},
        reaction | {"reaction": "tada"},
        reaction | {"user": "U0BOB00001"},
        reaction | {"type": "reaction_removed"},
    ]
    first = [heard_event(event, event_id="Ev1").event_id for event in events]
    again = [heard_event(event, event_id="Ev2").event_id for event in events]
    assert first == again
    assert len(set(first)) == len(events)


def test_both_tellings_of_a_mention_are_one_event() -> None:
    said = MESSAGE | {"text": "<@U0BOT00001> help"}
    assert heard_event(said).event_id == heard_event(said | {"type": "app_mention"}, event_id="Ev2").event_id


def test_without_a_bot_of_ours_nobody_is_asked() -> None:
    person = [{"team_id": "T0ACME0001", "user_id": "U0BOT00001", "is_bot": False}]
    found = heard_event(MESSAGE | {"text": "<@U0BOT00001> help"}, authorizations=person)
    assert found.reference.kind is Kind.POSTED


# --- Slash commands

FORM = {
    "team_id": "T0ACME0001", "channel_id": CHANNEL, "user_id": "U0ALICE001", "command": "/mio", "text": "members please",
    "api_app_id": "A0EXAMPLE1", "response_url": "https://hooks.slack.com/commands/T0ACME0001/1/abc", "trigger_id": "1.2.a",
}  # fmt: skip


def typed_command(fields: dict[str, str]) -> Reply | list[Envelope]:
    request = signed(urlencode(fields).encode())
    headers = {**request.headers, "content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    return receive(replace(request, headers=headers), SECRETS)


def test_a_slash_command_is_a_command() -> None:
    [found] = typed_command(FORM)
    assert (found.workspace, found.event_id) == ("T0ACME0001", "A0EXAMPLE1:command:1.2.a")
    assert found.reference == Reference(Kind.COMMAND, CHANNEL, MessageId(""))
    event = SLACK.parse(found.content or {}, found.reference)
    assert event == Commanded(AccountId("U0ALICE001"), "members please", FORM["response_url"])
    assert "hooks" not in repr(event)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://hooks.slack.com/commands/x",
        "https://hooks.slack.com.evil.example/x",
        "https://evil.example/hooks.slack.com",
        "https://hooks.slack.com@evil.example/x",
        "https://hooks.slack.com:8443/x",
        "https://[",
    ],
)
def test_only_slack_is_answered(url: str) -> None:
    [found] = typed_command(FORM | {"response_url": url})
    event = SLACK.parse(found.content or {}, found.reference)
    assert isinstance(event, Commanded)
    assert event.handle == ""


def test_slack_s_look_at_our_certificate_has_no_effect() -> None:
    assert typed_command({"ssl_check": "1", "token": "legacy"}) == Reply(b"")


@pytest.mark.parametrize("key", ["team_id", "channel_id", "user_id", "api_app_id", "trigger_id"])
def test_a_command_without_its_place_is_malformed(key: str) -> None:
    for broken in ("", "../x y", "x" * 400):
        if (key, broken) == ("trigger_id", "../x y"):
            continue
        with pytest.raises(Malformed):
            typed_command(FORM | {key: broken})


@patient
@given(st.binary(max_size=200))
def test_a_form_of_random_bytes_is_malformed(body: bytes) -> None:
    request = signed(body)
    headers = {**request.headers, "content-type": "application/x-www-form-urlencoded"}
    with pytest.raises(Malformed):
        receive(replace(request, headers=headers), SECRETS)


def test_an_endless_form_is_malformed() -> None:
    with pytest.raises(Malformed):
        typed_command(FORM | {f"x{number}": "y" for number in range(200)})


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
        envelope({"type": "channel_archive", "channel": {"id": 7}}),
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
@given(documents(broadcast=False))
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
    """What Slack has no form for: most headings are bold, and tables code, unless one is all that ends the message;
    people and channels from elsewhere are names, neighbouring lists and quotes may be one."""
    tables = sum(isinstance(block, Table) for block in body.blocks)
    shown = [_shown_at_top(block, tables == 1 and block is body.blocks[-1]) for block in body.blocks]
    named = map_inlines(Document(tuple(shown)), _shown_inline)
    return document(_joined(iter(document(named.blocks).blocks)))


def _shown_at_top(block: Block, may_be_table: bool) -> Block:
    match block:
        case Heading((Text(text, Style.PLAIN),), level) if (
            level <= 2 and len(text) <= 150 and not set(text) & set("&<>")
        ):
            return Heading(block.content)
        case Table():
            return replace(block, header=True) if may_be_table else CodeBlock(grid(block))
    return _shown_block(block)


def _shown_inline(inline: Inline) -> Inline:
    if isinstance(inline, ChannelMention):
        return Text(f"#{inline.name}")
    if not isinstance(inline, Mention):
        return inline
    return Mention(inline.account, inline.account) if inline.account else Text(f"@{inline.name}")


def _shown_block(block: Block) -> Block:
    match block:
        case Heading(content):
            return Paragraph(tuple(_bold(inline) for inline in content))
        case Quote(blocks):
            return Quote(tuple(_joined(map(_shown_block, blocks))))
        case BulletList(items) | NumberedList(items):
            return replace(block, items=tuple(tuple(_joined(map(_shown_block, item))) for item in items))
    return block


def _bold(inline: Inline) -> Inline:
    if isinstance(inline, Text | Link):
        return replace(inline, style=inline.style | Style.BOLD)
    named = isinstance(inline, ChannelMention) or (isinstance(inline, Mention) and not inline.account)
    return Text(plain_inline(inline), Style.BOLD) if named else inline


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
@given(st.lists(documents(tables=False), min_size=1, max_size=3), st.integers(1, 6))
def test_a_long_message_is_split_and_nothing_is_lost(bodies: list[Document], times: int) -> None:
    body = document([block for made in bodies for block in made.blocks] * times)
    parts = SLACK.parts(Draft(CHANNEL, body, "n1"))
    assert all(part.size == len(part.payload["text"]) <= LONGEST_TEXT for part in parts)
    assert [part.nonce for part in parts] == [f"n1.{number:02}" for number in range(len(parts))]
    assert _content("".join(map(_words, parts))) == _content(_words(SLACK.render(Draft(CHANNEL, body, "n1"))))


def _words(part: Any) -> str:
    return "".join("".join(_texts(block)) for block in part.payload["blocks"])


def _texts(element: dict[str, Any]) -> Iterator[str]:
    if element["type"] == "divider":
        return
    if element["type"] == "header":
        yield element["text"]["text"]
    elif "elements" in element:
        for inner in element["elements"]:
            yield from _texts(inner)
    else:
        keys = ("text", "url", "name", "user_id", "range")
        yield next(str(element[key]) for key in keys if element.get(key))


def _content(text: str) -> str:
    return "".join(text.replace(RULE, "").split())


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


# --- What happens to messages


def seen(content: dict[str, Any], kind: Kind = Kind.POSTED) -> Any:
    return SLACK.parse(content, Reference(kind, CHANNEL, TS))


def test_an_edit_is_the_whole_message_and_when_it_was_made() -> None:
    inner = MESSAGE | {"text": "new", "edited": {"user": "U0ALICE001", "ts": "1665102362.000000"}}
    event = seen(CHANGED | {"message": inner}, Kind.EDITED)
    assert isinstance(event, Edited)
    assert (plain(event.message.body), event.message.sent_at) == ("new", datetime(2022, 9, 23, 20, 53, 2, 46509, UTC))
    assert event.message.edited_at == datetime(2022, 10, 7, 0, 26, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event_ts", "microsecond"),
    [("1665102362.013600", 13600), ("1665102363.000001", 0), ("1665102361.999999", 0), (None, 0), ("soon", 0)],
)
def test_edits_within_one_second_are_told_apart_and_previews_after_it_are_no_newer(
    event_ts: Any, microsecond: int
) -> None:
    inner = MESSAGE | {"edited": {"user": "U0ALICE001", "ts": "1665102362.000000"}}
    event = seen(CHANGED | {"message": inner, "event_ts": event_ts}, Kind.EDITED)
    assert event.message.edited_at == datetime(2022, 10, 7, 0, 26, 2, microsecond, tzinfo=UTC)


@pytest.mark.parametrize("edited", [None, {}, {"ts": None}, "soon", 7])
def test_a_change_that_nobody_made_is_no_edit(edited: Any) -> None:
    assert isinstance(seen(CHANGED | {"message": MESSAGE | {"edited": edited}}), Skipped)


def test_a_fetched_message_tells_everybody_who_reacted() -> None:
    reactions = [
        {"name": "+1", "users": ["U0ALICE001", "U0BOB00001"], "count": 2},
        {"name": "wave::skin-tone-3", "users": ["U0BOB00001"], "count": 1},
        {"name": "party_parrot", "users": ["U0BOB00001", None, "<x>"], "count": 3},
        {"name": None, "users": ["U0BOB00001"]},
        "x",
    ]
    for kind in (Kind.EDITED, Kind.REACTED, Kind.UNREACTED, Kind.CHANGED):
        event = seen(MESSAGE | {"reactions": reactions}, kind)
        assert isinstance(event, Stands)
        assert event.reactions == {
            Reaction(AccountId("U0ALICE001"), "👍"),
            Reaction(AccountId("U0BOB00001"), "👍"),
            Reaction(AccountId("U0BOB00001"), "👋🏼"),
            Reaction(AccountId("U0BOB00001"), ":party_parrot:"),
        }


@pytest.mark.parametrize("emoji", ["👍", "👍🏽", "👋🏼", "❤️", "🇫🇷", "👩‍👩‍👧‍👦", "🤝🏻", "☺️", "#️⃣", ":party_parrot:"])
def test_a_reaction_keeps_its_looks_on_the_way_in_and_out(emoji: str) -> None:
    name = name_of(emoji)
    assert name is not None
    assert name.isascii()
    assert emoji_of(name).replace("\ufe0f", "") == emoji.replace("\ufe0f", "")


@pytest.mark.parametrize("emoji", ["x", "", "::", "👍👍", "hello 👍"])
def test_what_is_no_emoji_has_no_name(emoji: str) -> None:
    assert name_of(emoji) is None


def test_a_reply_is_said_in_its_thread() -> None:
    draft = Draft(CHANNEL, document([Paragraph((Text("yes"),))]), "n1", thread=MessageId("1.000100"))
    assert SLACK.render(draft).payload["thread_ts"] == "1.000100"
    assert "thread_ts" not in SLACK.render(replace(draft, thread=None)).payload


def test_everybody_is_called_only_where_it_is_meant() -> None:
    names = ("here", "channel", "all", "everyone", "<!here>")
    payload = said(Document((Paragraph(tuple(Broadcast(name) for name in names)),)))
    assert payload["text"] == "<!here><!channel><!everyone>@everyone@&lt;!here&gt;"
    [section] = payload["blocks"][0]["elements"]
    assert [element.get("range") for element in section["elements"]] == ["here", "channel", "everyone", None]


# --- Tables, rules and headings


def test_a_long_table_is_split_and_nothing_is_lost() -> None:
    rows = tuple(
        ((Text(f"row {n}"),), (Text("x" * 100),), (Link(f"https://example.com/{n}", "link"),)) for n in range(99)
    )
    parts = SLACK.parts(Draft(CHANNEL, Document((Table(rows),)), "n1"))
    assert len(parts) > 1
    read = [row for part in parts for block in heard_back(part.payload).blocks for row in getattr(block, "rows", ())]
    assert tuple(read) == rows


def test_more_rules_than_slack_takes_blocks_are_lines_of_dashes() -> None:
    body = Document((Paragraph((Text("x"),)), Rule()) * 30)
    assert len(said(body)["blocks"]) == 1
    assert plain(heard_back(said(body))).count(RULE) == 30
    assert len(said(Document(body.blocks[: MOST_BLOCKS - 1]))["blocks"]) == MOST_BLOCKS - 1


def test_a_table_in_a_text_is_set_like_code() -> None:
    rows = (((Text("name"),), (Text("n"),)), ((Text("Ann"),), ()), ((Text("Bartholomew"),), (Text("2"),)))
    body = Document((Table(rows), Paragraph((Text("after"),))))
    assert heard_back(said(body)).blocks[0] == CodeBlock(
        "name        | n\n------------+--\nAnn         |\nBartholomew | 2"
    )


@patient
@given(documents(), st.sampled_from(["Ann Moreau (Teams)", "<!here> (Zoom)", "&" * 70 + " (Webex)"]))
def test_an_edit_that_lost_its_name_says_it_first(body: Document, name: str) -> None:
    payload = attributed(said(body) | {"username": name})
    assert len(payload["text"]) <= 4_000
    first = heard_back(payload).blocks[0]
    assert isinstance(first, Paragraph)
    assert first.content[0] == Text(f"{name}:", Style.BOLD) or plain(Document((first,))).startswith(f"{name}:")
    assert len(payload["blocks"]) <= 50
