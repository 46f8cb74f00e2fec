"""Zoom: proof of webhooks, reading, writing."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Credentials, Envelope, Reply, Request
from connectors.errors import Forged, Malformed, NotSupported
from connectors.messages import (
    AccountId,
    Byline,
    Commanded,
    ConversationId,
    Deleted,
    Draft,
    Edited,
    Event,
    Kind,
    MessageId,
    Noticed,
    Posted,
    Reacted,
    Reference,
    Skipped,
    Stands,
    Unreacted,
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
    Emoji,
    Heading,
    Inline,
    LineBreak,
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
)
from connectors.zoom import ids, reactions, webhook
from connectors.zoom.connector import LONGEST_MESSAGE, Secrets, Zoom
from connectors.zoom.flat import flat
from connectors.zoom.spans import units
from tests.connectors.documents import documents, nasty_lines, nasty_text, patient
from tests.connectors.samples import samples

SECRETS = Secrets("miohub-zoom-secret")
ACCOUNT = "kT3vXzQnR7u0aBcDeFgHiJ"
CHANNEL = ConversationId("5d0c3b7e9a1f4c62b8d4e7f09a2c6b13")
MIRA = "pL9wQ2xYTzGmB4nC7dE1fA"
MESSAGE = MessageId("3F6C1E52-9B7A-4D08-A1C4-6E2F90B7D35A")
POSTED = Reference(Kind.POSTED, CHANNEL, MESSAGE)
zoom = Zoom(Credentials(WorkspaceId(ACCOUNT), AccountId("service"), {}))


def signed(body: bytes, at: float | None = None, secret: str = SECRETS.webhook_secret_token) -> Request:
    timestamp = str(int(time.time() if at is None else at))
    headers = {
        "x-zm-request-timestamp": timestamp,
        "x-zm-signature": webhook.signature(secret, timestamp, body),
        "x-zm-request-id": "r1",
    }
    return Request("POST", "https://hub.example.com/webhooks/zoom/", headers, {}, body)


def event(name: str, item: dict[str, Any], **payload: Any) -> dict[str, Any]:
    around = {"account_id": ACCOUNT, "operator": "mira@acme.example", "operator_id": MIRA}
    return {"event": name, "event_ts": 1767225600123, "payload": around | payload | {"object": item}}


def team_chat(**more: Any) -> dict[str, Any]:
    return {"message_id": MESSAGE, "channel_id": CHANNEL, "channel_owner_account_id": ACCOUNT, "message": "hi"} | more


def heard(body: dict[str, Any]) -> Envelope:
    envelopes = Zoom.receive(signed(json.dumps(body).encode()), SECRETS)
    assert isinstance(envelopes, list)
    return envelopes[0]


def read(**content: Any) -> Document:
    said = zoom.parse(content, POSTED)
    assert isinstance(said, Posted)
    return said.message.body


def draft(body: Document, byline: Byline | None = None) -> Draft:
    return Draft(CHANNEL, body, "n", byline)


# --- Webhooks


def test_the_signature_of_the_reference_is_reproduced() -> None:
    body = (
        '{"event":"chat_message.sent","event_ts":1767225600123,'
        '"payload":{"account_id":"kT3vXzQnR7u0aBcDeFgHiJ","object":{"message":"Grüße ✓"}}}'
    ).encode()
    expected = "v0=22aa797aaf3f00e00b83892720e45db7a9cfd5f3481692e8c3ddd2bc53c782b0"
    assert webhook.signature(SECRETS.webhook_secret_token, "1767225601", body) == expected


def test_the_handshake_of_the_reference_is_answered() -> None:
    token = {"plainToken": "p1a1nT0kenExample00000"}
    reply = Zoom.receive(signed(json.dumps({"event": "endpoint.url_validation", "payload": token}).encode()), SECRETS)
    assert isinstance(reply, Reply)
    encrypted = "cd8066079b2fe7fa4396ad745d89c7c771c1d5fdb712f1d569e0596143d38ff0"
    assert json.loads(reply.body) == token | {"encryptedToken": encrypted}
    assert reply.content_type == "application/json"


def test_a_handshake_is_proven_before_it_is_answered() -> None:
    body = json.dumps({"event": "endpoint.url_validation", "payload": {"plainToken": "x"}}).encode()
    with pytest.raises(Forged):
        Zoom.receive(signed(body, secret="another"), SECRETS)


@pytest.mark.parametrize("late", [-webhook.TOLERANCE - 2, webhook.TOLERANCE + 2])
def test_an_old_or_early_request_is_forged(late: float) -> None:
    with pytest.raises(Forged):
        Zoom.receive(signed(b"{}", time.time() + late), SECRETS)


@pytest.mark.parametrize("timestamp", ["", "x", "-1", "1e9", "nan", "٣", "9" * 40])
def test_a_timestamp_that_is_no_number_is_forged(timestamp: str) -> None:
    request = signed(b"{}")
    with pytest.raises(Forged):
        Zoom.receive(replace(request, headers=dict(request.headers) | {"x-zm-request-timestamp": timestamp}), SECRETS)


def test_nothing_is_proven_with_an_empty_secret() -> None:
    with pytest.raises(Forged):
        Zoom.receive(signed(b"{}", secret=""), Secrets(""))


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\xff", b"[]", b"{}", b'{"event":1}', b"[" * 200_000, b'{"event":"chat_message.sent"}', b"1" * 5000),
        json.dumps(event("chat_message.sent", {"id": "1"})).encode(),
        json.dumps(event("team_chat.channel_message_posted", {"channel_id": "1"})).encode(),
        b'{"event":"endpoint.url_validation","payload":{"plainToken":7}}',
    ],
)
def test_a_proven_body_that_cannot_be_read_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        Zoom.receive(signed(body), SECRETS)


GENUINE = json.dumps(event("team_chat.channel_message_posted", team_chat())).encode()
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ["message", "timestamp", "date_time", "rich_text", "at_items", "files", "operator_id", "parent_msg_id"]
FIELDS += ["bot_message", "interactive_cards", "message_type", "file_name", "sender_display_name", "channel_id", "id"]
positions = st.integers(-5, 2000) | st.none() | st.text(max_size=3)
spans = st.lists(
    st.fixed_dictionaries(
        {"start_position": positions, "end_position": positions},
        optional={
            "format_type": st.sampled_from(["Bold", "Quote", "BulletedList", "NumberedList", "AddLink", "Paragraph"])
            | junk,
            "format_attr": st.sampled_from(["", "h1", "https://e.example"]) | junk,
            "at_type": junk,
            "at_contact": junk,
        },
    ),
    max_size=8,
)


@given(st.binary(max_size=200))
def test_any_bytes_are_either_heard_or_refused_by_name(body: bytes) -> None:
    with pytest.raises((Forged, Malformed)):
        Zoom.receive(signed(body), SECRETS)


@given(st.integers(0, len(GENUINE) - 1), st.binary(max_size=3))
def test_a_mutated_body_is_either_heard_or_malformed(at: int, patch: bytes) -> None:
    body = GENUINE[:at] + patch + GENUINE[at + 1 :]
    try:
        Zoom.receive(signed(body), SECRETS)
    except Malformed:
        return


@given(
    st.sampled_from([*webhook.KINDS, webhook.SLASH_COMMAND, "endpoint.url_validation", "other"]),
    junk,
    junk,
    st.dictionaries(st.sampled_from([*FIELDS, "type"]), junk),
)
def test_wrong_types_anywhere_are_either_heard_or_malformed(name: str, ts: Any, payload: Any, item: Any) -> None:
    for body in ({"event": name, "event_ts": ts, "payload": payload}, event(name, item, operator_id=ts)):
        try:
            got = Zoom.receive(signed(json.dumps(body).encode()), SECRETS)
        except Malformed:
            continue
        assert isinstance(got, Reply) or zoom.parse(got[0].content or {}, got[0].reference)


@given(st.dictionaries(st.sampled_from(FIELDS), junk), nasty_text, spans, spans)
def test_parse_reads_any_content(content: dict[str, Any], text: str, rich_text: Any, at_items: Any) -> None:
    zoom.parse(content, POSTED)
    body = read(message="x" + text, rich_text=rich_text, at_items=at_items)
    assert body == document(body.blocks, body.degraded)


HEARD = [sample.data for sample in samples("heard") if sample.slug == "zoom" and len(str(sample.data)) < 10_000]
EVENTS = {
    "posted": "team_chat.channel_message_posted",
    "edited": "team_chat.channel_message_updated",
    "deleted": "team_chat.channel_message_deleted",
    "reacted": "team_chat.channel_reaction_added",
    "unreacted": "team_chat.channel_reaction_removed",
    "changed": "team_chat.channel_message_updated",
    "command": "team_chat.app_mention",
    "notice": "chat_channel.updated",
}


def mutated(value: Any, draw: Any) -> Any:
    """``value`` with some of its inside left out or put in place by junk."""
    chance = draw(st.integers(0, 11))
    if chance == 0:
        return draw(junk)
    if isinstance(value, dict):
        return {key: mutated(inner, draw) for key, inner in value.items() if draw(st.integers(0, 15))}
    if isinstance(value, list):
        return [mutated(inner, draw) for inner in value] * draw(st.integers(1, 2))
    if isinstance(value, str) and chance == 1:
        return value[: draw(st.integers(0, len(value)))] + draw(nasty_text)
    return value


@given(st.data())
def test_mutated_samples_are_heard_or_malformed_and_read(data: Any) -> None:
    sample = data.draw(st.sampled_from(HEARD))
    content = mutated(sample["content"], data.draw)
    content = content if isinstance(content, dict) else {}
    kind = data.draw(st.sampled_from([Kind(sample["reference"]["kind"]), *Kind]))
    zoom.parse(content, Reference(kind, CHANNEL, MESSAGE))
    name = str(content.get("event") or EVENTS[sample["reference"]["kind"]])
    payload = content if "cmd" in content else {"account_id": ACCOUNT, "object": content} | content
    body = json.dumps({"event": name, "event_ts": 1767225600123, "payload": payload})
    try:
        got = Zoom.receive(signed(body.encode(errors="replace")), SECRETS)
    except Malformed:
        return
    for envelope in got if isinstance(got, list) else ():
        texts = (envelope.workspace, envelope.event_id, envelope.reference.conversation, envelope.reference.message)
        assert all(text.isprintable() for text in texts)
        zoom.parse(envelope.content or {}, envelope.reference)


@given(st.text(max_size=40), st.text(max_size=40))
def test_headers_of_any_text_are_forged(timestamp: str, signature: str) -> None:
    headers = {"x-zm-request-timestamp": timestamp, "x-zm-signature": signature}
    with pytest.raises(Forged):
        Zoom.receive(Request("POST", "https://hub.example.com/", headers, {}, b"{}"), SECRETS)


# --- Envelopes


def test_both_families_give_one_message_one_event_id() -> None:
    new = heard(event("team_chat.channel_message_posted", team_chat()))
    legacy = {"id": "{" + MESSAGE.lower() + "}", "type": "to_channel", "channel_id": CHANNEL, "message": "hi"}
    for name in ("chat_message.sent", "chat_message.replied"):
        old = heard(event(name, legacy))
        assert (old.workspace, old.event_id, old.reference.message) == (new.workspace, new.event_id, MESSAGE)
    assert new.event_id == f"posted:{MESSAGE}"


def test_an_actor_from_outside_is_routed_by_the_channels_owner() -> None:
    outside = {
        "account_id": "",
        "operator": "",
        "operator_id": "",
        "operator_member_id": "xT7",
        "by_external_user": True,
    }
    envelope = heard(event("team_chat.channel_message_posted", team_chat(), **outside))
    assert envelope.workspace == ACCOUNT
    assert envelope.content is not None
    said = zoom.parse(envelope.content, envelope.reference)
    assert isinstance(said, Posted)
    assert said.message.author == ids.account("", "xT7")


AT = "2026-01-01T00:00:00.123000+00:00"
THERE = {"id": CHANNEL, "name": "ops"}
LIKED = {"msg_id": MESSAGE, "channel_id": CHANNEL, "emoji": "U+1F44D"}


@pytest.mark.parametrize(
    ("name", "item", "kind", "read_as"),
    [
        ("team_chat.channel_message_updated", team_chat(), Kind.EDITED, Edited),
        ("chat_message.updated", {"id": MESSAGE, "channel_id": CHANNEL, "message": "hi"}, Kind.EDITED, Edited),
        ("chat_message.deleted", {"id": MESSAGE, "channel_id": CHANNEL}, Kind.DELETED, Deleted),
        ("team_chat.channel_reaction_added", LIKED, Kind.REACTED, Reacted),
        ("team_chat.channel_reaction_removed", LIKED, Kind.UNREACTED, Unreacted),
        ("chat_channel.member_joined", THERE, Kind.NOTICE, Noticed),
        ("chat_channel.updated", THERE, Kind.NOTICE, Noticed),
        ("team_chat.channel_archived", THERE, Kind.NOTICE, Noticed),
        ("team_chat.app_mention", team_chat(message="@Hub help"), Kind.COMMAND, Commanded),
        ("team_chat.app_mention", team_chat(message="ask @Hub"), Kind.OTHER, Skipped),
        ("team_chat.dm_message_posted", {"message_id": MESSAGE, "contact_id": "x"}, Kind.OTHER, Skipped),
        ("chat_message.sent", {"id": MESSAGE, "type": "to_contact", "contact_id": "x"}, Kind.OTHER, Skipped),
        ("user.created", {"id": "x"}, Kind.DIRECTORY, Skipped),
        ("user.deactivated", {"id": "x"}, Kind.DIRECTORY, Skipped),
        ("user.updated", {}, Kind.OTHER, Skipped),
        ("chat_channel.created", THERE, Kind.DIRECTORY, Skipped),
        ("chat_channel.deleted", THERE, Kind.DIRECTORY, Skipped),
        ("team_chat.app_invited", {}, Kind.OTHER, Skipped),
    ],
)
def test_every_event_is_classified_and_read(name: str, item: dict[str, Any], kind: Kind, read_as: type[Event]) -> None:
    envelope = heard(event(name, item))
    assert envelope.reference.kind is kind
    assert (envelope.content is None) is (kind in (Kind.OTHER, Kind.DIRECTORY))
    assert type(zoom.parse(envelope.content or {}, envelope.reference)) is read_as


@pytest.mark.parametrize("name", ["chat_message.sent", "chat_message.updated", "team_chat.channel_message_posted"])
def test_a_message_that_the_event_leaves_out_is_fetched(name: str) -> None:
    assert heard(event(name, {"id": MESSAGE, "channel_id": CHANNEL, "message": ""})).content is None
    file = {"file_id": "h2Kd", "file_name": "plan.pdf"}
    assert heard(event(name, {"id": MESSAGE, "channel_id": CHANNEL, "files": [file]})).content is not None


def test_a_reaction_of_everybody_for_every_emoji_is_an_event_of_its_own() -> None:
    names = ("team_chat.channel_reaction_added", "team_chat.channel_reaction_removed")
    ids = {
        heard(event(name, LIKED | {"emoji": emoji}, operator_id=who)).event_id
        for name in names
        for emoji in ("U+1F44D", "U+1F389", "parrot")
        for who in (MIRA, "zT5k")
    }
    assert len(ids) == 12


def test_an_edit_tells_when_it_was() -> None:
    envelope = heard(event("team_chat.channel_message_updated", team_chat(timestamp=1767225000000)))
    edited = zoom.parse(envelope.content or {}, envelope.reference)
    assert isinstance(edited, Edited)
    assert edited.message.edited_at == datetime.fromisoformat(AT) == envelope.reference.occurred_at
    assert edited.message.sent_at == datetime.fromtimestamp(1767225000, UTC)


def test_a_message_read_again_stands_with_its_reactions() -> None:
    liked = {"emoji": "u+1f44d", "total_count": 3, "user_ids": [MIRA, ""], "member_ids": ["vN0", "xT7"]}
    partied = {"emoji": "party_parrot", "total_count": 1, "senders": [{"user_id": "", "member_id": "xT7"}]}
    content = {"fetched": True, "message": "hi", "operator_id": MIRA, "reactions": [liked, partied]}
    for kind in (Kind.EDITED, Kind.REACTED, Kind.UNREACTED, Kind.CHANGED):
        at = datetime.fromisoformat(AT)
        stands = zoom.parse(content, Reference(kind, CHANNEL, MESSAGE, at))
        assert isinstance(stands, Stands)
        assert stands.message.edited_at == (at if kind is Kind.EDITED else None)
        assert {(one.account, one.emoji) for one in stands.reactions} == {
            (MIRA, "👍"),
            ("member:xT7", "👍"),
            ("member:xT7", ":party_parrot:"),
        }


def test_lists_of_reacting_people_that_do_not_match_name_those_of_the_account() -> None:
    liked = {"emoji": "U+1F44D", "total_count": 2, "user_ids": [MIRA], "member_ids": ["vN0", "xT7"]}
    stands = zoom.parse({"fetched": True, "reactions": [liked]}, Reference(Kind.CHANGED, CHANNEL, MESSAGE))
    assert isinstance(stands, Stands)
    assert [one.account for one in stands.reactions] == [MIRA]


@pytest.mark.parametrize(
    ("told", "emoji"),
    [
        ("U+1F44D", "👍"),
        ("u+1f44d", "👍"),
        ("U+2764", "❤️"),
        ("U+1F44D U+1F3FD", "👍🏽"),
        ("U+1F44DU+1F3FD", "👍🏽"),
        ("U+1F468-200D-1F4BB", "👨‍💻"),
        ("👍🏽", "👍🏽"),
        ("party_parrot", ":party_parrot:"),
        ("U+D800", ""),
        ("U+FFFFFF", ""),
        ("", ""),
        (7, ""),
    ],
)
def test_emoji_of_reactions_are_read_in_every_form(told: object, emoji: str) -> None:
    assert reactions.read(told) == emoji


@pytest.mark.parametrize(
    ("emoji", "written"), [("👍", "U+1F44D"), ("👍🏽", "U+1F44D"), ("❤️", "U+2764"), ("🤷🏽‍♀️", "U+1F937")]
)
def test_emoji_of_reactions_are_written_without_modifiers(emoji: str, written: str) -> None:
    assert reactions.written(emoji) == written


@pytest.mark.parametrize("emoji", ["🇫🇷", "👩‍💻", "1️⃣", ":party_parrot:", "x", ""])
def test_emoji_that_one_code_point_cannot_say_are_not_supported(emoji: str) -> None:
    with pytest.raises(NotSupported):
        reactions.written(emoji)


def test_two_edits_of_a_message_are_two_events() -> None:
    first = event("chat_message.updated", {"id": MESSAGE, "channel_id": CHANNEL, "message": "hi"})
    assert heard(first).event_id == heard(first).event_id
    assert heard(first).event_id != heard(first | {"event_ts": 1767225600999}).event_id


def test_stray_blanks_around_keys_do_not_matter() -> None:
    item = {" message_id": MESSAGE, "channel_id ": CHANNEL, "message\t": "hi"}
    assert heard(event("team_chat.channel_message_posted", item)).reference.message == MESSAGE


def test_secrets_and_content_do_not_show() -> None:
    envelope = heard(event("team_chat.channel_message_posted", team_chat(message="a secret plan")))
    assert "secret" not in repr(SECRETS) + repr(envelope)


# --- Reading


@pytest.mark.parametrize(
    ("text", "end"), [("@Jo Park hi", 8), ("@Jo Park hi", 7), ("@Jo Park, hi", 8), ("@Jo Park", 7)]
)
def test_a_mentions_end_is_understood_either_way(text: str, end: int) -> None:
    item = {"at_type": 1, "at_contact_user_id": "u", "start_position": 0, "end_position": end}
    assert read(message=text, at_items=[item]).blocks[0] == Paragraph(
        (Mention("Jo Park", AccountId("u")), *((Text(text[8:]),) if text[8:] else ()))
    )


def test_a_span_that_crosses_a_line_becomes_two_links() -> None:
    span = {"start_position": 0, "end_position": 3, "format_type": "AddLink", "format_attr": "https://e.example"}
    link = Link("https://e.example", "a")
    assert read(message="a\nb", rich_text=[span]).blocks == (Paragraph((link, LineBreak(), replace(link, text="b"))),)


@pytest.mark.parametrize("address", ["javascript:alert(1)", "", "https://", "data:text/html,x"])
def test_a_link_to_something_else_than_the_web_is_only_its_text(address: str) -> None:
    span = {"start_position": 0, "end_position": 1, "format_type": "AddLink", "format_attr": address}
    assert read(message="a", rich_text=[span]) == document([Paragraph((Text("a"),))], ["link"])


def test_an_open_fence_and_a_lonely_backtick_are_text() -> None:
    assert read(message="```py\nx `").blocks == (Paragraph((Text("```py"), LineBreak(), Text("x `"))),)


def test_halves_of_characters_and_nul_are_replaced() -> None:
    assert plain(read(message="a\ud800b\0c")) == "a\ufffdb\ufffdc"


# --- Writing


@given(nasty_text)
def test_the_text_of_a_user_never_becomes_markup(text: str) -> None:
    payload = zoom.render(draft(document([Paragraph((Text(text),))]))).payload
    assert set(payload) == {"message", "to_channel"}
    body = zoom.parse(payload, POSTED)
    if isinstance(body, Posted):
        found = list(inlines(body.message.body.blocks))
        assert not [one for one in found if isinstance(one, Mention | Link)]
        assert not body.message.body.degraded


@given(nasty_lines)
def test_text_without_backticks_comes_back_literally(text: str) -> None:
    body = document([Paragraph((Text(text.replace("`", "'")),))])
    assert returned(body).blocks == body.blocks


member_ids = st.sampled_from(["member:aQ8", "member:xT7qWm2"])


@given(documents(mention_ids=member_ids))
def test_a_round_trip_over_zoom_loses_no_word(body: Document) -> None:
    assert _words(returned(body)) == _words(body)


@given(documents(texts=nasty_lines.map(lambda text: text.replace("`", "'")), mention_ids=member_ids))
def test_what_zoom_can_say_comes_back_as_it_was(said: Document) -> None:
    body = kept(said)
    assert canonical(returned(body)).blocks == canonical(body).blocks


def returned(body: Document) -> Document:
    """The document after a round trip; Zoom tells the member id that a mention was sent with."""
    payload = zoom.render(draft(body)).payload
    items = [item | {"at_contact_member_id": item.get("at_contact", "")} for item in payload.get("at_items", [])]
    said = zoom.parse(payload | {"at_items": items}, POSTED)
    return said.message.body if isinstance(said, Posted) else Document(())


def _words(body: Document) -> list[str]:
    """Letters and digits of all that is said, without marks that Zoom has other forms for."""
    text = "".join(map(_spoken, body.blocks))
    return [character for character in text if character.isalpha()]


def _spoken(block: Block) -> str:
    match block:
        case Paragraph(content) | Heading(content):
            return "".join(_spoken_inline(inline) for inline in content)
        case CodeBlock(text, language):
            return language + text
        case Quote(blocks):
            return "".join(map(_spoken, blocks))
        case BulletList(items) | NumberedList(items):
            return "".join(_spoken(inner) for item in items for inner in item)
        case Table(rows):
            return "".join(_spoken_inline(inline) for row in rows for cell in row for inline in cell)
        case Rule():
            return ""


def _spoken_inline(inline: Inline) -> str:
    match inline:
        case Link(url, text):
            mail = url.removeprefix("mailto:")
            return text + (mail if mail not in (url, text) and url != text else "")
        case Text(text) | Mention(text) | Emoji(text) | ChannelMention(text):
            return text
        case Broadcast():
            return "all"
        case LineBreak():
            return ""


def kept(body: Document) -> Document:
    """The part of a document for which Zoom has a form of its own; the rest degrades as ``render`` documents."""
    return document(_kept_block(block, quoted=False) for block in map_inlines(body, _kept_inline).blocks)


def _kept_inline(inline: Inline) -> Inline:
    match inline:
        case Emoji(name):
            return Text(f":{name}:")
        case Mention(name, account):
            return Mention("Ann Moreau", account) if account else Text(f"@{name}")
        case Link(url, text) if url.startswith("mailto:"):
            return Text(text)
        case Broadcast():
            return Broadcast("all")
        case ChannelMention(name):
            return Text(f"#{name}")
    return inline


def _kept_block(block: Block, quoted: bool) -> Block:
    match block:
        case Heading(content, level):
            return Heading(content, min(level, 3))
        case Quote(blocks):
            return Quote(tuple(_kept_block(inner, quoted=True) for inner in blocks))
        case Paragraph(content) if quoted:
            return Paragraph(tuple(map(_unstyled, content)))
        case BulletList(items):
            return BulletList(tuple(_kept_item(item, quoted, nest=True) for item in items))
        case NumberedList(items):
            return NumberedList(tuple(_kept_item(item, quoted, nest=False) for item in items))
        case Table():
            return Paragraph(tuple(_kept_rows(block)))
        case Rule():
            return Paragraph((Text(RULE),))
    return block


def _kept_rows(table: Table) -> Iterator[Inline]:
    rows = [row for row in table.rows if any(row)]
    for number, row in enumerate(rows):
        if number:
            yield LineBreak()
        for place, cell in enumerate(row):
            if place:
                yield Text(" | ")
            for inline in cell:
                names_column = table.header and row is table.rows[0] and isinstance(inline, Text | Link)
                yield replace(inline, style=inline.style | Style.BOLD) if names_column else inline


def _kept_item(item: tuple[Block, ...], quoted: bool, nest: bool) -> tuple[Block, ...]:
    lines = [_kept_block(map_inlines(Document((block,)), _no_break).blocks[0], quoted) for block in item]
    if not isinstance(lines[0], Paragraph):
        lines.insert(0, Paragraph((Text("item"),)))
    return tuple(lines if nest else lines[:1])


def _no_break(inline: Inline) -> Inline:
    return Text("/") if isinstance(inline, LineBreak) else inline


def _unstyled(inline: Inline) -> Inline:
    if isinstance(inline, Text | Link):
        return replace(inline, style=inline.style & Style.CODE)
    return inline


def canonical(body: Document) -> Document:
    """Whether a blank at either end of a style is styled cannot be seen."""
    return document(_canonical_block(block) for block in body.blocks)


def _canonical_block(block: Block) -> Block:
    match block:
        case Paragraph(content) | Heading(content):
            return replace(block, content=tuple(piece for inline in content for piece in _canonical_inline(inline)))
        case Quote(blocks):
            return Quote(tuple(map(_canonical_block, blocks)))
        case BulletList(items) | NumberedList(items):
            return replace(block, items=tuple(tuple(map(_canonical_block, item)) for item in items))
    return block


def _canonical_inline(inline: Inline) -> list[Inline]:
    if isinstance(inline, Text) and inline.style and Style.CODE not in inline.style:
        stem = inline.text.strip()
        before, _, after = inline.text.partition(stem) if stem else (inline.text, "", "")
        return [Text(before), Text(stem, inline.style), Text(after)]
    return [inline]


def test_a_mention_is_sent_by_address_and_ends_with_its_last_letter() -> None:
    mention = Mention("Jo Park", AccountId("zT5k"), "jo@acme.example")
    payload = zoom.render(draft(document([Paragraph((Text("🎉 "), mention, Text("!")))]))).payload
    expected = {"at_type": 1, "at_contact": "jo@acme.example", "start_position": 3, "end_position": 10}
    assert payload["at_items"] == [expected]


def test_a_byline_keeps_to_its_line() -> None:
    rendered = zoom.render(draft(document([Paragraph((Text("hi"),))]), Byline("Ann\n@all  Moreau", "Slack")))
    assert rendered.payload["message"] == "Ann @all Moreau (Slack)\nhi"
    assert rendered.size == units(rendered.payload["message"])


@given(documents(mention_ids=st.sampled_from(["member:aQ8", "member:xT7qWm2"])))
def test_an_edit_says_every_word_without_a_span(body: Document) -> None:
    payload = zoom.render(draft(body, Byline("Ann Moreau", "Slack"))).payload
    text = flat(payload)
    letters = iter(text)
    assert all(letter in letters for letter in payload["message"]), "nothing is left out or moved"
    for span in payload.get("rich_text", ()):
        assert span["format_type"] != "AddLink" or span["format_attr"] in text


@patient
@given(documents(), st.integers(1, 20), st.booleans())
def test_no_part_of_anything_exceeds_the_limit(some: Document, times: int, signs: bool) -> None:
    body = document(some.blocks * times)
    thread = MessageId("A0D1B2C3-4E5F-4A6B-8C7D-9E0F1A2B3C4D")
    whole = Draft(CHANNEL, body, "n", Byline("Ann Moreau", "Slack") if signs else None, thread)
    parts = zoom.parts(whole)
    for part in parts:
        message = part.payload["message"]
        assert units(message) == part.size <= LONGEST_MESSAGE
        assert part.payload["reply_main_message_id"] == thread
        for span in (*part.payload.get("rich_text", ()), *part.payload.get("at_items", ())):
            assert 0 <= span["start_position"] <= span["end_position"] <= part.size
    if len(parts) == 1:
        assert parts[0].payload == zoom.render(whole).payload


@given(documents(texts=nasty_lines, broadcast=False))
def test_only_a_call_to_everybody_calls_everybody(body: Document) -> None:
    items = zoom.render(draft(body, Byline("@all", "Slack"))).payload.get("at_items", [])
    assert not [item for item in items if item["at_type"] != 1]


LONG = [
    Text("word 👩‍👩‍👧‍👦 "),
    Text("bold 👍🏽 ", Style.BOLD),
    Mention("Jo Park", AccountId("member:x")),
    Text(" end. "),
]


def test_a_long_message_is_cut_into_parts_that_fit_and_lose_nothing() -> None:
    code = CodeBlock("\n".join(f"line {n} = '👍🏽'" for n in range(120)), "python")
    body = document([Paragraph(tuple(LONG * 60)), code, BulletList(((Paragraph(tuple(LONG)),),) * 40)])
    parts = zoom.parts(draft(body, Byline("Ann Moreau", "Slack")))
    assert len(parts) > 5
    assert [part.nonce for part in parts] == [f"n.{number:02}" for number in range(len(parts))]
    assert all(units(part.payload["message"]) == part.size <= LONGEST_MESSAGE for part in parts)
    said = "".join(part.payload["message"] for part in parts)
    assert said.count("👩‍👩‍👧‍👦") == 100
    assert said.count("👍🏽") == 220
    assert sum(len(part.payload["at_items"]) for part in parts if "at_items" in part.payload) == 100
    for part in parts:
        assert part.payload["message"].startswith("Ann Moreau (Slack)\n")
        assert part.payload["message"].count("```") in (0, 2)
    assert [n for n in range(120) if f"line {n} = " in said] == list(range(120))


def test_reading_and_writing_are_quick() -> None:
    body = document([Paragraph(tuple(LONG * 10)), CodeBlock("x = 1"), Quote((Paragraph((Text("quoted"),)),))])
    payload = zoom.render(draft(body)).payload
    times = []
    for _ in range(50):
        start = time.perf_counter()
        zoom.render(draft(body))
        zoom.parse(payload, POSTED)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.002, "four times what it may take, since test machines are busy"
