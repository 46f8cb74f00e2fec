"""Document: the one neutral form of a text, the only one in which text travels between platforms.

A parser makes a ``Document`` from what a platform sent, a renderer makes a platform's own text from it. The form is kept
normal by ``document``: neighbouring texts of one style are one, nothing is empty, so that equal texts are equal values.
Standard emoji are characters of a ``Text``; an ``Emoji`` is one that has no character, a workspace's own.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Flag, auto
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.messages import AccountId, ConversationId


class Style(Flag):
    """How a run of text looks; styles combine."""

    PLAIN = 0
    BOLD = auto()
    ITALIC = auto()
    STRIKE = auto()
    CODE = auto()
    UNDERLINE = auto()

    __hash__ = object.__hash__
    """Each combination is one object; the hash that enumerations bring is slow, and styles are looked up for every run."""


STYLES = tuple(Style(bits) for bits in range(1 << len(Style)))
"""Every combination of styles, by its bits: for tables, because to ask flags anew for every run is slow."""


@cache
def both(one: Style, other: Style) -> Style:
    """Both styles at once. To combine flags anew for every run is what reading would spend most of its time on."""
    return one | other


@dataclass(frozen=True, slots=True)
class Text:
    """A run of literal characters without line breaks."""

    text: str
    style: Style = Style.PLAIN


@dataclass(frozen=True, slots=True)
class Link:
    """``text`` is what is shown; equal to ``url`` for a bare address. ``url`` is http, https or mailto."""

    url: str
    text: str
    style: Style = Style.PLAIN


@dataclass(frozen=True, slots=True)
class Mention:
    """A person. ``account`` is an id of the platform the document is read from or written for; None: only a name.

    ``name`` has no leading ``@``. ``address`` is the person's e-mail where it is known: Zoom mentions by it. It belongs to
    the account and tells nothing more about the text, so it does not count when documents are compared.
    """

    name: str
    account: "AccountId | None" = None
    address: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Emoji:
    """A workspace's own emoji, by its name without colons."""

    name: str


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Everybody in the conversation is called: ``here``, ``channel`` or ``all``. Rendered as a live call to everybody."""

    name: str


@dataclass(frozen=True, slots=True)
class ChannelMention:
    """Another conversation is named. ``name`` has no leading ``#`` and may be empty where only the id was told."""

    name: str
    conversation: "ConversationId | None" = None


@dataclass(frozen=True, slots=True)
class LineBreak:
    """A new line within a paragraph."""


Inline = Text | Link | Mention | Broadcast | ChannelMention | Emoji | LineBreak


@dataclass(frozen=True, slots=True)
class Paragraph:
    content: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """``level`` is 1 to 6."""

    content: tuple[Inline, ...]
    level: int = 1


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """``text`` is verbatim, with its line breaks, without a final one."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    blocks: tuple["Block", ...]


@dataclass(frozen=True, slots=True)
class BulletList:
    """Each item is a run of blocks: a paragraph, perhaps followed by a nested list."""

    items: tuple[tuple["Block", ...], ...]


@dataclass(frozen=True, slots=True)
class NumberedList:
    items: tuple[tuple["Block", ...], ...]
    start: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, each a run of inlines without line breaks. ``header``: the first row names the columns."""

    rows: tuple[tuple[tuple[Inline, ...], ...], ...]
    header: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """A horizontal line between two blocks."""


Block = Paragraph | Heading | CodeBlock | Quote | BulletList | NumberedList | Table | Rule


@dataclass(frozen=True, slots=True)
class Document:
    """``degraded`` names each construct the parser could not keep, once per occurrence: ``table``, ``broadcast``, …"""

    blocks: tuple[Block, ...]
    degraded: tuple[str, ...] = ()


def document(blocks: Iterable[Block], degraded: Iterable[str] = ()) -> Document:
    """A document in normal form."""
    return Document(normal_blocks(blocks), tuple(degraded))


def normal_blocks(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """``blocks`` in normal form; what holds nothing vanishes."""
    return tuple(filter(None, map(_normal_block, blocks)))


def _normal_block(block: Block) -> Block | None:
    match block:
        case Paragraph(content):
            content = normal_inlines(content)
            return Paragraph(content) if content else None
        case Heading(content, level):
            content = normal_inlines(content)
            return Heading(content, level) if content else None
        case CodeBlock(text):
            return block if text.strip() else None
        case Quote(blocks):
            blocks = normal_blocks(blocks)
            return Quote(blocks) if blocks else None
        case BulletList(items):
            items = _normal_items(items)
            return BulletList(items) if items else None
        case NumberedList(items, start):
            items = _normal_items(items)
            return NumberedList(items, start) if items else None
        case Table(rows):
            rows = tuple(tuple(map(_normal_cell, row)) for row in rows if row)
            return replace(block, rows=rows) if any(cell for row in rows for cell in row) else None
        case Rule():
            return block


def _normal_items(items: Iterable[tuple[Block, ...]]) -> tuple[tuple[Block, ...], ...]:
    return tuple(filter(None, map(normal_blocks, items)))


def _normal_cell(cell: tuple[Inline, ...]) -> tuple[Inline, ...]:
    return normal_inlines(Text(" ") if isinstance(inline, LineBreak) else inline for inline in cell)


def normal_inlines(content: Iterable[Inline]) -> tuple[Inline, ...]:
    """Join neighbours of one style, drop what is empty, and drop line breaks and blanks at both ends."""
    runs: list[Inline] = []
    last: Inline | None = None
    has_newlines = False
    for inline in content:
        if isinstance(inline, Text):
            if not inline.text:
                continue
            has_newlines = has_newlines or "\n" in inline.text
            if isinstance(last, Text) and last.style is inline.style:
                runs[-1] = last = Text(last.text + inline.text, inline.style)
                continue
        elif isinstance(inline, Link):
            if not inline.text:
                continue
            if isinstance(last, Link) and (last.url, last.style) == (inline.url, inline.style):
                runs[-1] = last = Link(inline.url, last.text + inline.text, inline.style)
                continue
        runs.append(inline)
        last = inline
    return _trimmed(list(_without_newlines(runs)) if has_newlines else runs)


def _without_newlines(content: Iterable[Inline]) -> Iterator[Inline]:
    for inline in content:
        if isinstance(inline, Text) and "\n" in inline.text:
            for number, line in enumerate(inline.text.split("\n")):
                if number:
                    yield LineBreak()
                if line:
                    yield Text(line, inline.style)
        else:
            yield inline


def _trimmed(runs: list[Inline]) -> tuple[Inline, ...]:
    while runs and _blank(runs[-1]):
        runs.pop()
    while runs and _blank(runs[0]):
        runs.pop(0)
    if runs and isinstance(first := runs[0], Text) and first.text[0].isspace():
        runs[0] = Text(first.text.lstrip(), first.style)
    if runs and isinstance(last := runs[-1], Text) and last.text[-1].isspace():
        runs[-1] = Text(last.text.rstrip(), last.style)
    return tuple(runs)


def _blank(inline: Inline) -> bool:
    return isinstance(inline, LineBreak) or (isinstance(inline, Text) and not inline.text.strip())


def encodable(text: str) -> str:
    """``text`` without half emoji: JSON can hold lone surrogates, no other platform's request can."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def map_inlines(document: Document, change: Callable[[Inline], Inline]) -> Document:
    """The same document with every inline replaced by what ``change`` makes of it."""
    return Document(tuple(_map_block(block, change) for block in document.blocks), document.degraded)


def _map_block(block: Block, change: Callable[[Inline], Inline]) -> Block:
    match block:
        case Paragraph(content) | Heading(content):
            return replace(block, content=tuple(map(change, content)))
        case CodeBlock() | Rule():
            return block
        case Table(rows):
            return replace(block, rows=tuple(tuple(tuple(map(change, cell)) for cell in row) for row in rows))
        case Quote(blocks):
            return Quote(tuple(_map_block(inner, change) for inner in blocks))
        case BulletList(items) | NumberedList(items):
            return replace(block, items=tuple(tuple(_map_block(inner, change) for inner in item) for item in items))


def inlines(blocks: Iterable[Block]) -> Iterator[Inline]:
    """Every inline of ``blocks``, in reading order."""
    for block in blocks:
        match block:
            case Paragraph(content) | Heading(content):
                yield from content
            case Quote(inner):
                yield from inlines(inner)
            case BulletList(items) | NumberedList(items):
                for item in items:
                    yield from inlines(item)
            case Table(rows):
                for row in rows:
                    for cell in row:
                        yield from cell
            case CodeBlock() | Rule():
                pass


def letters(blocks: Iterable[Block]) -> int:
    """How many characters of text and code ``blocks`` hold: counted in a fraction of the time that writing them takes."""
    count = 0
    for block in blocks:
        match block:
            case CodeBlock(text):
                count += len(text)
            case Quote(inner):
                count += letters(inner)
            case BulletList(items) | NumberedList(items):
                count += sum(map(letters, items))
            case _:
                count += sum([len(inline.text) for inline in inlines((block,)) if isinstance(inline, Text)])
    return count


def mentions(document: Document) -> list[Mention]:
    """The people named in a document, in reading order."""
    return [inline for inline in inlines(document.blocks) if isinstance(inline, Mention)]


RULE = "———"
"""A horizontal line where there is none: three em dashes, which no platform takes for markup."""


def plain(document: Document) -> str:
    """A document as plain text: for previews, notifications and comparisons, never sent as a message."""
    return "\n".join(_plain_block(block) for block in document.blocks)


def _plain_block(block: Block) -> str:
    match block:
        case Paragraph(content) | Heading(content):
            return "".join(map(plain_inline, content))
        case CodeBlock(text):
            return text
        case Quote(blocks):
            return "\n".join("> " + line for inner in blocks for line in _plain_block(inner).split("\n"))
        case BulletList(items):
            return "\n".join("• " + _plain_item(item) for item in items)
        case NumberedList(items, start):
            return "\n".join(f"{number}. " + _plain_item(item) for number, item in enumerate(items, start))
        case Table(rows):
            return "\n".join(" | ".join("".join(map(plain_inline, cell)) for cell in row) for row in rows)
        case Rule():
            return RULE


def _plain_item(item: tuple[Block, ...]) -> str:
    return "\n".join(map(_plain_block, item)).replace("\n", "\n  ")


def plain_inline(inline: Inline) -> str:
    """One inline as plain text."""
    match inline:
        case Text(text):
            return text
        case Link(url, text):
            return text if text == url else f"{text} ({url})"
        case Mention(name):
            return f"@{name}"
        case Broadcast(name):
            return f"@{name}"
        case ChannelMention(name):
            return f"#{name}"
        case Emoji(name):
            return f":{name}:"
        case LineBreak():
            return "\n"
