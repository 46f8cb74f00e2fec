"""Writing a ``rich_text`` block (reference §4.2): text is literal there and needs no escaping. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from connectors.richtext import (
    RULE,
    Block,
    Broadcast,
    BulletList,
    ChannelMention,
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
    Rule,
    Style,
    Table,
    Text,
    both,
    plain_inline,
)
from connectors.slack.plain_text import RANGES, grid, rings
from connectors.slack.rich_text import DEEPEST

_LANGUAGE = re.compile(r"[a-z0-9+#._-]{1,40}")
_FLAGS = (
    ("bold", Style.BOLD),
    ("italic", Style.ITALIC),
    ("strike", Style.STRIKE),
    ("code", Style.CODE),
    ("underline", Style.UNDERLINE),
)

Element = dict[str, Any]


def elements(blocks: Iterable[Block], quoted: bool = False) -> Iterator[Element]:
    """``blocks`` as the elements of a ``rich_text`` block. Neighbouring paragraphs are one section with empty lines."""
    words: list[Element] = []
    for block in map(_in_words, blocks):
        if isinstance(block, Paragraph | Heading):
            words = _with_paragraph(words, block)
            continue
        if words:
            yield section_of(words, quoted)
            words = []
        yield from _element(block, quoted)
    if words:
        yield section_of(words, quoted)


def _in_words(block: Block) -> Block:
    """What a ``rich_text`` block has no form for: a rule is a line of dashes, a table is set like code."""
    match block:
        case Rule():
            return Paragraph((Text(RULE),))
        case Table():
            return CodeBlock(grid(block))
    return block


def section_of(content: list[Element], quoted: bool) -> Element:
    return {"type": "rich_text_quote" if quoted else "rich_text_section", "elements": content}


def _with_paragraph(words: list[Element], block: Paragraph | Heading) -> list[Element]:
    bold = Style.BOLD if isinstance(block, Heading) else Style.PLAIN
    if words:
        _append(words, text_element("\n\n", Style.PLAIN))
    for inline in block.content:
        _append(words, inline_element(inline, bold))
    return words


def _append(words: list[Element], element: Element) -> None:
    """Add an element, joined to the one before it where both are plain text."""
    if words and element.keys() == _PLAIN_KEYS == words[-1].keys():
        words[-1]["text"] += element["text"]
    else:
        words.append(element)


_PLAIN_KEYS = {"type": "text", "text": ""}.keys()


def _element(block: Block, quoted: bool) -> Iterator[Element]:
    border = {"border": 1} if quoted else {}
    match block:
        case CodeBlock(text, language):
            code = {"type": "rich_text_preformatted", "elements": [text_element(text, Style.PLAIN)]} | border
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
        sections.append(section_of(text or [text_element(" ", Style.PLAIN)], quoted=False))
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
    """The paragraphs an item begins with as one words, and what follows them."""
    words: list[Element] = []
    for number, block in enumerate(map(_in_words, item)):
        if not isinstance(block, Paragraph | Heading):
            return words, item[number:]
        words = _with_paragraph(words, block)
    return words, ()


def _rest(blocks: Sequence[Block], indent: int, border: Element) -> Iterator[Element]:
    for block in blocks:
        if isinstance(block, BulletList | NumberedList):
            yield from _list(block, indent + 1, border)
        else:
            yield from elements((block,), quoted=bool(border))


def text_element(text: str, style: Style) -> Element:
    if style is Style.PLAIN:
        return {"type": "text", "text": text}
    return {"type": "text", "text": text, "style": _flags(style)}


@cache
def _names(style: Style) -> tuple[str, ...]:
    return tuple(name for name, flag in _FLAGS if flag in style)


def _flags(style: Style) -> dict[str, bool]:
    return dict.fromkeys(_names(style), True)


def inline_element(inline: Inline, bold: Style) -> Element:
    if isinstance(inline, Text):
        return text_element(inline.text, both(inline.style, bold))
    match inline:
        case Link(url, text, style):
            element: Element = (
                {"type": "link", "url": url} if text == url else {"type": "link", "url": url, "text": text}
            )
            flags = _flags(both(style, bold))
            return element | {"style": flags} if flags else element
        case Mention(name, account):
            return {"type": "user", "user_id": account} if rings(account) else text_element(f"@{name}", bold)
        case Broadcast(name) if name in RANGES:
            return {"type": "broadcast", "range": RANGES[name]}
        case Broadcast() | ChannelMention():
            return text_element(plain_inline(inline), bold)
        case Emoji(name):
            return {"type": "emoji", "name": name}
        case LineBreak():
            return text_element("\n", Style.PLAIN)
