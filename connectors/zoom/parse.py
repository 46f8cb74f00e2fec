"""From what Zoom tells, in a webhook or in an answer, to the neutral form (§2.6 to §2.10, §3.1). Pure.

Content is the event's own object plus ``event``, ``event_ts`` and, of who acted, ``operator`` (e-mail), ``operator_id``
and ``operator_member_id``; ``fetch`` fills in the same names. Everything may be missing or of another type: nothing here
rejects.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from connectors.contract import Content, Credentials
from connectors.messages import (
    Deleted,
    Edited,
    Event,
    Kind,
    Message,
    MessageId,
    Posted,
    Reacted,
    Reference,
    Skipped,
    Stands,
    Unreacted,
)
from connectors.richtext import Document, Paragraph, Text, document
from connectors.zoom import commands, ids, notices
from connectors.zoom.blocks import read
from connectors.zoom.files import attachments
from connectors.zoom.webhook import moment

_THREAD_KEYS = ("reply_main_message_id", "parent_msg_id")
_LINES = {"giphy_file": ("[GIF]", "gif")}
_UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)

DEEPEST_CARD = 20
"""Nested levels of a chatbot's card that are read for text; Zoom's own cards have about five."""


def parse(content: Content, reference: Reference, credentials: Credentials) -> Event:
    """See ``Connector.parse``."""
    match reference.kind:
        case Kind.DELETED:
            return Deleted(reference.message)
        case Kind.NOTICE:
            return notices.notice(content)
        case Kind.REACTED | Kind.UNREACTED if not content.get("fetched"):
            return _reacted(content, reference)
        case Kind.COMMAND if "cmd" in content:
            return commands.slash(content)
        case Kind.OTHER | Kind.DIRECTORY:
            return Skipped("other event")
    return _said(content, reference, credentials)


def _reacted(content: Content, reference: Reference) -> Event:
    reaction = notices.reaction(content)
    if reaction is None:
        return Skipped("reaction")
    make = Reacted if reference.kind is Kind.REACTED else Unreacted
    return make(reference.message, reaction)


def _said(content: Content, reference: Reference, credentials: Credentials) -> Event:
    """A message, new or as it stands now. What was asked of our app is no part of the conversation, edited or not."""
    message = _message(content, reference)
    command = commands.asked(message, credentials)
    if command is None and reference.kind is Kind.COMMAND:
        command = commands.mentioned(message, ids.readable(content.get("message")), credentials)
    if reference.kind in (Kind.POSTED, Kind.COMMAND):
        if command:
            return command
        return Posted(message) if message.body.blocks or message.attachments else Skipped("empty message")
    if command:
        return Skipped("command")
    return Stands(message, notices.standing(content)) if content.get("fetched") else Edited(message)


def _message(content: Content, reference: Reference) -> Message:
    return Message(
        id=reference.message,
        conversation=reference.conversation,
        author=notices.actor(content),
        body=_body(content),
        sent_at=_sent_at(content, reference),
        author_name=ids.readable(content.get("sender_display_name")),
        thread=_thread(content, reference),
        edited_at=_edited_at(content, reference),
        attachments=attachments(content, reference),
        is_app=bool(content.get("bot_message")),
    )


def _sent_at(content: Content, reference: Reference) -> datetime:
    told = moment(content.get("timestamp")) or moment(content.get("date_time"))
    return told or reference.occurred_at or _UNKNOWN_TIME


def _edited_at(content: Content, reference: Reference) -> datetime | None:
    """When the event was: neither an event nor a message tells the time of the edit itself."""
    if reference.kind is not Kind.EDITED:
        return None
    return moment(content.get("event_ts")) or reference.occurred_at or _sent_at(content, reference)


def _thread(content: Content, reference: Reference) -> MessageId | None:
    """The root of a reply; a message that names itself as its parent is none (§2.6)."""
    root = next((root for key in _THREAD_KEYS if (root := ids.message(content.get(key)))), None)
    return None if root == reference.message else root


def _body(content: Content) -> Document:
    blocks, degraded = read(ids.readable(content.get("message")), content)
    for label, name in _more_lines(content):
        blocks.append(Paragraph((Text(label),)))
        degraded.append(name)
    return document(blocks, degraded)


def _more_lines(content: Content) -> Iterator[tuple[str, str]]:
    """What is neither text nor file, as a readable line and the name of what was degraded."""
    message_type = content.get("message_type")
    if isinstance(message_type, str) and message_type in _LINES:
        yield _LINES[message_type]
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
                yield ids.readable(value)
            else:
                yield from _card_lines(value, depth - 1)
    elif isinstance(card, list):
        for element in card:
            yield from _card_lines(element, depth - 1)
