"""HTML, read tolerantly: what Teams and Webex send. How it is written is in ``html_writing.py``.

Reading collapses white space as a browser does, keeps the text of every tag it does not know, and never fails: there is
no broken HTML, only HTML that browsers show in some way.
"""

import html as entities
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from lxml import etree

from connectors.html_parts import BLANKS, Element, code_block, flat, one_line, spaces
from connectors.html_writing import escape, to_html, web_address
from connectors.richtext import (
    Block,
    BulletList,
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
    both,
    document,
    normal_inlines,
)

__all__ = ["Element", "Special", "escape", "from_html", "to_html", "web_address"]

Special = Mapping[str, Callable[[Element], Inline | Sequence[Inline] | None]]
"""What a platform's own tags mean, by tag in lower case. None: read it as usual; an empty list: leave it out."""

DEEPEST = 40
"""Nested elements read with their meaning, below them only text: as deep as copied e-mails, far from Python's stack."""
PARSER_DEPTH = 2000
"""libxml2 gives up a little above this depth, even on huge trees."""

_STYLES = {
    **dict.fromkeys(("b", "strong"), Style.BOLD),
    **dict.fromkeys(("i", "em"), Style.ITALIC),
    **dict.fromkeys(("s", "strike", "del"), Style.STRIKE),
    **dict.fromkeys(("code", "tt", "kbd", "samp"), Style.CODE),
    **dict.fromkeys(("u", "ins"), Style.UNDERLINE),
}
_BLOCK_TAGS = (
    frozenset(["address", "article", "aside", "body", "center", "dd", "details", "div", "dl", "dt", "fieldset"])
    | frozenset(["figcaption", "figure", "footer", "form", "header", "html", "li", "main", "nav", "p", "section"])
    | frozenset(["caption", "summary", "tbody", "td", "tfoot", "th", "thead"])
)
_INVISIBLE = frozenset(["head", "link", "meta", "noembed", "noframes", "script", "style", "template", "title"])
_ROW_GROUPS = frozenset(["thead", "tbody", "tfoot"])
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_START = re.compile(r"-?\d{1,9}")
_TAG = re.compile(r"<!--.*?-->|<(?:script|style)\b.*?</(?:script|style)\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_PARSER = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True, collect_ids=False)


def from_html(source: str, special: Special | None = None) -> Document:
    """Read HTML. ``special`` reads a platform's own tags, such as ``at`` or ``spark-mention``.

    Named in ``degraded``: ``image``, and ``nesting`` for a source so deep that only its text is kept.
    """
    root = _parsed(source)
    if root is None:
        return _only_text(source)
    reader = _Reader(special or {})
    reader.read(root)
    return document(reader.blocks, reader.degraded)


def _parsed(source: str) -> Element | None:
    """The tree, or None for a source that is deeper than the parser goes or holds nothing."""
    if source.count("<") > PARSER_DEPTH and _deepest(source) > PARSER_DEPTH:
        return None
    return etree.fromstring(source.encode("utf-8", "replace"), _PARSER)


def _deepest(source: str) -> int:
    """How deep the tags of a source could nest at most, if none closed itself."""
    opened = deepest = 0
    for tag in re.finditer(r"<(/?)[a-zA-Z]", source):
        opened += -1 if tag[1] else 1
        deepest = max(deepest, opened)
    return deepest


def _only_text(source: str) -> Document:
    text = spaces(BLANKS.sub(" ", entities.unescape(_TAG.sub(" ", source))))
    return document([Paragraph((Text(text),))], ["nesting"] if text.strip() else [])


class _Reader:
    """Walks a tree once. ``blocks`` are done; ``_runs`` is the paragraph being read."""

    def __init__(self, special: Special) -> None:
        self.blocks: list[Block] = []
        self.degraded: list[str] = []
        self._special = special
        self._runs: list[Inline] = []
        self._style = Style.PLAIN
        self._url = ""
        self._has_fixed_spaces = False
        self._depth = 0
        self._level = 0

    def read(self, element: Element) -> None:
        """The content of an element, without the element itself."""
        if text := element.text:
            self._add_text(text)
        if not len(element):  # as most: to look for children would take as long as all the rest
            return
        for child in element:
            self._visit(child)
            if text := child.tail:
                self._add_text(text)

    def _visit(self, element: Element) -> None:
        if self._depth >= DEEPEST:
            self._read_flat(element)
            return
        self._depth += 1
        tag = str(element.tag)
        special = self._special.get(tag)
        if special is None or (meaning := special(element)) is None:
            _READERS.get(tag, _Reader.read)(self, element)
        else:
            self._add(*(meaning if isinstance(meaning, Sequence) else (meaning,)))
        self._depth -= 1

    def _read_flat(self, element: Element) -> None:
        etree.strip_elements(element, *_INVISIBLE, with_tail=False)
        for text in element.itertext():
            self._add_text(f"{text} ")

    def read_nothing(self, _element: Element) -> None:
        """Nobody sees it."""

    def read_block(self, element: Element) -> None:
        self._end_paragraph()
        self.read(element)
        self._end_paragraph()

    def read_break(self, _element: Element) -> None:
        self._add(LineBreak())

    def read_bullets(self, element: Element) -> None:
        self._add_block(BulletList(self._items(element)))

    def read_numbers(self, element: Element) -> None:
        start = _START.fullmatch(element.get("start", "").strip())
        self._add_block(NumberedList(self._items(element), int(start[0]) if start else 1))

    def read_quote(self, element: Element) -> None:
        self._add_block(Quote(tuple(self._collect(element))))

    def read_code_block(self, element: Element) -> None:
        self._add_block(code_block(element))

    def read_rule(self, _element: Element) -> None:
        self._add_block(Rule())

    def read_image(self, element: Element) -> None:
        self.degraded.append("image")
        alt = one_line(element.get("alt", ""))
        self._add_text(f"[image: {alt}]" if alt else "[image]")

    def read_table(self, element: Element) -> None:
        self._end_paragraph()
        rows: list[tuple[tuple[Inline, ...], ...]] = []
        self._read_rows(element, rows)
        self._add_block(Table(tuple(rows), header=_has_header(element)))

    def _read_rows(self, element: Element, rows: list[tuple[tuple[Inline, ...], ...]]) -> None:
        """The rows of a table or of a group of them; what stands between rows is said before the table."""
        self._add_text(element.text or "")
        for child in element:
            if child.tag == "tr":
                rows.append(self._row(child))
            elif child.tag in _ROW_GROUPS and self._depth < DEEPEST:
                self._depth += 1
                self._read_rows(child, rows)
                self._depth -= 1
            else:
                self._visit(child)
            self._add_text(child.tail or "")

    def read_row(self, element: Element) -> None:
        self._add_block(Table((self._row(element),), header=False))

    def read_styled(self, element: Element) -> None:
        before, self._style = self._style, both(self._style, _STYLES[str(element.tag)])
        self.read(element)
        self._style = before

    def read_link(self, element: Element) -> None:
        before, self._url = self._url, web_address(element.get("href", ""))
        self.read(element)
        self._url = before

    def read_heading(self, element: Element) -> None:
        self._end_paragraph()
        before, self._level = self._level, _HEADINGS[str(element.tag)]
        self.read(element)
        self._end_paragraph()
        self._level = before

    def _collect(self, element: Element) -> list[Block]:
        """The blocks inside an element that are a part of their own."""
        self._end_paragraph()
        before, self.blocks = self.blocks, []
        level, self._level = self._level, 0
        self.read(element)
        self._end_paragraph()
        inner, self.blocks, self._level = self.blocks, before, level
        return inner

    def _items(self, element: Element) -> tuple[tuple[Block, ...], ...]:
        """Items; a list that stands between items, as editors nest them, belongs to the item before it."""
        self._end_paragraph()
        items: list[tuple[Block, ...]] = []
        if element.text and element.text.strip():
            items.append((Paragraph((Text(one_line(element.text)),)),))
        for child in element:
            inner = tuple(self._item(child))
            if child.tag != "li" and items:
                items[-1] += inner
            else:
                items.append(inner)
        return tuple(items)

    def _item(self, child: Element) -> list[Block]:
        before, self.blocks = self.blocks, []
        self._end_paragraph()
        self._visit(child)
        if child.tail and child.tail.strip():
            self._add_text(child.tail)
        self._end_paragraph()
        inner, self.blocks = self.blocks, before
        return inner

    def _row(self, element: Element) -> tuple[tuple[Inline, ...], ...]:
        said = one_line(element.text or "")
        cells: list[tuple[Inline, ...]] = [(Text(said),)] if said else []
        for cell in element:
            content = flat(self._collect(cell))
            cells.append(normal_inlines((*content, Text(f" {one_line(cell.tail or '')}"))))
        return tuple(cells)

    def _add_text(self, text: str) -> None:
        if "  " in text or not text.isprintable():  # every blank but the space itself is unprintable
            text = BLANKS.sub(" ", text)
            self._has_fixed_spaces = True
        if text[:1] == " " and self._after_blank():
            text = text[1:]
        if text:
            self._runs.append(Link(self._url, text, self._style) if self._url else Text(text, self._style))

    def _after_blank(self) -> bool:
        """Whether a space would vanish here, as it does at the start of a line and after another."""
        last = self._runs[-1] if self._runs else None
        if isinstance(last, (Text, Link)):
            return last.text.endswith(" ")
        return last is None or isinstance(last, LineBreak)

    def _add(self, *meaning: Inline) -> None:
        for inline in meaning:
            if isinstance(inline, Text):
                before, self._style = self._style, both(self._style, inline.style)
                self._add_text(inline.text)
                self._style = before
            else:
                self._runs.append(inline)
                self._has_fixed_spaces |= isinstance(inline, Link)

    def _add_block(self, block: Block) -> None:
        self._end_paragraph()
        self.blocks.append(block)

    def _end_paragraph(self) -> None:
        if not self._runs:
            return
        content = tuple(map(_with_spaces, self._runs) if self._has_fixed_spaces else self._runs)
        self.blocks.append(Heading(content, self._level) if self._level else Paragraph(content))
        self._runs, self._has_fixed_spaces = [], False


_READERS: dict[str, Callable[[_Reader, Element], None]] = {
    "a": _Reader.read_link,
    "blockquote": _Reader.read_quote,
    "br": _Reader.read_break,
    "codeblock": _Reader.read_code_block,
    "hr": _Reader.read_rule,
    "img": _Reader.read_image,
    "ol": _Reader.read_numbers,
    "pre": _Reader.read_code_block,
    "table": _Reader.read_table,
    "tr": _Reader.read_row,
    "ul": _Reader.read_bullets,
    **dict.fromkeys(_BLOCK_TAGS, _Reader.read_block),
    **dict.fromkeys(_HEADINGS, _Reader.read_heading),
    **dict.fromkeys(_INVISIBLE, _Reader.read_nothing),
    **dict.fromkeys(_STYLES, _Reader.read_styled),
}


def _has_header(table: Element) -> bool:
    """Whether the first row names the columns: all its cells are ``th``, or it stands in a ``thead``."""
    if (row := next(table.iter("tr"), None)) is None:
        return False
    group = row.getparent()
    return (group is not None and group.tag == "thead") or (len(row) > 0 and all(cell.tag == "th" for cell in row))


def _with_spaces(inline: Inline) -> Inline:
    if isinstance(inline, (Text, Link)) and "\xa0" in inline.text:
        return replace(inline, text=spaces(inline.text))
    return inline
