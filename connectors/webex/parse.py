"""Reading a message as ``GET /messages/{id}`` tells it (reference §3.1, §4.2, §4.3). Pure.

``html`` if there is one, else ``text``, which is literal: it is never Markdown.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors.contract import Content
from connectors.html import Element, from_html
from connectors.messages import Event, Kind, Message, Posted, Reference, Skipped
from connectors.richtext import Block, Document, Inline, Mention, Paragraph, Text, document
from connectors.webex import ids
from connectors.webex.webhook import moment

SKIPPED = {
    Kind.EDITED: "edit",
    Kind.DELETED: "delete",
    Kind.REACTION: "reaction",
    Kind.MEMBERSHIP: "membership",
    Kind.OTHER: "other",
}
"""Why an event that is no new message does not cross."""

_EMPTY_LINES = re.compile(r"\n[ \t]*\n\s*")
_BLANKS = re.compile(r"\s+")


def parse(content: Content, reference: Reference) -> Event:
    """A new message, or the reason why this is none."""
    if reference.kind in SKIPPED:
        return Skipped(SKIPPED[reference.kind])
    author, sent_at = ids.plausible(content.get("personId")), moment(content.get("created"))
    if author is None or sent_at is None:
        return Skipped("unreadable")
    body = _body(content)
    if not body.blocks:
        return Skipped("empty")
    parent = ids.plausible(content.get("parentId"))
    return Posted(
        Message(
            id=reference.message,
            conversation=reference.conversation,
            author=ids.account(author),
            body=body,
            sent_at=sent_at,
            thread=ids.message(parent) if parent else None,
        )
    )


def _body(content: Content) -> Document:
    read = _text(content)
    attached, degraded = _attached(content, has_text=bool(read.blocks))
    return Document(read.blocks + attached, read.degraded + degraded) if degraded else read


def _text(content: Content) -> Document:
    match content:
        case {"html": str(html)} if html.strip():
            return _read_html(html)
        case {"text": str(text)}:
            return document(Paragraph((Text(paragraph),)) for paragraph in _EMPTY_LINES.split(text))
    return Document(())


def _attached(content: Content, has_text: bool) -> tuple[tuple[Block, ...], tuple[str, ...]]:
    """A line for each file, and for a card that no text stands for; a message tells neither's name."""
    files, cards = _length(content, "files"), _length(content, "attachments")
    lines = ["[file]"] * files + ([] if has_text else ["[card]"] * cards)
    blocks = document([Paragraph((Text("\n".join(lines)),))]).blocks
    return blocks, ("file",) * files + ("card",) * cards


def _length(content: Mapping[str, Any], name: str) -> int:
    value = content.get(name)
    return len(value) if isinstance(value, list) else 0


def _read_html(html: str) -> Document:
    broadcasts: list[str] = []
    read = from_html(html, {"spark-mention": _mentions(broadcasts)})
    return Document(read.blocks, read.degraded + tuple(broadcasts)) if broadcasts else read


def _mentions(broadcasts: list[str]) -> Callable[[Element], Inline | Sequence[Inline] | None]:
    """A reader of ``spark-mention``; mentions of everybody become plain text and are counted in ``broadcasts``."""

    def read(element: Element) -> Inline | None:
        shown = _BLANKS.sub(" ", "".join(element.itertext())).strip().removeprefix("@")
        given = element.get("data-object-id", "")
        if element.get("data-object-type") == "groupMention" or given == "all":
            broadcasts.append("broadcast")
            return Text(f"@{(element.get('data-group-type') or shown or 'all').lower()}")
        person = ids.account(given)
        return Mention(shown or "someone", person if ids.is_account(person) else None)

    return read
