"""What hangs on a chatMessage: files to be carried, quoted messages, and words for the rest (reference teams.md §3.1)."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from mimetypes import guess_type
from typing import Any
from urllib.parse import unquote, urlsplit

from connectors.html import escape, from_html, web_address
from connectors.messages import Attachment, ConversationId
from connectors.richtext import Block, Inline, Link, Paragraph, Quote, Style, Text, normal_blocks
from connectors.teams.ids import hosted_content, hosted_handle, shared_handle
from connectors.teams.values import identity, mapping, string

_Attached = Mapping[str, Any]
UNKNOWN_TYPE = "application/octet-stream"
_PICTURE = ("image.png", "image/png")
"""A pasted picture has no name, and its type is told only on download: Teams itself stores them as PNG."""
_GIF_HOST = re.compile(r"https?://(?:[^/?#@]*\.)?(?:giphy|tenor)\.com[:/]", re.IGNORECASE)

REFERENCE, QUOTE = "reference", "messageReference"
"""Content types of a file, and of a message that is answered."""
_SNIPPET = "application/vnd.microsoft.card.codesnippet"


@dataclass(frozen=True, slots=True)
class Quoted:
    """Another message within a message; one that is forwarded is what the message is about, so it stands last."""

    label: str
    is_forwarded: bool
    blocks: tuple[Block, ...]


def placed(attachment: _Attached) -> str:
    """The tag that puts an attachment into a body; one without the other is refused."""
    return f'<attachment id="{escape(attachment["id"])}"></attachment>'


def file_of(attachment: _Attached, conversation: ConversationId, author: str) -> Attachment | None:
    """A file in SharePoint, or a long snippet of code; None for what is neither or cannot be reached."""
    match attachment.get("contentType"):
        case "reference":
            return _shared_file(attachment, conversation, author)
        case "application/vnd.microsoft.card.codesnippet":
            return _snippet(attachment, conversation)
    return None


def _shared_file(attachment: _Attached, conversation: ConversationId, author: str) -> Attachment | None:
    url = web_address(string(attachment.get("contentUrl")))
    if not url.lower().startswith("https://"):
        return None
    name = _one_line(string(attachment.get("name"))) or _one_line(unquote(_path(url).rpartition("/")[2])) or "file"
    return Attachment(name, _type_of(name), shared_handle(conversation, url, author), link=url)


def _snippet(attachment: _Attached, conversation: ConversationId) -> Attachment | None:
    """Read as a file: its text lies elsewhere, and only the conversation's own contents are opened."""
    snippet = mapping(_decoded(attachment))
    content = hosted_content(string(snippet.get("codeSnippetUrl")))
    if content is None or content[0] != conversation:
        return None
    name = _one_line(string(snippet.get("name")) or string(attachment.get("name"))) or "snippet"
    return Attachment(name if "." in name else f"{name}.txt", "text/plain", hosted_handle(*content))


def picture_of(source: str, alt: str, conversation: ConversationId) -> Attachment | tuple[str, Inline] | None:
    """A picture in the text: one of the conversation's own contents, or a label and a link to one elsewhere."""
    if (content := hosted_content(source)) is not None and content[0] == conversation:
        return Attachment(*_picture_name(alt), hosted_handle(*content))
    url = web_address(source)
    if content is not None or not url or url.startswith("mailto:"):
        return None
    is_gif = bool(_GIF_HOST.match(url)) or _path(url).lower().endswith(".gif")
    label, said = "GIF" if is_gif else "image", _one_line(alt)
    return label.lower(), Link(url, f"[{label}: {said}]" if said else f"[{label}]")


def _picture_name(alt: str) -> tuple[str, str]:
    name = _one_line(alt)
    kind = guess_type(name)[0] or ""
    return (name, kind) if kind.startswith("image/") else _PICTURE


def quoted(attachment: _Attached) -> Quoted | None:
    """A message that is answered or forwarded, as a quote that begins with its author."""
    kind = attachment.get("contentType")
    if kind not in (QUOTE, "forwardedMessageReference"):
        return None
    is_forwarded = kind == "forwardedMessageReference"
    label = "forwarded message" if is_forwarded else "quoted message"
    told = mapping(_decoded(attachment))
    said = from_html(string(told.get("originalMessageContent"))).blocks
    said = said or (Paragraph((Text(string(told.get("messagePreview"))),)),)
    _, name, _ = identity(told.get("originalMessageSender") or told.get("messageSender"))
    inner = normal_blocks((Paragraph((Text(_one_line(name), Style.BOLD),)), *said))
    return Quoted(label, is_forwarded, (Quote(inner),) if inner else (Paragraph((Text(f"[{label}]"),)),))


def word_of(attachment: _Attached) -> tuple[str, Inline]:
    """A label and the words that are said in place of an attachment, with a link where a person may look at it."""
    kind = string(attachment.get("contentType"))
    label, detail = _WORDS.get(kind, ("card", _card_text) if ".card." in kind else ("attachment", _name))
    said = _one_line(detail(attachment))
    text = f"[{label}: {said}]" if said else f"[{label}]"
    url = web_address(string(attachment.get("contentUrl")))
    return label, Link(url, text) if url else Text(text)


def _name(attachment: _Attached) -> str:
    return string(attachment.get("name"))


def _card_text(attachment: _Attached) -> str:
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


_WORDS: Mapping[str, tuple[str, Callable[[_Attached], str]]] = {
    REFERENCE: ("file", _name),
    _SNIPPET: ("code snippet", _name),
    "meetingReference": ("meeting", _name),
    "application/vnd.microsoft.card.audio": ("voice message", _name),
    "application/vnd.microsoft.card.video": ("video clip", _name),
    "application/vnd.microsoft.card.fluidEmbedCard": ("Loop component", _name),
}
"""What is said in place of an attachment, by its content type, and where its words come from."""


def _decoded(attachment: _Attached) -> object:
    """``content`` is JSON within JSON (§3.1)."""
    try:
        return json.loads(string(attachment.get("content")))
    except (ValueError, RecursionError):
        return None


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _type_of(name: str) -> str:
    return guess_type(name)[0] or UNKNOWN_TYPE


def _one_line(text: str) -> str:
    return " ".join(text.split())
