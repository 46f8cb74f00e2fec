"""Pieces of reading HTML that need no state: code, lines, and blocks laid flat into a table's cell."""

import re
from collections.abc import Iterable, Iterator

from lxml import etree

from connectors.richtext import (
    RULE,
    Block,
    BulletList,
    CodeBlock,
    Heading,
    Inline,
    LineBreak,
    NumberedList,
    Paragraph,
    Quote,
    Rule,
    Style,
    Table,
    Text,
    normal_inlines,
)

Element = etree._Element  # noqa: SLF001 (lxml has no public name for it)

BLANKS = re.compile("[ \t\n\r\f]{2,}|[\t\n\r\f]")
"""White space that a browser collapses to one space; a single space is one already, a no-break space is none at all."""


def spaces(text: str) -> str:
    """No-break spaces, which editors put where several spaces shall stay, as the spaces that were typed."""
    return text.replace("\xa0", " ")


def one_line(text: str) -> str:
    """``text`` on one line, without blanks around it."""
    return BLANKS.sub(" ", spaces(text)).strip()


def code_block(element: Element) -> CodeBlock:
    """``pre`` with or without an inner ``code``, and Teams' ``codeblock``, whose class is the language."""
    language = element.get("class", "") if element.tag == "codeblock" else ""
    pieces: list[str] = []
    for step, node in etree.iterwalk(element, events=("start", "end")):
        if step == "start":
            language = language or _language(node)
            pieces += ["\n"] if node.tag == "br" else []
            pieces.append(node.text or "")
        elif node is not element:
            pieces += ["\n"] if node.tag in ("p", "div") else []
            pieces.append(node.tail or "")
    text = spaces("".join(pieces)).replace("\r\n", "\n")
    if element.tag == "pre" and (element.text or "").startswith("\n"):
        text = text[1:]
    return CodeBlock(text.removesuffix("\n"), language.strip())


def _language(node: Element) -> str:
    names = node.get("class", "").split() if node.tag == "code" else []
    return next((name.removeprefix("language-") for name in names if name.startswith("language-")), "")


def flat(blocks: Iterable[Block]) -> tuple[Inline, ...]:
    """Blocks as one run without line breaks, for a table's cell."""
    run: list[Inline] = []
    for block in blocks:
        run += [Text(" ")] if run else []
        run += (Text(" ") if isinstance(inline, LineBreak) else inline for inline in _flat_block(block))
    return normal_inlines(run)


def _flat_block(block: Block) -> Iterator[Inline]:
    match block:
        case Paragraph(content) | Heading(content):
            yield from content
        case CodeBlock(text):
            yield Text(" ".join(text.split("\n")), Style.CODE)
        case Quote(blocks):
            yield from flat(blocks)
        case BulletList(items):
            yield from _joined((Text("• "), *flat(item)) for item in items)
        case NumberedList(items, start):
            yield from _joined((Text(f"{number}. "), *flat(item)) for number, item in enumerate(items, start))
        case Table(rows):
            yield from _joined(cell for row in rows for cell in row)
        case Rule():
            yield Text(RULE)


def _joined(runs: Iterable[tuple[Inline, ...]]) -> Iterator[Inline]:
    for number, run in enumerate(runs):
        yield from (Text(" "), *run) if number else run
