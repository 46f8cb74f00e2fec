"""From a neutral text to Zoom's ``message`` with ``rich_text`` spans and ``at_items`` (§4.1, §4.2). Pure.

``message`` is plain text: nothing in it is ever markup, so a person's text needs no escaping. What Zoom has no span for:

- Code. It keeps its backticks as text, which ``parse`` reads back: a round trip over Zoom keeps it code.
- Lists that Zoom would number or nest wrongly are typed out with their marks; so are quotes within quotes.
- Styles and headings within a quote, which Zoom would drop. The text stays.
- Links to other than web addresses: the address is written behind the text.
- Tables are lines with bars between the cells, the names of the columns in bold; a rule is a line of dashes.
- Everybody is called ``@all``, whatever the call was elsewhere. Another channel is only named.
- In a chat of two people nobody is mentioned: the name is text (§3.1).
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from connectors.contract import Credentials, Rendered
from connectors.messages import Byline, Draft
from connectors.richtext import (
    RULE,
    STYLES,
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
)
from connectors.zoom import ids
from connectors.zoom.spans import NEST, units, written, written_broadcast, written_mention
from connectors.zoom.typed import fenced, inline_code, list_lines, one_line

LOWEST_HEADING = 3
"""Zoom has h1 to h3."""

_TYPED_INDENT = "   "
_FORMATS: Sequence[tuple[Style, str]] = (
    (Style.BOLD, "Bold"),
    (Style.ITALIC, "Italic"),
    (Style.STRIKE, "Strikethrough"),
    (Style.UNDERLINE, "Underline"),
)
_SPANS = {style: [kind for flag, kind in _FORMATS if flag in style] for style in STYLES}
_CODE_STYLES = frozenset(style for style in STYLES if Style.CODE in style)
_LIST_FORMATS = {BulletList: "BulletedList", NumberedList: "NumberedList"}
_WEB = re.compile(r"https?://\S+\Z", re.IGNORECASE)


def render(draft: Draft, credentials: Credentials) -> Rendered:
    """See ``Connector.render``. The size counts UTF-16 code units: never fewer than the characters Zoom speaks of."""
    writer = _Writer()
    if draft.byline:
        writer.byline(draft.byline)
        writer.write("\n" if draft.body.blocks else "")
    writer.blocks(draft.body.blocks)
    to = ids.addressed(credentials, draft.conversation)
    payload: dict[str, Any] = {"message": "".join(writer.pieces), **to}
    if spans := writer.block_spans + writer.style_spans + writer.link_spans:
        payload["rich_text"] = [written(*span) for span in spans]
    if writer.mentions and "to_channel" in to:
        payload["at_items"] = writer.mentions
    if draft.thread:
        payload["reply_main_message_id"] = draft.thread
    return Rendered(draft.conversation, payload, writer.at, draft.nonce)


class _Writer:
    """The text written so far, ``at`` code units of it, and its spans in the order Zoom wants them (§4.1)."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.at = 0
        self.block_spans: list[tuple[int, int, str, str]] = []
        self.style_spans: list[tuple[int, int, str, str]] = []
        self.link_spans: list[tuple[int, int, str, str]] = []
        self.mentions: list[dict[str, Any]] = []
        self.quoted = False
        self.indent = ""

    def write(self, text: str) -> None:
        self.pieces.append(text)
        self.at += units(text)

    def new_line(self) -> None:
        self.write("\n" + self.indent)

    def span(self, start: int, kind: str, attr: str = "") -> None:
        self.block_spans.append((start, self.at, kind, attr))

    def byline(self, byline: Byline) -> None:
        self.inline(Text(one_line(byline.name), Style.BOLD))
        self.write(f" ({one_line(byline.platform)})")

    def blocks(self, blocks: Sequence[Block]) -> None:
        before: Block | None = None
        for block in blocks:
            if before is not None:
                self.new_line()
                if _need_blank_line(before, block):
                    self.new_line()
            self.block(block)
            before = block

    def block(self, block: Block) -> None:
        match block:
            case Paragraph(content):
                self.inlines(content)
            case Heading(content, level):
                start = self.at
                self.inlines(content)
                if not self.quoted:
                    self.span(start, "Paragraph", f"h{min(level, LOWEST_HEADING)}")
            case CodeBlock(text, language):
                self.write(fenced(text, language))
            case Quote(blocks):
                self.quote(blocks)
            case BulletList() | NumberedList():
                self.any_list(block)
            case Table():
                self.table(block)
            case Rule():
                self.write(RULE)

    def table(self, table: Table) -> None:
        rows = [row for row in table.rows if any(row)]
        for number, row in enumerate(rows):
            if number:
                self.new_line()
            names_columns = table.header and row is table.rows[0]
            for place, cell in enumerate(row):
                if place:
                    self.write(" | ")
                self.inlines(tuple(map(_bold, cell)) if names_columns else cell)

    def quote(self, blocks: Sequence[Block]) -> None:
        if self.quoted:
            self.typed("> ", "> ", blocks)
            return
        self.quoted = True
        start, mark = self.at, len(self.block_spans)
        self.blocks(blocks)
        self.block_spans.insert(mark, (start, self.at, "Quote", ""))
        self.quoted = False

    def any_list(self, block: BulletList | NumberedList) -> None:
        lines = list_lines(block, 0)
        if lines is None or self.indent:
            self.typed_list(block)
            return
        start, current = self.at, type(block)
        for number, (depth, kind, content) in enumerate(lines):
            if kind is not current:
                self.span(start, _LIST_FORMATS[current])
            if number:
                self.new_line()
            if kind is not current:
                start, current = self.at, kind
            self.write(" " * NEST * depth)
            self.inlines(content)
        self.span(start, _LIST_FORMATS[current])

    def typed_list(self, block: BulletList | NumberedList) -> None:
        for number, item in enumerate(block.items):
            if number:
                self.new_line()
            mark = f"{block.start + number}. " if isinstance(block, NumberedList) else "• "
            self.typed(mark, _TYPED_INDENT, item)

    def typed(self, mark: str, indent: str, blocks: Sequence[Block]) -> None:
        """Blocks behind a mark that is written as text; a code block starts at the line's beginning to stay one."""
        before, self.indent = self.indent, self.indent + indent
        self.write(mark)
        for number, block in enumerate(blocks):
            if isinstance(block, CodeBlock):
                self.write("\n")
            elif number:
                self.new_line()
            self.typed_block(block)
        self.indent = before

    def typed_block(self, block: Block) -> None:
        match block:
            case Heading(content):
                self.inlines(content)
            case Quote(blocks):
                self.typed("> ", "> ", blocks)
            case _:
                self.block(block)

    def inlines(self, content: Sequence[Inline]) -> None:
        for inline in content:
            self.inline(inline)

    def inline(self, inline: Inline) -> None:
        if isinstance(inline, Text):
            self.styled(inline.text, inline.style)
            return
        match inline:
            case Link(url, text, style):
                self.link(url, one_line(text), style)
            case Mention():
                self.mention(inline)
            case Broadcast():
                self.broadcast()
            case ChannelMention(name):
                self.write(f"#{one_line(name)}")
            case Emoji(name):
                self.write(f":{name}:")
            case LineBreak():
                self.new_line()

    def styled(self, text: str, style: Style) -> None:
        start = self.at
        self.write(inline_code(text) if style in _CODE_STYLES else text)
        if not self.quoted:
            for kind in _SPANS[style]:
                self.prolong(start, kind)

    def prolong(self, start: int, kind: str) -> None:
        """Style what was written since ``start``, as one span with what stands right before it."""
        spans = self.style_spans
        for number in range(len(spans) - 1, max(len(spans) - 1 - len(_FORMATS), -1), -1):
            if spans[number][1:3] == (start, kind):
                spans[number] = (spans[number][0], self.at, kind, "")
                return
        spans.append((start, self.at, kind, ""))

    def link(self, url: str, text: str, style: Style) -> None:
        """A link clears an underline, so none is asked for (§4.1)."""
        start = self.at
        self.styled(text, style & ~Style.UNDERLINE)
        if _WEB.match(url):
            self.link_spans.append((start, self.at, "AddLink", url))
        elif url not in (text, f"mailto:{text}"):
            self.write(f" ({url.removeprefix('mailto:')})")

    def mention(self, mention: Mention) -> None:
        start = self.at
        self.write(f"@{one_line(mention.name)}")
        if contact := ids.at_contact(mention.account, mention.address):
            self.mentions.append(written_mention(start, self.at, contact))

    def broadcast(self) -> None:
        start = self.at
        self.write("@all")
        self.mentions.append(written_broadcast(start, self.at))


def _bold(inline: Inline) -> Inline:
    return replace(inline, style=inline.style | Style.BOLD) if isinstance(inline, Text | Link) else inline


def _need_blank_line(before: Block, block: Block) -> bool:
    """Two paragraphs, two lists or two quotes would run together; a table and a rule are typed out like paragraphs."""
    return any(isinstance(before, kind) and isinstance(block, kind) for kind in _RUN_TOGETHER)


_RUN_TOGETHER = (Paragraph | Table | Rule, BulletList | NumberedList, Quote)
