"""Reading a message, from an event or from the history alike (reference §2.6, §4). Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.errors import Malformed
from connectors.messages import Event, Message, MessageId, Posted, Reference, Skipped
from connectors.richtext import Block, Document, Inline, Style, Text, document, map_inlines
from connectors.slack.blocks import read_attachments, read_blocks, read_files
from connectors.slack.ids import author, is_ts, moment, thread
from connectors.slack.mrkdwn import read_mrkdwn
from connectors.slack.rich_text import Object, Reading, objects, text_of
from connectors.slack.webhook import POSTED_SUBTYPES

_SYSTEM_USER = "USLACKBOT"

_SKIPPED_TYPES = {
    "reaction_added": "reaction",
    "reaction_removed": "reaction",
    "member_joined_channel": "membership",
    "member_left_channel": "membership",
}
_SKIPPED_SUBTYPES = {"message_changed": "edit", "message_deleted": "delete", "tombstone": "delete"}


def parse(content: Mapping[str, Any], reference: Reference) -> Event:
    """What was said, or why it does not cross. ``Malformed`` where the message cannot be placed."""
    why = _skipped(content)
    if why:
        return Skipped(why)
    ts, who = content.get("ts"), author(content)
    if not isinstance(ts, str) or not is_ts(ts) or who is None:
        raise Malformed("a message without time or author")
    body = _body(content)
    if not body.blocks:
        return Skipped("empty message")
    return Posted(
        Message(MessageId(ts), reference.conversation, who, body, moment(ts), _author_name(content), thread(content))
    )


def _skipped(content: Object) -> str:
    kind, subtype = content.get("type"), content.get("subtype")
    if kind != "message":
        return _SKIPPED_TYPES.get(str(kind), "not a message")
    if str(subtype) in _SKIPPED_SUBTYPES:
        return _SKIPPED_SUBTYPES[str(subtype)]
    hidden = content.get("hidden") or (subtype is not None and str(subtype) not in POSTED_SUBTYPES)
    from_slack = content.get("user") == _SYSTEM_USER and not content.get("files")
    return "system message" if hidden or from_slack else ""


def _author_name(content: Object) -> str:
    """The name that the message itself gives: an app's own or borrowed one, or a guest's from another company."""
    if name := text_of(content, "username"):
        return name
    if isinstance(profile := content.get("user_profile"), dict):
        return text_of(profile, "display_name", "real_name", "name")
    profile = content.get("bot_profile")
    return text_of(profile, "name") if isinstance(profile, dict) and not content.get("user") else ""


def _body(content: Object) -> Document:
    reading = Reading(text_of(content, "text"))
    blocks = _own_text(content, reading)
    blocks += read_attachments(objects(content.get("attachments")), reading)
    blocks += read_files(objects(content.get("files")), reading)
    body = document(blocks, reading.degraded)
    return map_inlines(body, _in_italics) if content.get("subtype") == "me_message" else body


def _own_text(content: Object, reading: Reading) -> list[Block]:
    """``blocks`` are what was typed; ``text`` only where there are none, or where they read as nothing."""
    return read_blocks(objects(content.get("blocks")), reading) or read_mrkdwn(reading.text, reading.degraded)


def _in_italics(inline: Inline) -> Inline:
    """``/me waves`` is shown in italics."""
    return replace(inline, style=inline.style | Style.ITALIC) if isinstance(inline, Text) else inline
