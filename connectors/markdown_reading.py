"""Reads the Markdown that people type: CommonMark with strikethrough, tables and bare addresses.

Raw HTML stays literal text. Nothing that was typed is dropped.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from connectors.richtext import (
    Block,
    BulletList,
    CodeBlock,
    Document,
    Heading,
    Inline,
    LineBreak,
    Link,
    NumberedList,
    Paragraph,
    Quote,
    Rule,
    Style,
    Table,
    Text,
    document,
)

_BARE_ADDRESS = re.compile(r"://[^\s<>\"`|\\]+")
_SCHEME = re.compile(r"(?<![A-Za-z0-9])https?$", re.IGNORECASE)
SAFE_SCHEME = re.compile(r"(?:https?|mailto):", re.IGNORECASE)
_MARKERS = {"strong": Style.BOLD, "em": Style.ITALIC, "s": Style.STRIKE}

DEEPEST = 100
"""Levels of nesting read as structure: nobody types more, and the reader recurses once per level."""


class VerbatimAddresses(MarkdownIt):
    """Keeps addresses as they were typed instead of re-encoding them."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802 (the base class's name)
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802
        return link


def bare_address(state: StateInline, silent: bool) -> bool:
    """An inline rule: ``https://…`` without brackets, as a link; trailing punctuation belongs to the sentence."""
    if state.src[state.pos] != ":" or state.linkLevel:
        return False
    scheme = _SCHEME.search(state.pending)
    found = _BARE_ADDRESS.match(state.src, state.pos)
    if not scheme or not found:
        return False
    rest = _without_sentence_end(found[0])
    if len(rest) <= len("://"):
        return False
    if not silent:
        state.pending = state.pending[: scheme.start()]
        _push_link(state, scheme[0] + rest)
    state.pos += len(rest)
    return True


def _without_sentence_end(address: str) -> str:
    while address[-1] in ".,;:!?'*_~" or (address[-1] in ")]" and address.count("(") + address.count("[") == 0):
        address = address[:-1]
    return address


def _push_link(state: StateInline, url: str) -> None:
    opening = state.push("link_open", "a", 1)
    opening.attrs = {"href": url}
    opening.markup = "autolink"
    state.push("text", "", 0).content = url
    state.push("link_close", "a", -1).markup = "autolink"


def reader() -> MarkdownIt:
    """A CommonMark parser for chat: no reference definitions or underlined headings, which eat what was typed."""
    made = VerbatimAddresses("commonmark", {"html": False, "maxNesting": DEEPEST})
    made.enable(["strikethrough", "table"]).disable(["reference", "lheading", "html_block", "html_inline"])
    made.inline.ruler.before("escape", "bare_address", bare_address)
    return made


_READER = reader()


def from_markdown(text: str) -> Document:
    """What a person typed, as a document. Hard and soft line breaks both stay line breaks."""
    degraded: list[str] = []
    tokens = iter(_READER.parse(text))
    return document(_blocks(tokens, degraded), degraded)


def _blocks(tokens: Iterator[Token], degraded: list[str], until: str = "") -> list[Block]:
    """Blocks up to the closing token ``until``, which is consumed."""
    blocks: list[Block] = []
    for token in tokens:
        if token.type == until:
            break
        if read := _BLOCKS.get(token.type):
            blocks.append(read(token, tokens, degraded))
    return blocks


def _paragraph(token: Token, _tokens: Iterator[Token], degraded: list[str]) -> Paragraph:
    return Paragraph(tuple(_inlines(token.children or [], degraded)))


def _heading(opening: Token, tokens: Iterator[Token], degraded: list[str]) -> Heading:
    return Heading(tuple(_inlines(next(tokens).children or [], degraded)), int(opening.tag[1]))


def _code(token: Token, _tokens: Iterator[Token], _degraded: list[str]) -> CodeBlock:
    return CodeBlock(token.content.removesuffix("\n"), token.info.strip().partition(" ")[0])


def _quote(_opening: Token, tokens: Iterator[Token], degraded: list[str]) -> Quote:
    return Quote(tuple(_blocks(tokens, degraded, "blockquote_close")))


def _bullets(_opening: Token, tokens: Iterator[Token], degraded: list[str]) -> BulletList:
    return BulletList(_items(tokens, degraded, "bullet_list_close"))


def _numbers(opening: Token, tokens: Iterator[Token], degraded: list[str]) -> NumberedList:
    return NumberedList(_items(tokens, degraded, "ordered_list_close"), int(opening.attrs.get("start", 1)))


def _rule(_token: Token, _tokens: Iterator[Token], _degraded: list[str]) -> Rule:
    return Rule()


def _items(tokens: Iterator[Token], degraded: list[str], until: str) -> tuple[tuple[Block, ...], ...]:
    items = []
    for token in tokens:
        if token.type == until:
            break
        items.append(tuple(_blocks(tokens, degraded, "list_item_close")))
    return tuple(items)


def _table(_opening: Token, tokens: Iterator[Token], degraded: list[str]) -> Table:
    rows: list[list[tuple[Inline, ...]]] = []
    for token in tokens:
        match token.type:
            case "table_close":
                break
            case "tr_open":
                rows.append([])
            case "inline":
                rows[-1].append(tuple(_inlines(token.children or [], degraded)))
    return Table(tuple(map(tuple, rows)))


_BLOCKS: dict[str, Callable[[Token, Iterator[Token], list[str]], Block]] = {
    "inline": _paragraph,
    "heading_open": _heading,
    "fence": _code,
    "code_block": _code,
    "blockquote_open": _quote,
    "bullet_list_open": _bullets,
    "ordered_list_open": _numbers,
    "hr": _rule,
    "table_open": _table,
}


def _inlines(tokens: Iterable[Token], degraded: list[str]) -> Iterator[Inline]:
    style, url, auto = Style.PLAIN, "", False
    for token in tokens:
        kind = token.type
        if kind == "link_open":
            url, auto = str(token.attrs["href"]), token.markup == "autolink"
        elif kind == "link_close":
            if url and not auto and not SAFE_SCHEME.match(url):
                degraded.append("link")
                yield Text(f" ({url})", style)
            url = ""
        elif kind in ("softbreak", "hardbreak"):
            yield LineBreak()
        elif kind.endswith("_open"):
            style |= _MARKERS[token.tag]
        elif kind.endswith("_close"):
            style &= ~_MARKERS[token.tag]
        else:
            yield _run(token, style, url, degraded)


def _run(token: Token, style: Style, url: str, degraded: list[str]) -> Inline:
    text = token.content
    if token.type == "code_inline":
        style |= Style.CODE
    elif token.type == "image":
        degraded.append("image")
        text = f"[image: {text}]" if text else "[image]"
    return Link(url, text, style) if SAFE_SCHEME.match(url) else Text(text, style)
