"""What is common to both forms of Slack's text: links, mentions, and the constructs that only stay readable.

Each construct that cannot be kept appends its name to ``degraded``.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from connectors.messages import AccountId, ConversationId
from connectors.richtext import (
    Block,
    Broadcast,
    ChannelMention,
    Inline,
    LineBreak,
    Link,
    Mention,
    Paragraph,
    Style,
    Text,
)
from connectors.slack.ids import is_id

_WEB_ADDRESS = re.compile(r"(?:https?://|mailto:)\S+", re.IGNORECASE)
AUDIENCES = {"here": "here", "channel": "channel", "everyone": "all"}
"""Who can be called at once: Slack's words and ours."""
_LATEST_DATE = 253_402_300_799
"""The last second of the year 9999: Python's calendar ends there."""


def link(url: str, text: str, style: Style, degraded: list[str]) -> Inline:
    """A link; an address of another scheme (``tel:``, ``slack:``) is shown in words."""
    if _WEB_ADDRESS.fullmatch(url):
        return Link(url, text or url, style)
    degraded.append("link")
    return Text(f"{text} ({url})" if text and text != url else url, style)


def person(account: str, label: str) -> Inline:
    """A mentioned person. Slack rarely says a name: then the id stands for it until the directory is asked."""
    return Mention(label.removeprefix("@") or account, AccountId(account))


def channel(identifier: str, name: str) -> Inline:
    """``name`` is empty where Slack hides it, as it does for private channels."""
    return ChannelMention(name, ConversationId(identifier) if is_id(identifier) else None)


def broadcast(audience: str, degraded: list[str]) -> Inline:
    """``@here`` and its like; of an audience that nobody knows only the word is kept."""
    if audience in AUDIENCES:
        return Broadcast(AUDIENCES[audience])
    degraded.append("broadcast")
    return Text(f"@{audience}")


def user_group(name: str, degraded: list[str]) -> Inline:
    degraded.append("user group")
    return Text(f"@{name.removeprefix('@')}")


def date(timestamp: int, fallback: str, degraded: list[str]) -> Inline:
    """A date that Slack shows in the reader's time zone: as its author wrote it for others, else in UTC."""
    degraded.append("date")
    if fallback or not 0 <= timestamp <= _LATEST_DATE:
        return Text(fallback or str(timestamp))
    return Text(f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M} UTC")


def paragraphs(content: Iterable[Inline]) -> list[Block]:
    """Text with line breaks as paragraphs: an empty line ends one, any other break stays within it."""
    found: list[list[Inline]] = [[]]
    for line in _lines(content):
        if all(isinstance(inline, Text) and not inline.text.strip() for inline in line):
            found.append([])
        else:
            found[-1] += [LineBreak(), *line] if found[-1] else line
    return [Paragraph(tuple(paragraph)) for paragraph in found if paragraph]


def _lines(content: Iterable[Inline]) -> list[list[Inline]]:
    lines: list[list[Inline]] = [[]]
    for inline in content:
        if isinstance(inline, LineBreak):
            lines.append([])
        elif isinstance(inline, Text) and "\n" in inline.text:
            first, *rest = inline.text.split("\n")
            lines[-1].append(Text(first, inline.style))
            lines += [[Text(line, inline.style)] for line in rest]
        else:
            lines[-1].append(inline)
    return lines
