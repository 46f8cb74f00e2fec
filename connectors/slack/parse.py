"""Reading what happened, from an event or from the history alike (reference §2.6, §4). Pure."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from connectors.errors import Malformed
from connectors.messages import (
    AccountId,
    Deleted,
    Edited,
    Event,
    Kind,
    Message,
    MessageId,
    Posted,
    Reacted,
    Reaction,
    Reference,
    Skipped,
    Stands,
    Unreacted,
)
from connectors.richtext import Block, Document, Inline, Paragraph, Style, Text, document, map_inlines
from connectors.slack.blocks import read_attachments, read_blocks
from connectors.slack.commands import commanded, slashed
from connectors.slack.files import attached, lines_for, without_bytes
from connectors.slack.ids import author, edited_at, is_bot_profile, is_id, is_ts, moment, thread
from connectors.slack.inlines import link
from connectors.slack.mrkdwn import read_mrkdwn
from connectors.slack.notices import changed, moved
from connectors.slack.reactions import emoji_of, standing
from connectors.slack.rich_text import Object, Reading, objects, text_of
from connectors.slack.webhook import NOTICE_SUBTYPES, POSTED_SUBTYPES, SLACKBOT, SLASH_COMMAND

_HUDDLE = "huddle_thread"

_LOOKED_AT = (Kind.EDITED, Kind.REACTED, Kind.UNREACTED, Kind.CHANGED)
"""Kinds whose message, when it is fetched, is to be compared with what is known."""


def parse(content: Mapping[str, Any], reference: Reference) -> Event:
    """What happened, or why it does not cross. ``Malformed`` where it cannot be placed."""
    kind = content.get("type")
    if kind == "message" or (kind == "app_mention" and reference.kind is Kind.COMMAND):
        return _message_event(content, reference)
    reader = _EVENTS.get(kind) if isinstance(kind, str) else None
    return reader(content, reference) if reader else Skipped("not a message")


def _message_event(content: Object, reference: Reference) -> Event:
    subtype = content.get("subtype")
    if subtype == "message_changed":
        return _changed(content, reference)
    if subtype == "message_deleted":
        return _deleted(content.get("deleted_ts"))
    if subtype == "tombstone":
        return _deleted(content.get("ts"))
    if subtype in NOTICE_SUBTYPES:
        return changed(content)
    if reference.kind is Kind.COMMAND:
        return commanded(content)
    if why := _skipped(content):
        return Skipped(why)
    message = _message(content, reference)
    if reference.kind in _LOOKED_AT:
        return Stands(message, standing(content))
    return Posted(message) if message.body.blocks or message.attachments else Skipped("empty message")


def _changed(content: Object, reference: Reference) -> Event:
    """In the order of §2.6: a deleted thread parent, then everything that is no edit, then edits."""
    message = content.get("message")
    if not isinstance(message, dict):
        raise Malformed("a change of nothing")
    if message.get("subtype") == "tombstone":
        return _deleted(message.get("ts"))
    if edited_at(message) is None:
        return Skipped("not edited")
    why = "huddle" if message.get("subtype") == _HUDDLE else _skipped(message)
    if why:
        return Skipped(why)
    edited = edited_at(message, content.get("event_ts"))
    return Edited(replace(_message(message, reference), edited_at=edited))


def _deleted(ts: Any) -> Event:
    if not is_ts(ts):
        raise Malformed("a deletion of nothing")
    return Deleted(MessageId(ts))


def _skipped(content: Object) -> str:
    subtype = content.get("subtype")
    if content.get("hidden") or subtype not in POSTED_SUBTYPES:
        return "system message"
    from_slack = content.get("user") == SLACKBOT and not content.get("files") and subtype != _HUDDLE
    return "system message" if from_slack else ""


def _message(content: Object, reference: Reference) -> Message:
    ts, who = content.get("ts"), _caller(content) or author(content)
    if not isinstance(ts, str) or not is_ts(ts) or who is None:
        raise Malformed("a message without time or author")
    files = objects(content.get("files"))
    return Message(
        MessageId(ts),
        reference.conversation,
        who,
        _body(content, files),
        moment(ts),
        _author_name(content),
        thread(content),
        edited_at(content),
        attached(files) if files else (),
        is_bot_profile(who),
    )


def _caller(content: Object) -> AccountId | None:
    """Who started a huddle: Slack itself says that it is there."""
    room = content.get("room") if content.get("subtype") == _HUDDLE else None
    starter = room.get("created_by") if isinstance(room, dict) else None
    return AccountId(starter) if isinstance(starter, str) and is_id(starter) else None


def _author_name(content: Object) -> str:
    """The name that the message itself gives: an app's own or borrowed one, or a guest's from another company."""
    if name := text_of(content, "username"):
        return name
    if isinstance(profile := content.get("user_profile"), dict):
        return text_of(profile, "display_name", "real_name", "name")
    profile = content.get("bot_profile")
    return text_of(profile, "name") if isinstance(profile, dict) and not content.get("user") else ""


def _body(content: Object, files: list[Object]) -> Document:
    reading = Reading(text_of(content, "text"))
    if content.get("subtype") == _HUDDLE:
        return document([_huddle(content, reading.degraded)], reading.degraded)
    blocks = _own_text(content, reading)
    if "attachments" in content:
        blocks += read_attachments(objects(content["attachments"]), reading)
    if files:
        blocks += lines_for(without_bytes(files), reading.degraded)
    body = document(blocks, reading.degraded)
    if content.get("subtype") == "me_message":  # what differed in nothing but italics is one run now
        return document(map_inlines(body, _in_italics).blocks, body.degraded)
    return body


def _own_text(content: Object, reading: Reading) -> list[Block]:
    """``blocks`` are what was typed; ``text`` only where there are none, or where they read as nothing."""
    return read_blocks(objects(content.get("blocks")), reading) or read_mrkdwn(reading.text, reading.degraded)


def _huddle(content: Object, degraded: list[str]) -> Block:
    degraded.append("huddle")
    url, words = text_of(content, "permalink"), "📞 started a huddle"
    return Paragraph((link(url, words, Style.PLAIN, degraded) if url else Text(words),))


def _in_italics(inline: Inline) -> Inline:
    """``/me waves`` is shown in italics."""
    return replace(inline, style=inline.style | Style.ITALIC) if isinstance(inline, Text) else inline


def _reacted(content: Object, reference: Reference) -> Event:
    item, user, name = content.get("item"), content.get("user"), text_of(content, "reaction")
    ts = item.get("ts") if isinstance(item, dict) else None
    if not is_ts(ts) or not isinstance(user, str) or not is_id(user) or not name:
        raise Malformed("a reaction by nobody or to nothing")
    reaction = Reaction(AccountId(user), emoji_of(name))
    event = Reacted if content["type"] == "reaction_added" else Unreacted
    return event(MessageId(str(ts)), reaction)


_EVENTS: dict[str, Callable[[Object, Reference], Event]] = {
    SLASH_COMMAND: lambda content, reference: slashed(content),
    "reaction_added": _reacted,
    "reaction_removed": _reacted,
    "member_joined_channel": lambda content, reference: moved(content),
    "member_left_channel": lambda content, reference: moved(content),
    "channel_archive": lambda content, reference: changed(content),
    "group_archive": lambda content, reference: changed(content),
    "channel_unarchive": lambda content, reference: changed(content),
    "group_unarchive": lambda content, reference: changed(content),
}
