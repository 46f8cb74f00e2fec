"""Everything a text can hold, each with a sample and a way to recognise it: the rows of the fidelity table."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from connectors.rehearsal import HERE, SOMEBODY
from connectors.richtext import (
    Block,
    Broadcast,
    BulletList,
    ChannelMention,
    CodeBlock,
    Document,
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
    document,
)

Part = Block | Inline

PLAIN = "as plain text"


@dataclass(frozen=True, slots=True)
class Construct:
    """``is_in`` tells whether a document holds one; ``otherwise`` says in words how text alone stands in for it."""

    name: str
    sample: Document
    is_in: Callable[[Document], bool]
    otherwise: str = PLAIN


def parts(blocks: tuple[Block, ...]) -> Iterator[Part]:
    """Every block and inline of ``blocks``, nested ones too."""
    for block in blocks:
        yield block
        match block:
            case Paragraph(content) | Heading(content):
                yield from content
            case Quote(inner):
                yield from parts(inner)
            case BulletList(items) | NumberedList(items):
                for item in items:
                    yield from parts(item)
            case Table(rows):
                yield from (inline for row in rows for cell in row for inline in cell)
            case CodeBlock() | Rule():
                pass


def _one(name: str, sample: Document, shows: Callable[[Part], bool], otherwise: str = PLAIN) -> Construct:
    """A construct that is a block or an inline: ``shows`` knows it when it sees it."""
    return Construct(name, sample, lambda body: any(map(shows, parts(body.blocks))), otherwise)


def _styled(name: str, style: Style) -> Construct:
    return _one(name, _line(Text("word", style)), lambda part: isinstance(part, Text) and style in part.style)


def _character(name: str, text: str, pattern: str) -> Construct:
    found = re.compile(pattern)
    return _one(name, _line(Text(text)), lambda part: isinstance(part, Text) and bool(found.search(part.text)))


def _heading(name: str, levels: range) -> Construct:
    sample = document([Heading((Text("Title"),), levels.start)])
    return _one(name, sample, lambda part: isinstance(part, Heading) and part.level in levels)


def _called(name: str, called: str, names: tuple[str, ...]) -> Construct:
    return _one(
        name, _line(Broadcast(called)), lambda part: isinstance(part, Broadcast) and part.name in names, "as its name"
    )


def _line(*content: Inline) -> Document:
    return document([Paragraph(content)])


def _item(text: str, *more: Block) -> tuple[Block, ...]:
    return (Paragraph((Text(text),)), *more)


def _holds(part: Part, *kinds: type[Block]) -> bool:
    """Whether an item of a list has a block of one of ``kinds`` in it."""
    if not isinstance(part, BulletList | NumberedList):
        return False
    return any(isinstance(block, kinds) for item in part.items for block in item)


def _mixes(part: Part) -> bool:
    """Whether a list has one of the other kind in it."""
    return _holds(part, NumberedList if isinstance(part, BulletList) else BulletList)


def _ends_in_table(body: Document) -> bool:
    return bool(body.blocks) and isinstance(body.blocks[-1], Table)


_BARS = "as lines with bars between the cells"
_TABLE = Table((((Text("Name"),), (Text("City"),)), ((Text("Ann"),), (Text("Oslo"),))))
_INNER = BulletList((_item("inner"),))
_WORDS = Link("https://example.com/plan", "the plan")
_ADDRESS = Link("https://example.com/plan", "https://example.com/plan")

TEXT = (
    _one("Paragraphs", document([*_item("one"), *_item("two")]), lambda part: isinstance(part, Paragraph)),
    _one(
        "Line break",
        _line(Text("one"), LineBreak(), Text("two")),
        lambda part: isinstance(part, LineBreak),
        "in one line",
    ),
    _styled("Bold", Style.BOLD),
    _styled("Italic", Style.ITALIC),
    _styled("Strikethrough", Style.STRIKE),
    _styled("Underline", Style.UNDERLINE),
    _styled("Code in a line", Style.CODE),
    _one("Link with words", _line(_WORDS), lambda part: isinstance(part, Link) and part.text != part.url),
    _one("Web address", _line(_ADDRESS), lambda part: isinstance(part, Link) and part.text == part.url),
    _character("Emoji", "Good 😀", "[\U0001f300-\U0001f3fa\U0001f400-\U0001faff]"),
    _character("Emoji with a skin tone", "Good 👍🏽", "[\U0001f3fb-\U0001f3ff]"),
    _character("Emoji of several people", "Good 👩‍👩‍👧‍👦", "\u200d"),
    _one(
        "A workspace's own emoji", _line(Emoji("party_parrot")), lambda part: isinstance(part, Emoji), "as its :name:"
    ),
)

BLOCKS = (
    _heading("Heading", range(1, 2)),
    _heading("Heading, second level", range(2, 3)),
    _heading("Heading, third level", range(3, 4)),
    _heading("Heading, deeper", range(4, 7)),
    _one(
        "Bulleted list",
        document([BulletList((_item("one"),))]),
        lambda part: isinstance(part, BulletList),
        "as lines that start with a dot",
    ),
    _one(
        "List in a list",
        document([BulletList((_item("outer", _INNER),))]),
        lambda part: _holds(part, BulletList, NumberedList),
        "as indented lines",
    ),
    _one(
        "Numbered list",
        document([NumberedList((_item("one"), _item("two")))]),
        lambda part: isinstance(part, NumberedList),
        "as lines that start with the number",
    ),
    _one(
        "Numbered list, not from 1",
        document([NumberedList((_item("five"), _item("six")), 5)]),
        lambda part: isinstance(part, NumberedList) and part.start != 1,
        "as lines that start with the number",
    ),
    _one(
        "Bullets in a numbered list",
        document([NumberedList((_item("outer", _INNER),))]),
        _mixes,
        "as indented lines",
    ),
    _one("Quote", document([Quote(_item("said"))]), lambda part: isinstance(part, Quote)),
    _one("Code block", document([CodeBlock("a = 1\nb  = 2")]), lambda part: isinstance(part, CodeBlock)),
    _one(
        "Language of a code block",
        document([CodeBlock("a = 1", "python")]),
        lambda part: isinstance(part, CodeBlock) and bool(part.language),
        "without the colours",
    ),
    Construct("Table, at the end", document([_TABLE]), _ends_in_table, _BARS),
    Construct(
        "Table, with text after it",
        document([_TABLE, *_item("after")]),
        lambda body: not _ends_in_table(body) and any(isinstance(part, Table) for part in parts(body.blocks)),
        _BARS,
    ),
    _one("Horizontal rule", document([Rule()]), lambda part: isinstance(part, Rule), "as a row of dashes"),
)

CALLS = (
    _one(
        "Mention of somebody who is there",
        _line(Mention("Somebody", SOMEBODY)),
        lambda part: isinstance(part, Mention) and part.account is not None,
        "as the name",
    ),
    _one(
        "Mention of somebody who is not",
        _line(Mention("Someone Else")),
        lambda part: isinstance(part, Mention) and part.account is None,
        "as the name",
    ),
    _called("Call to everybody (where a channel allows it)", "all", ("all", "channel")),
    _called("Call to those at their desks (likewise)", "here", ("here",)),
    _one(
        "Name of a channel",
        _line(ChannelMention("here", HERE)),
        lambda part: isinstance(part, ChannelMention),
        "as the name",
    ),
)

CONSTRUCTS = (*TEXT, *BLOCKS, *CALLS)
