"""System messages: what Teams itself says in a channel about members, names and calls (reference teams.md §3.1)."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.contract import Content
from connectors.html import web_address
from connectors.messages import AccountId, Event, Happening, Message, Noticed, Posted, Reference, Skipped
from connectors.richtext import Inline, Link, Paragraph, Text, document
from connectors.teams.ids import message_id, root_and_reply
from connectors.teams.values import identity, mapping, mappings, string, timestamp
from connectors.teams.webhook import said_at

_Detail = Mapping[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KIND = re.compile(r"#?microsoft\.graph\.(\w+)EventMessageDetail")
_DURATION = re.compile(r"P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?")


def notice(content: Content, reference: Reference) -> Event:
    """A notice about the conversation, or a call's readable line in the name of who began it; the rest is skipped."""
    detail = mapping(content.get("eventDetail"))
    found = _KIND.fullmatch(string(detail.get("@odata.type")))
    kind = found[1] if found else ""
    if known := _HAPPENINGS.get(kind):
        what, text_of = known
        accounts = tuple(AccountId(who) for who in map(_member, mappings(detail.get("members"))) if who)
        text = string(detail.get(text_of)) if text_of else ""
        told = {Happening.JOINED: accounts, Happening.LEFT: accounts, Happening.RENAMED: text}.get(what, True)
        if told:
            by, _, _ = identity(detail.get("initiator"))
            return Noticed(what, accounts, text, AccountId(by) if by else None)
    elif kind in _CALLS:
        return _call(content, reference, detail, _CALLS[kind](detail))
    return Skipped("system message")


_HAPPENINGS: Mapping[str, tuple[Happening, str]] = {
    "membersAdded": (Happening.JOINED, ""),
    "membersJoined": (Happening.JOINED, ""),
    "membersDeleted": (Happening.LEFT, ""),
    "membersLeft": (Happening.LEFT, ""),
    "channelRenamed": (Happening.RENAMED, "channelDisplayName"),
    "chatRenamed": (Happening.RENAMED, "chatDisplayName"),
    "channelDescriptionUpdated": (Happening.TOPIC, "channelDescription"),
    "teamArchived": (Happening.ARCHIVED, ""),
    "teamUnarchived": (Happening.UNARCHIVED, ""),
}
"""What each kind of ``eventDetail`` tells, and the property with its words."""


def _member(member: _Detail) -> str:
    return string(member.get("id"))


def _call(content: Content, reference: Reference, detail: _Detail, line: Inline) -> Event:
    author, name, _ = identity(detail.get("initiator"))
    if not author:
        return Skipped("system message")
    root, reply = root_and_reply(reference.message)
    return Posted(
        Message(
            id=reference.message,
            conversation=reference.conversation,
            author=AccountId(author),
            body=document([Paragraph((line,))], ["call"]),
            sent_at=timestamp(content.get("createdDateTime")) or said_at(reference.message) or _EPOCH,
            author_name=name,
            thread=message_id(root) if reply else None,
        )
    )


def _started(_detail: _Detail) -> Inline:
    return Text("[started a call]")


def _ended(detail: _Detail) -> Inline:
    lasted = _spoken(string(detail.get("callDuration")))
    return Text(f"[the call ended after {lasted}]" if lasted else "[the call ended]")


def _recorded(detail: _Detail) -> Inline:
    name = " ".join(string(detail.get("callRecordingDisplayName")).split())
    text = f"[recording of the call: {name}]" if name else "[recording of the call]"
    url = web_address(string(detail.get("callRecordingUrl")))
    return Link(url, text) if url else Text(text)


_CALLS: Mapping[str, Callable[[_Detail], Inline]] = {
    "callStarted": _started,
    "callEnded": _ended,
    "callRecording": _recorded,
}


def _spoken(duration: str) -> str:
    """An ISO 8601 duration in the words of a person: ``1 h 5 min``; empty for what is not one."""
    found = _DURATION.fullmatch(duration)
    if not found or len(duration) > len("P999DT99H99M99.9999999S"):
        return ""
    days, hours, minutes, seconds = (int(number or 0) for number in found.groups())
    hours += 24 * days
    parts = ([f"{hours} h"] if hours else []) + ([f"{minutes} min"] if minutes else [])
    return " ".join(parts) or (f"{seconds} s" if seconds else "")
