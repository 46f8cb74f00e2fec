"""From a Zoom message, as a webhook or a call tells it, to the neutral form (§2.6, §2.7, §3.1). Pure.

Content is the message's own object plus ``operator`` (e-mail), ``operator_id`` and ``operator_member_id`` of who acted;
``fetch`` fills in the same names. Everything may be missing or of another type: nothing here rejects.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from connectors.contract import Content
from connectors.messages import Event, Kind, Message, MessageId, Posted, Reference, Skipped
from connectors.richtext import Document, Paragraph, Text, document
from connectors.zoom import ids
from connectors.zoom.blocks import read
from connectors.zoom.webhook import moment

_SKIPPED = {
    Kind.EDITED: "edit",
    Kind.DELETED: "delete",
    Kind.REACTION: "reaction",
    Kind.MEMBERSHIP: "membership",
    Kind.OTHER: "other event",
}
_THREAD_KEYS = ("reply_main_message_id", "parent_msg_id")
_ATTACHMENTS = {"giphy_file": ("[GIF]", "gif")}
_UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_UNREADABLE = re.compile("[\0\ud800-\udfff]")
"""NUL and halves of surrogate pairs: no database or encoder takes them. One unit for one, so positions stay right."""

DEEPEST_CARD = 20
"""Nested levels of a chatbot's card that are read for text; Zoom's own cards have about five."""


def parse(content: Content, reference: Reference) -> Event:
    """See ``Connector.parse``."""
    if reference.kind in _SKIPPED:
        return Skipped(_SKIPPED[reference.kind])
    body = _body(content)
    if not body.blocks:
        return Skipped("empty message")
    return Posted(
        Message(
            id=reference.message,
            conversation=reference.conversation,
            author=ids.account(content.get("operator_id"), content.get("operator_member_id")),
            body=body,
            sent_at=moment(content.get("timestamp")) or moment(content.get("date_time")) or _fallback(reference),
            author_name=_text(content.get("sender_display_name")),
            thread=_thread(content, reference),
        )
    )


def _fallback(reference: Reference) -> datetime:
    return reference.occurred_at or _UNKNOWN_TIME


def _thread(content: Content, reference: Reference) -> MessageId | None:
    """The root of a reply; a message that names itself as its parent is none (§2.6)."""
    root = next((root for key in _THREAD_KEYS if (root := ids.message(content.get(key)))), None)
    return None if root == reference.message else root


def _body(content: Content) -> Document:
    blocks, degraded = read(_text(content.get("message")), content)
    for label, name in _attachments(content):
        blocks.append(Paragraph((Text(label),)))
        degraded.append(name)
    return document(blocks, degraded)


def _attachments(content: Content) -> Iterator[tuple[str, str]]:
    """What is not text, as a readable line and the name of what was degraded."""
    files = content.get("files")
    entries = [entry for entry in files if isinstance(entry, Mapping)] if isinstance(files, list) else []
    if not entries and content.get("file_name"):
        entries = [content]
    for entry in entries:
        yield f"[file: {_text(entry.get('file_name')) or 'unnamed'}]", "file"
    message_type = content.get("message_type")
    if isinstance(message_type, str) and message_type in _ATTACHMENTS:
        yield _ATTACHMENTS[message_type]
    for card in (content.get("bot_message"), content.get("interactive_cards")):
        if card:
            yield "\n".join(_card_lines(card, DEEPEST_CARD)) or "[card]", "card"


def _card_lines(card: object, depth: int) -> Iterator[str]:
    """The texts of a chatbot's card, in reading order: whatever its elements, their words stand under ``text``."""
    if not depth:
        return
    if isinstance(card, Mapping):
        for key, value in card.items():
            if key == "text" and isinstance(value, str):
                yield _text(value)
            else:
                yield from _card_lines(value, depth - 1)
    elif isinstance(card, list):
        for element in card:
            yield from _card_lines(element, depth - 1)


def _text(value: object) -> str:
    if not isinstance(value, str):
        return ""
    return _UNREADABLE.sub("\ufffd", value)
