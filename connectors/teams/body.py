"""The text of a chatMessage: its HTML with Teams' own tags, and what its attachments say (reference teams.md §3.1, §4.1)."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.contract import Content
from connectors.emoji import character
from connectors.html import Element, from_html
from connectors.messages import AccountId, Attachment, ConversationId
from connectors.richtext import (
    Block,
    Broadcast,
    ChannelMention,
    Document,
    Emoji,
    Heading,
    Inline,
    Mention,
    Paragraph,
    Text,
    document,
    normal_blocks,
)
from connectors.teams.attachments import file_of, picture_of, quoted, word_of
from connectors.teams.ids import channel_id, is_channel, team_and_channel
from connectors.teams.values import identity, mapping, mappings, string

_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*")
_SKYPE_EMOJI = "http://schema.skype.com/Emoji"
_NOWHERE = ConversationId("")


@dataclass(frozen=True, slots=True)
class Read:
    """What a message says and carries."""

    body: Document
    attachments: tuple[Attachment, ...]


def read_body(content: Content, conversation: ConversationId = _NOWHERE) -> Read:
    """Read a message of ``conversation``: its subject as a heading, quoted messages, its text, and its attachments.

    Only contents of that same conversation become attachments: our token could read those of others too.
    """
    author, _, _ = identity(content.get("from"))
    reader = _Reader(conversation, author, _mentions(content), _attachments(content))
    body = mapping(content.get("body"))
    said = reader.read(string(body.get("content")), string(body.get("contentType")).lower() == "html")
    words = [Paragraph((word,)) for word in reader.unplaced()]
    head = [Heading((Text(string(content.get("subject"))),)), *reader.quotes]
    blocks = (*normal_blocks(head), *said.blocks, *normal_blocks((*reader.forwarded, *words)))
    return Read(Document(blocks, (*said.degraded, *reader.degraded)), tuple(reader.files))


def _mentions(content: Content) -> dict[str, Mapping[str, Any]]:
    return {str(mention.get("id")): mapping(mention.get("mentioned")) for mention in mappings(content.get("mentions"))}


def _attachments(content: Content) -> dict[str, Mapping[str, Any]]:
    attachments = mappings(content.get("attachments"))
    return {string(attachment.get("id")) or f"#{n}": attachment for n, attachment in enumerate(attachments)}


@dataclass(slots=True)
class _Reader:
    """Reads one body; ``attachments`` are those without a place in it so far."""

    conversation: ConversationId
    author: str
    mentions: Mapping[str, Mapping[str, Any]]
    attachments: dict[str, Mapping[str, Any]]
    degraded: list[str] = field(default_factory=list)
    files: list[Attachment] = field(default_factory=list)
    quotes: list[Block] = field(default_factory=list)
    forwarded: list[Block] = field(default_factory=list)
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
            "img": self._image,
        }

    def unplaced(self) -> Iterator[Inline]:
        """Words for the attachments that no tag of the body placed."""
        for attachment in self.attachments.values():
            yield from self._carried(attachment)

    def _attachment(self, element: Element) -> Sequence[Inline]:
        attachment = self.attachments.pop(element.get("id", ""), None)
        words = () if attachment is None else self._carried(attachment)
        return (*words, Text(" ")) if words else ()

    def _carried(self, attachment: Mapping[str, Any]) -> tuple[Inline, ...]:
        """Take up a file or a quoted message; words for what is neither."""
        if file := file_of(attachment, self.conversation, self.author):
            self.files.append(file)
            return ()
        if quote := quoted(attachment):
            self.degraded.append(quote.label)
            (self.forwarded if quote.is_forwarded else self.quotes).extend(quote.blocks)
            return ()
        label, word = word_of(attachment)
        self.degraded.append(label)
        return (word,)

    def _image(self, element: Element) -> Inline | Sequence[Inline] | None:
        if element.get("itemtype") == _SKYPE_EMOJI:
            return _character_or_name(element.get("alt", ""), element.get("title", "") or element.get("itemid", ""))
        meaning = picture_of(element.get("src", ""), element.get("alt", ""), self.conversation)
        match meaning:
            case Attachment():
                self.files.append(meaning)
                return ()
            case (label, word):
                self.degraded.append(label)
                return (word,)
        return None

    def _at(self, element: Element) -> Inline | Sequence[Inline]:
        """One mention for a person whose name fills several elements, one per word (§4.1)."""
        if element in self._said:
            return ()
        mentioned = self._mentioned(element)
        name = " ".join(self._words(element)).removeprefix("@")
        if conversation := mapping(mentioned.get("conversation")):
            return self._conversation(conversation, name)
        if mentioned.get("tag"):
            self.degraded.append("user group")
            return Text(f"@{name}")
        person = mapping(mentioned.get("user")) or mapping(mentioned.get("application"))
        account = string(person.get("id"))
        return Mention(name or string(person.get("displayName")) or "?", AccountId(account) if account else None)

    def _conversation(self, mentioned: Mapping[str, Any], name: str) -> Inline:
        """Mentioning this channel, its team or its chat calls everybody in it; another channel is only named."""
        team, here = team_and_channel(self.conversation)
        kind, id_ = string(mentioned.get("conversationIdentityType")), string(mentioned.get("id"))
        is_elsewhere = here and id_ and id_ != here and "/" not in id_
        if kind not in ("team", "chat") and is_elsewhere and is_channel(self.conversation):
            return ChannelMention(name.removeprefix("#") or string(mentioned.get("displayName")), channel_id(team, id_))
        return Broadcast("all" if kind in ("team", "chat") else "channel")

    def _words(self, element: Element) -> list[str]:
        """The words of a name, from this element and its followers, which are then said."""
        words, user = [_text(element)], self._user(element)
        while user and (follower := _follower(element)) is not None and self._user(follower) == user:
            if (word := _text(follower)) in words:
                break
            element.tail = None
            element = follower
            self._said.add(element)
            words.append(word)
        return words

    def _mentioned(self, element: Element) -> Mapping[str, Any]:
        return self.mentions.get(element.get("id", ""), {})

    def _user(self, element: Element) -> str:
        return string(mapping(self._mentioned(element).get("user")).get("id"))


def _follower(element: Element) -> Element | None:
    """The mention right after this one, with nothing but blanks between them."""
    follower = None if (element.tail or "").strip() else element.getnext()
    return follower if follower is not None and follower.tag == "at" else None


def _text(element: Element) -> str:
    said = "".join(element.itertext()) if len(element) else element.text or ""
    return " ".join(said.split())


def _emoji(element: Element) -> Inline:
    return _character_or_name(element.get("alt", ""), element.get("title", "") or element.get("id", ""))


def _custom_emoji(element: Element) -> Inline:
    return Emoji(emoji_name(element.get("alt", "") or element.get("id", "")))


def _character_or_name(alt: str, name: str) -> Inline:
    if known := alt if not alt.isascii() else character(name):
        return Text(known)
    return Emoji(emoji_name(alt or name))


def emoji_name(name: str) -> str:
    """The name of a workspace's own emoji, without colons and blanks; never empty."""
    return "_".join(name.strip(":").split()) or "emoji"
