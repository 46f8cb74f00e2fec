"""Writing a draft for ``chat.postMessage`` (reference §4.2 to §4.4). Pure.

The message itself is one ``rich_text`` block, in which text is literal and needs no escaping. ``text`` is what
notifications and old clients show: plain, escaped, with formatting switched off, so that nothing a person typed is markup
there either.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from connectors.contract import Rendered
from connectors.messages import AccountId, Byline, Draft
from connectors.richtext import (
    Block,
    BulletList,
    CodeBlock,
    Emoji,
    Heading,
    Inline,
    LineBreak,
    Link,
    Mention,
    NumberedList,
    Paragraph,
    Quote,
    Style,
    Text,
    plain_inline,
)
from connectors.slack.ids import is_bot_profile, is_id
from connectors.slack.rich_text import DEEPEST

METADATA_TYPE = "mio_relayed"
"""The ``event_type`` under which a post carries its nonce; everybody in the workspace can read it."""

LONGEST_NAME = 80
"""Slack's limit for display names (§4.3)."""

_LANGUAGE = re.compile(r"[a-z0-9+#._-]{1,40}")
_FLAGS = (("bold", Style.BOLD), ("italic", Style.ITALIC), ("strike", Style.STRIKE), ("code", Style.CODE))
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

Element = dict[str, Any]


def render(draft: Draft) -> Rendered:
    """The draft as the body of ``chat.postMessage``; ``size`` is the length of the escaped text."""
    text = fallback(draft.body.blocks)
    payload = {
        "channel": draft.conversation,
        "text": text,
        "blocks": [{"type": "rich_text", "elements": list(elements(draft.body.blocks))}],
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "metadata": {"event_type": METADATA_TYPE, "event_payload": {"nonce": draft.nonce}},
    }
    if draft.byline:
        payload |= _voice(draft.byline)
    return Rendered(draft.conversation, payload, len(text), draft.nonce)


def _voice(byline: Byline) -> dict[str, str]:
    suffix = f" ({byline.platform})"
    voice = {"username": byline.name[: LONGEST_NAME - len(suffix)] + suffix}
    return voice | {"icon_url": byline.avatar_url} if byline.avatar_url.startswith("https://") else voice


def elements(blocks: Iterable[Block], quoted: bool = False) -> Iterator[Element]:
    """``blocks`` as the elements of a ``rich_text`` block. Neighbouring paragraphs are one section with empty lines."""
    section: list[Element] = []
    for block in blocks:
        if isinstance(block, Paragraph | Heading):
            section = _with_paragraph(section, block)
            continue
        if section:
            yield _section(section, quoted)
            section = []
        yield from _element(block, quoted)
    if section:
        yield _section(section, quoted)


def _section(content: list[Element], quoted: bool) -> Element:
    return {"type": "rich_text_quote" if quoted else "rich_text_section", "elements": content}


def _with_paragraph(section: list[Element], block: Paragraph | Heading) -> list[Element]:
    bold = Style.BOLD if isinstance(block, Heading) else Style.PLAIN
    if section:
        _append(section, _text("\n\n", Style.PLAIN))
    for inline in block.content:
        _append(section, _inline(inline, bold))
    return section


def _append(section: list[Element], element: Element) -> None:
    """Add an element, joined to the one before it where both are plain text."""
    last = section[-1] if section else {}
    if last.keys() == element.keys() == _PLAIN_KEYS:
        last["text"] += element["text"]
    else:
        section.append(element)


_PLAIN_KEYS = {"type": "text", "text": ""}.keys()


def _element(block: Block, quoted: bool) -> Iterator[Element]:
    border = {"border": 1} if quoted else {}
    match block:
        case CodeBlock(text, language):
            code = {"type": "rich_text_preformatted", "elements": [_text(text, Style.PLAIN)]} | border
            yield code | {"language": language} if _LANGUAGE.fullmatch(language) else code
        case Quote(blocks):
            yield from elements(map(_marked, blocks) if quoted else blocks, quoted=True)
        case BulletList() | NumberedList():
            yield from _list(block, 0, border)


def _marked(block: Block) -> Block:
    """A paragraph of a quote within a quote: Slack has one level, so the inner one is marked as on a typewriter."""
    if not isinstance(block, Paragraph):
        return block
    content: list[Inline] = [Text("> ")]
    for inline in block.content:
        content += [inline, Text("> ")] if isinstance(inline, LineBreak) else [inline]
    return Paragraph(tuple(content))


def _list(block: BulletList | NumberedList, indent: int, border: Element) -> Iterator[Element]:
    """A list is flat in Slack: it stops where an item holds more than text, and goes on with the next item's number."""
    sections: list[Element] = []
    first = start = block.start if isinstance(block, NumberedList) else 0
    for number, item in enumerate(block.items, start + 1):
        text, rest = _head(item)
        sections.append(_section(text or [_text(" ", Style.PLAIN)], quoted=False))
        if rest:
            yield _list_element(block, sections, indent, first, border)
            yield from _rest(rest, indent, border)
            sections, first = [], number
    if sections:
        yield _list_element(block, sections, indent, first, border)


def _list_element(
    block: BulletList | NumberedList, sections: list[Element], indent: int, first: int, border: Element
) -> Element:
    style = "ordered" if isinstance(block, NumberedList) else "bullet"
    element = {"type": "rich_text_list", "style": style, "indent": min(indent, DEEPEST), "elements": sections} | border
    return element | {"offset": first - 1} if style == "ordered" and first > 1 else element


def _head(item: Sequence[Block]) -> tuple[list[Element], Sequence[Block]]:
    """The paragraphs an item begins with as one section, and what follows them."""
    section: list[Element] = []
    for number, block in enumerate(item):
        if not isinstance(block, Paragraph | Heading):
            return section, item[number:]
        section = _with_paragraph(section, block)
    return section, ()


def _rest(blocks: Sequence[Block], indent: int, border: Element) -> Iterator[Element]:
    for block in blocks:
        if isinstance(block, BulletList | NumberedList):
            yield from _list(block, indent + 1, border)
        else:
            yield from elements((block,), quoted=bool(border))


def _text(text: str, style: Style) -> Element:
    if not style:
        return {"type": "text", "text": text}
    return {"type": "text", "text": text, "style": _flags(style)}


@cache
def _names(style: Style) -> tuple[str, ...]:
    return tuple(name for name, flag in _FLAGS if flag in style)


def _flags(style: Style) -> dict[str, bool]:
    return dict.fromkeys(_names(style), True)


def _inline(inline: Inline, bold: Style) -> Element:
    match inline:
        case Text(text, style):
            return _text(text, style | bold if bold else style)
        case Link(url, text, style):
            element: Element = {"type": "link", "url": url}
            element |= {} if text == url else {"text": text}
            style = style | bold if bold else style
            return element | {"style": _flags(style)} if style else element
        case Mention(name, account):
            return {"type": "user", "user_id": account} if _rings(account) else _text(f"@{name}", bold)
        case Emoji(name):
            return {"type": "emoji", "name": name}
        case LineBreak():
            return _text("\n", Style.PLAIN)


def _rings(account: AccountId | None) -> bool:
    return account is not None and is_id(account) and not is_bot_profile(account)


def fallback(blocks: Iterable[Block]) -> str:
    """``blocks`` as escaped plain text; only people who are mentioned stay a token."""
    return "\n".join(map(_fallback_block, blocks))


def _fallback_block(block: Block) -> str:
    match block:
        case Paragraph(content) | Heading(content):
            return "".join(map(_fallback_inline, content))
        case CodeBlock(text):
            return escape(text)
        case Quote(blocks):
            return "&gt; " + fallback(blocks).replace("\n", "\n&gt; ")
        case BulletList(items):
            return "\n".join("• " + _fallback_item(item) for item in items)
        case NumberedList(items, start):
            return "\n".join(f"{number}. " + _fallback_item(item) for number, item in enumerate(items, start))


def _fallback_item(item: Iterable[Block]) -> str:
    return fallback(item).replace("\n", "\n  ")


def _fallback_inline(inline: Inline) -> str:
    if isinstance(inline, Text):
        return escape(inline.text)
    if isinstance(inline, Mention) and _rings(inline.account):
        return f"<@{inline.account}>"
    return escape(plain_inline(inline))


def escape(text: str) -> str:
    """Exactly the three characters that Slack wants escaped (§4.1)."""
    return text.translate(_ESCAPES)
