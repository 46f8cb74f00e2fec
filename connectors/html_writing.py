"""HTML, written strictly: everything that a person typed is escaped, and only a document's structure becomes markup."""

import re
from collections.abc import Callable, Iterable
from itertools import product

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
)

_WEB_ADDRESS = re.compile(r"(?:https?://|mailto:)[^\s]", re.IGNORECASE)
_TAGS = {
    Style.BOLD: "strong",
    Style.ITALIC: "em",
    Style.STRIKE: "s",
    Style.UNDERLINE: "u",
    Style.CODE: "code",
}
_SEVERAL_SPACES = re.compile(" {2,}")


def web_address(href: str) -> str:
    """An address as a ``Link`` may hold it; empty for any other scheme, relative addresses included."""
    href = href.strip()
    if not _WEB_ADDRESS.match(href):
        return ""
    return re.sub(r"\s", lambda blank: "%20" if blank[0] == " " else "", href)


def escape(text: str) -> str:
    """``text`` as HTML, in content and in double quotes alike."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").replace("\xa0", "&nbsp;")


def _wrappers() -> dict[Style, tuple[str, str]]:
    """The opening and closing tags of every combination of styles."""
    wrappers = {}
    for chosen in product((False, True), repeat=len(_TAGS)):
        names = [name for name, on in zip(_TAGS.values(), chosen, strict=True) if on]
        style = Style.PLAIN
        for one, on in zip(_TAGS, chosen, strict=True):
            style |= one if on else Style.PLAIN
        wrappers[style] = ("".join(f"<{name}>" for name in names), "".join(f"</{name}>" for name in reversed(names)))
    return wrappers


_WRAPPERS = _wrappers()


def to_html(
    document: Document,
    mention: Callable[[Mention], str] | None = None,
    code_block: Callable[[CodeBlock], str] | None = None,
    broadcast: Callable[[Broadcast], str] | None = None,
    deepest_heading: int = 0,
) -> str:
    """Write a document as HTML in which only the document's own structure is markup.

    ``mention``, ``code_block`` and ``broadcast`` write those in a platform's own way and must escape what they return.
    Headings are written as ``h1`` to ``h<deepest_heading>``, deeper ones as the deepest; with 0 they are bold paragraphs.
    """
    writer = _Writer(mention or _called, code_block or _pre, broadcast or _called, deepest_heading)
    return "".join(map(writer.block, document.blocks))


def _called(called: Mention | Broadcast) -> str:
    return f'<span class="mention">@{escape(called.name)}</span>'


def _pre(block: CodeBlock) -> str:
    language = f' class="language-{escape(block.language)}"' if block.language else ""
    return f"<pre><code{language}>{escape(block.text)}</code></pre>"


class _Writer:
    def __init__(
        self,
        mention: Callable[[Mention], str],
        code_block: Callable[[CodeBlock], str],
        broadcast: Callable[[Broadcast], str],
        deepest_heading: int,
    ) -> None:
        self._mention = mention
        self._code_block = code_block
        self._broadcast = broadcast
        self._deepest_heading = deepest_heading

    def block(self, block: Block) -> str:
        match block:
            case Paragraph(content):
                return f"<p>{self.inlines(content)}</p>"
            case Heading(content, level) if self._deepest_heading:
                tag = f"h{min(level, self._deepest_heading)}"
                return f"<{tag}>{self.inlines(content)}</{tag}>"
            case Heading(content):
                return f"<p>{self.inlines(map(_bold, content))}</p>"
            case CodeBlock():
                return self._code_block(block)
            case Quote(blocks):
                return f"<blockquote>{''.join(map(self.block, blocks))}</blockquote>"
            case BulletList(items):
                return f"<ul>{''.join(map(self._item, items))}</ul>"
            case NumberedList(items, start):
                opening = "<ol>" if start == 1 else f'<ol start="{start}">'
                return f"{opening}{''.join(map(self._item, items))}</ol>"
            case Table(rows, header):
                return f"<table>{''.join(self._row(row, header and not n) for n, row in enumerate(rows))}</table>"
            case Rule():
                return "<hr>"

    def _row(self, row: Iterable[Iterable[Inline]], names_columns: bool) -> str:
        tag = "th" if names_columns else "td"
        return f"<tr>{''.join(f'<{tag}>{self.inlines(cell)}</{tag}>' for cell in row)}</tr>"

    def _item(self, item: tuple[Block, ...]) -> str:
        """A first paragraph stands bare, as editors write it, so that a nested list follows without a gap."""
        if item and isinstance(first := item[0], Paragraph):
            return f"<li>{self.inlines(first.content)}{''.join(map(self.block, item[1:]))}</li>"
        return f"<li>{''.join(map(self.block, item))}</li>"

    def inlines(self, content: Iterable[Inline]) -> str:
        pieces: list[str] = []
        after_blank = True
        for inline in content:
            match inline:
                case Text(text, style):
                    opening, closing = _WRAPPERS[style]
                    pieces.append(f"{opening}{_kept(text, after_blank)}{closing}")
                    after_blank = text.endswith(" ")
                case Link(url, text, style):
                    pieces.append(_anchor(url, _kept(text, after_blank), style))
                    after_blank = text.endswith(" ")
                case LineBreak():
                    pieces.append("<br>")
                    after_blank = True
                case Mention():
                    pieces.append(self._mention(inline))
                    after_blank = False
                case Broadcast():
                    pieces.append(self._broadcast(inline))
                    after_blank = False
                case ChannelMention(name):
                    pieces.append(f"#{escape(name)}")
                    after_blank = False
                case Emoji(name):
                    pieces.append(f":{escape(name)}:")
                    after_blank = False
        return "".join(pieces)


def _anchor(url: str, text: str, style: Style) -> str:
    opening, closing = _WRAPPERS[style]
    if not web_address(url):
        return f"{opening}{text}{closing}"
    return f'<a href="{escape(url)}" rel="noopener noreferrer">{opening}{text}{closing}</a>'


def _kept(text: str, after_blank: bool) -> str:
    """Escaped, with no-break spaces for the spaces that a browser would swallow."""
    if "  " in text:
        text = _SEVERAL_SPACES.sub(lambda several: "\xa0" * (len(several[0]) - 1) + " ", text)
    if after_blank and text.startswith(" "):
        text = "\xa0" + text[1:]
    return escape(text)


def _bold(inline: Inline) -> Inline:
    match inline:
        case Text(text, style):
            return Text(text, style | Style.BOLD)
        case Link(url, text, style):
            return Link(url, text, style | Style.BOLD)
    return inline
