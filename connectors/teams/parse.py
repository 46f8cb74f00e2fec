"""Graph's chatMessage, read into the neutral form (reference teams.md §3.1, §4.1). Pure; no shape of JSON upsets it."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors.contract import Content
from connectors.emoji import character
from connectors.html import Element, from_html
from connectors.messages import AccountId, Event, Kind, Message, Posted, Reference, Skipped
from connectors.richtext import Document, Emoji, Heading, Inline, Mention, Paragraph, Text, document, normal_blocks
from connectors.teams.ids import message_id, root_and_reply
from connectors.teams.webhook import said_at

_SKIPPED_KINDS = {
    Kind.EDITED: "edit",
    Kind.DELETED: "delete",
    Kind.REACTION: "reaction",
    Kind.MEMBERSHIP: "membership",
    Kind.OTHER: "other",
}
_FRACTION = re.compile(r"\.\d+")
_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*")
_SKYPE_EMOJI = "http://schema.skype.com/Emoji"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse(content: Content, reference: Reference) -> Event:
    """Read a message; the type comes first, because system messages have neither author nor text."""
    if content.get("messageType", "message") != "message":
        return Skipped("system message")
    if content.get("deletedDateTime"):
        return Skipped("delete")
    if why := _SKIPPED_KINDS.get(reference.kind):
        return Skipped(why)
    author, name = _author(_object(content.get("from")))
    if not author:
        return Skipped("no author")
    body = document_of(content)
    if not body.blocks:
        return Skipped("empty message")
    root, reply = root_and_reply(reference.message)
    return Posted(
        Message(
            id=reference.message,
            conversation=reference.conversation,
            author=AccountId(author),
            body=body,
            sent_at=_sent_at(content, reference),
            author_name=name,
            thread=message_id(root) if reply else None,
        )
    )


def document_of(content: Content) -> Document:
    """The text of a message: its subject as a heading, its body, a word for each attachment without a place in it."""
    body = _object(content.get("body"))
    reader = _Reader(_mentions(content), _attachments(content))
    said = reader.read(_string(body.get("content")), _string(body.get("contentType")).lower() == "html")
    head = normal_blocks([Heading((Text(_string(content.get("subject"))),))])
    tail = normal_blocks(Paragraph((Text(word),)) for word in reader.unplaced())
    return Document((*head, *said.blocks, *tail), (*said.degraded, *reader.degraded))


def timestamp(value: object) -> datetime | None:
    """Graph's time with 0 to 7 digits of fraction; None for what is not one."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(_FRACTION.sub(lambda digits: digits[0][:7].ljust(7, "0"), value, count=1))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _sent_at(content: Content, reference: Reference) -> datetime:
    return timestamp(content.get("createdDateTime")) or said_at(reference.message) or _EPOCH


def _author(sender: Mapping[str, Any]) -> tuple[str, str]:
    """Id and name of the person or the foreign app that speaks."""
    for kind in ("user", "application"):
        identity = _object(sender.get(kind))
        if author := _string(identity.get("id")):
            return author, _string(identity.get("displayName"))
    return "", ""


def _mentions(content: Content) -> dict[str, Mapping[str, Any]]:
    return {str(mention.get("id")): _object(mention.get("mentioned")) for mention in _objects(content.get("mentions"))}


def _attachments(content: Content) -> dict[str, Mapping[str, Any]]:
    attachments = _objects(content.get("attachments"))
    return {_string(attachment.get("id")) or f"#{n}": attachment for n, attachment in enumerate(attachments)}


@dataclass(slots=True)
class _Reader:
    """Reads one body; ``attachments`` are those without a place in it so far."""

    mentions: Mapping[str, Mapping[str, Any]]
    attachments: dict[str, Mapping[str, Any]]
    degraded: list[str] = field(default_factory=list)
    _said: set[Element] = field(default_factory=set)

    def read(self, content: str, is_html: bool) -> Document:
        if not is_html:
            return document(
                Paragraph((Text(paragraph),)) for paragraph in _BLANK_LINES.split(content.replace("\r\n", "\n"))
            )
        return from_html(content, self._special())

    def _special(self) -> dict[str, Callable[[Element], Inline | Sequence[Inline] | None]]:
        return {
            "at": self._at,
            "attachment": self._attachment,
            "customemoji": _custom_emoji,
            "emoji": _emoji,
            "img": _emoji_image,
        }

    def unplaced(self) -> Iterator[str]:
        """A word for each attachment that no tag of the body placed."""
        for attachment in self.attachments.values():
            yield self._word(attachment)

    def _attachment(self, element: Element) -> Inline | Sequence[Inline]:
        attachment = self.attachments.pop(element.get("id", ""), None)
        return () if attachment is None else Text(self._word(attachment) + " ")

    def _word(self, attachment: Mapping[str, Any]) -> str:
        kind = _string(attachment.get("contentType"))
        label, detail = _ATTACHMENTS.get(kind, ("card", _card_text) if ".card." in kind else ("attachment", _name))
        self.degraded.append(label)
        said = " ".join(detail(attachment).split())
        return f"[{label}: {said}]" if said else f"[{label}]"

    def _at(self, element: Element) -> Inline | Sequence[Inline]:
        """One mention for a person whose name fills several elements, one per word (§4.1)."""
        if element in self._said:
            return ()
        mentioned = self._mentioned(element)
        name = " ".join(self._words(element)).removeprefix("@")
        if mentioned.get("conversation") or mentioned.get("tag"):
            self.degraded.append("broadcast" if mentioned.get("conversation") else "user group")
            return Text(f"@{name}")
        identity = _object(mentioned.get("user")) or _object(mentioned.get("application"))
        account = _string(identity.get("id"))
        return Mention(name or _string(identity.get("displayName")) or "?", AccountId(account) if account else None)

    def _words(self, element: Element) -> list[str]:
        """The words of a name, from this element and its followers, which are then said."""
        words, user = [_text(element)], self._user(element)
        while (follower := _follower(element)) is not None and user and self._user(follower) == user:
            if _text(follower) in words:
                break
            element.tail = None
            element = follower
            self._said.add(element)
            words.append(_text(element))
        return words

    def _mentioned(self, element: Element) -> Mapping[str, Any]:
        return self.mentions.get(element.get("id", ""), {})

    def _user(self, element: Element) -> str:
        return _string(_object(self._mentioned(element).get("user")).get("id"))


def _follower(element: Element) -> Element | None:
    """The mention right after this one, with nothing but blanks between them."""
    follower = None if (element.tail or "").strip() else element.getnext()
    return follower if follower is not None and follower.tag == "at" else None


def _text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _emoji(element: Element) -> Inline:
    return _character_or_name(element.get("alt", ""), element.get("title", "") or element.get("id", ""))


def _custom_emoji(element: Element) -> Inline:
    return Emoji(_emoji_name(element.get("alt", "") or element.get("id", "")))


def _emoji_image(element: Element) -> Inline | None:
    if element.get("itemtype") != _SKYPE_EMOJI:
        return None
    return _character_or_name(element.get("alt", ""), element.get("title", "") or element.get("itemid", ""))


def _character_or_name(alt: str, name: str) -> Inline:
    if known := alt if not alt.isascii() else character(name):
        return Text(known)
    return Emoji(_emoji_name(alt or name))


def _emoji_name(name: str) -> str:
    return "_".join(name.strip(":").split()) or "emoji"


def _name(attachment: Mapping[str, Any]) -> str:
    return _string(attachment.get("name"))


def _card_text(attachment: Mapping[str, Any]) -> str:
    """The readable words of a card: its titles and texts in order."""
    return " ".join(_card_words(_decoded(attachment), 0)) or _name(attachment)


_CARD_WORDS = ("title", "subtitle", "text", "value")
DEEPEST_CARD = 20
"""Levels of a card that are read; designers make about ten."""


def _card_words(node: object, depth: int) -> Iterator[str]:
    if depth > DEEPEST_CARD:
        return
    if isinstance(node, list):
        for inner in node:
            yield from _card_words(inner, depth + 1)
    elif isinstance(node, dict):
        for key, inner in node.items():
            if isinstance(inner, str):
                yield from (inner,) if key in _CARD_WORDS else ()
            else:
                yield from _card_words(inner, depth + 1)


def _preview(attachment: Mapping[str, Any]) -> str:
    quoted = _object(_decoded(attachment))
    sender = _object(_object(quoted.get("messageSender")).get("user"))
    who, said = _string(sender.get("displayName")), _string(quoted.get("messagePreview"))
    return f"{who}: {said}" if who and said else who or said


def _decoded(attachment: Mapping[str, Any]) -> object:
    """``content`` is JSON within JSON (§3.1)."""
    try:
        return json.loads(_string(attachment.get("content")))
    except (ValueError, RecursionError):
        return None


_ATTACHMENTS: dict[str, tuple[str, Callable[[Mapping[str, Any]], str]]] = {
    "reference": ("file", _name),
    "messageReference": ("quoted message", _preview),
    "forwardedMessageReference": ("forwarded message", _preview),
    "application/vnd.microsoft.card.codesnippet": ("code snippet", _name),
}
"""What is said in place of an attachment, by its content type, and where its words come from."""


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
