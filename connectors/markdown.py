"""Markdown, both ways: ``from_markdown`` reads what people type, ``to_markdown`` writes Webex's dialect.

The writer emits only what Webex documents (reference webex.md §4.1, §4.4); text is escaped and never forms markup.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from connectors.markdown_lines import BACKTICKS, WrittenMention, escape, write_line
from connectors.markdown_reading import VerbatimAddresses, bare_address, from_markdown
from connectors.richtext import (
    RULE,
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
)

__all__ = ["VerbatimAddresses", "bare_address", "escape", "from_markdown", "table_lines", "to_markdown"]

_LINE_START = re.compile(r"[#>+=|-]|:(?=-)|\d{1,9}(?=[.)])")
_INDENT = re.compile(r"[ \t]+")
_NOT_IN_LANGUAGE = re.compile(r"[^\w+#.-]")

HIGHEST_START = 999_999_990
"""CommonMark reads at most nine digits as a list number; a list may still count on a little."""
SMALLEST_HEADING = 3
"""Webex documents three levels of headings (§4.1); deeper ones are written as the third."""


def to_markdown(document: Document, mention: WrittenMention) -> str:
    """A document in Webex's dialect. ``mention`` writes a person or everybody, as Markdown source that is used as it is.

    It is asked for people with an account; others are names in bold. Strike and underline have no syntax and become plain
    text, a table lines with bars between the cells, a rule a line of its own. An empty line inside a paragraph becomes a
    paragraph border.
    """
    return _write(document.blocks, mention)


def _write(blocks: Sequence[Block], mention: WrittenMention, within: str = "") -> str:
    """``blocks`` with a blank line between them; ``within`` an item, a list may follow its paragraph directly."""
    written: list[str] = []
    previous: Block | None = None
    alternate = False
    for block in blocks:
        alternate = type(block) is type(previous) and not alternate
        if previous is not None:
            written.append("\n" if within == "item" and _may_interrupt(previous, block) else "\n\n")
        written.append(_write_block(block, mention, alternate))
        previous = block
    return "".join(written)


def _may_interrupt(previous: Block, block: Block) -> bool:
    """Whether a list is read as a list directly under a paragraph."""
    return isinstance(previous, Paragraph) and (
        isinstance(block, BulletList) or (isinstance(block, NumberedList) and block.start == 1)
    )


def _write_block(block: Block, mention: WrittenMention, alternate: bool) -> str:
    """``alternate`` is set for the second of two neighbouring lists: another marker keeps them apart."""
    match block:
        case Paragraph(content):
            return _write_paragraph(content, mention)
        case Heading(content, level):
            line = " ".join(filter(None, (write_line(line, mention) for line in _lines(content))))
            hashes = "#" * min(level, SMALLEST_HEADING)
            return f"{hashes} {line[:-1]}\\#" if line.endswith("#") else f"{hashes} {line}"
        case CodeBlock(text, language):
            return _write_code_block(text, language)
        case Quote(blocks):
            return _indent(_write(blocks, mention), "> ", "> ")
        case BulletList(items):
            marker = "* " if alternate else "- "
            return "\n".join(_indent(_write(item, mention, "item"), marker, "  ") for item in items)
        case NumberedList(items, start):
            return _write_numbers(
                items, start if 0 <= start < HIGHEST_START else 1, ") " if alternate else ". ", mention
            )
        case Table():
            return _write_paragraph(table_lines(block), mention)
        case Rule():
            return RULE


def table_lines(table: Table) -> list[Inline]:
    """One line for each row, so that mentions and links in the cells stay alive; the names of the columns are bold.

    A row without any content has no line: an empty one would end the paragraph.
    """
    lines: list[Inline] = []
    for number, row in enumerate(table.rows):
        if not any(row):
            continue
        lines += [LineBreak()] if lines else []
        for place, cell in enumerate(row):
            lines += [Text(" | ")] if place else []
            lines += map(_bold, cell) if table.header and not number else cell
    return lines


def _bold(inline: Inline) -> Inline:
    return replace(inline, style=inline.style | Style.BOLD) if isinstance(inline, Text | Link) else inline


def _write_numbers(items: Sequence[tuple[Block, ...]], start: int, point: str, mention: WrittenMention) -> str:
    lines = []
    for number, item in enumerate(items, start):
        marker = f"{number}{point}"
        lines.append(_indent(_write(item, mention, "item"), marker, " " * len(marker)))
    return "\n".join(lines)


def _indent(text: str, first: str, rest: str) -> str:
    lines = text.split("\n")
    indented = [first + lines[0]] + [rest + line if line else rest.rstrip() for line in lines[1:]]
    return "\n".join(indented)


def _write_code_block(text: str, language: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    fence = "`" * max(3, 1 + max(map(len, BACKTICKS.findall(text)), default=0))
    return f"{fence}{_NOT_IN_LANGUAGE.sub('', language)}\n{text}\n{fence}"


def _write_paragraph(content: Sequence[Inline], mention: WrittenMention) -> str:
    lines = [_guard(write_line(line, mention)) for line in _lines(content)]
    paragraphs = [lines] if all(lines) else [list(some) for filled, some in groupby(lines, bool) if filled]
    return "\n\n".join("  \n".join(paragraph) for paragraph in paragraphs)


def _guard(line: str) -> str:
    """Keep the beginning of a line from opening a block, and its indent from vanishing."""
    indent = _INDENT.match(line)
    if indent:
        return "&nbsp;" * len(indent[0].expandtabs(4)) + line[indent.end() :]
    opening = _LINE_START.match(line)
    if not opening:
        return line
    end = opening.end()
    return f"{line[:end]}\\{line[end:]}" if line[0].isdigit() else "\\" + line


def _lines(content: Sequence[Inline]) -> list[list[Inline]]:
    line: list[Inline] = []
    lines = [line]
    for inline in content:
        if isinstance(inline, LineBreak):
            line = []
            lines.append(line)
        else:
            line.append(inline)
    return lines
