"""Writing ``text``, what notifications and old clients show of a message (reference §4.1). Pure.

It is plain and escaped, with formatting switched off: nothing that a person typed is markup there.
"""

from collections.abc import Iterable

from connectors.messages import AccountId
from connectors.richtext import (
    RULE,
    Block,
    Broadcast,
    BulletList,
    CodeBlock,
    Heading,
    Inline,
    Mention,
    NumberedList,
    Paragraph,
    Quote,
    Rule,
    Table,
    Text,
    plain_inline,
)
from connectors.slack.ids import is_bot_profile, is_id
from connectors.slack.inlines import AUDIENCES

WIDEST_COLUMN = 24
"""Characters to which the columns of a table set like code are aligned: more would be lost on a telephone."""

RANGES = {ours: theirs for theirs, ours in AUDIENCES.items()}


def rings(account: AccountId | None) -> bool:
    return account is not None and is_id(account) and not is_bot_profile(account)


def fallback(blocks: Iterable[Block]) -> str:
    """``blocks`` as escaped plain text; only people who are called stay a token."""
    return "\n".join(map(_fallback_block, blocks))


def _fallback_block(block: Block) -> str:
    match block:
        case Rule():
            return RULE
        case Table():
            return escape(grid(block))
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
    if isinstance(inline, Mention) and rings(inline.account):
        return f"<@{inline.account}>"
    if isinstance(inline, Broadcast) and inline.name in RANGES:
        return f"<!{RANGES[inline.name]}>"
    return escape(plain_inline(inline))


def escape(text: str) -> str:
    """Exactly the three characters that Slack wants escaped (§4.1)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def grid(table: Table) -> str:
    """A table in columns of characters, for code blocks and for the plain text."""
    rows = [["".join(map(plain_inline, cell)) for cell in row] for row in table.rows]
    columns = range(width(table))
    widths = [max(len(row[c]) for row in rows if c < len(row)) for c in columns]
    widths = [min(width, WIDEST_COLUMN) for width in widths]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in rows]
    if table.header:
        lines.insert(1, "-+-".join("-" * width for width in widths))
    return "\n".join(lines).rstrip("\n")


def width(table: Table) -> int:
    return max(map(len, table.rows))
