"""HTML, read tolerantly: what Teams and Webex send. How it is written is in ``html_writing.py``.

Reading collapses white space as a browser does, keeps the text of every tag it does not know, and never fails: there is
no broken HTML, only HTML that browsers show in some way.
"""

import html as entities
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from lxml import etree

from connectors.html_writing import escape, to_html, web_address
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
    Style,
    Text,
    document,
    inlines,
    normal_inlines,
)

__all__ = ["Element", "Special", "escape", "from_html", "to_html", "web_address"]

Element = etree._Element  # noqa: SLF001 (lxml has no public name for it)
Special = Mapping[str, Callable[[Element], Inline | Sequence[Inline] | None]]
"""What a platform's own tags mean, by tag in lower case. None: read it as usual; an empty list: leave it out."""

DEEPEST = 40
"""Nested elements read with their meaning, below them only text: as deep as copied e-mails, far from Python's stack."""
PARSER_DEPTH = 2000
"""libxml2 gives up a little above this depth, even on huge trees."""
_RULE = "———"

_STYLES = {
    **dict.fromkeys(("b", "strong"), Style.BOLD),
    **dict.fromkeys(("i", "em"), Style.ITALIC),
    **dict.fromkeys(("s", "strike", "del"), Style.STRIKE),
    **dict.fromkeys(("code", "tt", "kbd", "samp"), Style.CODE),
}
_BLOCK_TAGS = (
    frozenset(["address", "article", "aside", "body", "center", "dd", "details", "div", "dl", "dt", "fieldset"])
    | frozenset(["figcaption", "figure", "footer", "form", "header", "html", "li", "main", "nav", "p", "section"])
    | frozenset(["caption", "summary", "tbody", "td", "tfoot", "th", "thead"])
)
_INVISIBLE = frozenset(["head", "link", "meta", "noembed", "noframes", "script", "style", "template", "title"])
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLANKS = re.compile("[ \t\n\r\f]+")
_START = re.compile(r"-?\d{1,9}")
_TAG = re.compile(r"<!--.*?-->|<(?:script|style)\b.*?</(?:script|style)\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_PARSER = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)


def from_html(source: str, special: Special | None = None) -> Document:
    """Read HTML. ``special`` reads a platform's own tags, such as ``at`` or ``spark-mention``.

    Named in ``degraded``: ``underline``, ``table``, ``rule``, ``image``, and ``nesting`` for a source so deep that only
    its text is kept.
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
    text = _spaces(_BLANKS.sub(" ", entities.unescape(_TAG.sub(" ", source))))
    return document([Paragraph((Text(text),))], ["nesting"] if text.strip() else [])


def _spaces(text: str) -> str:
    """No-break spaces, which editors put where several spaces shall stay, as the spaces that were typed."""
    return text.replace("\xa0", " ")


class _Reader:
    """Walks a tree once. ``blocks`` are done; ``_runs`` is the paragraph being read."""

    def __init__(self, special: Special) -> None:
        self.blocks: list[Block] = []
        self.degraded: list[str] = []
        self._special = special
        self._runs: list[Inline] = []
        self._style = Style.PLAIN
        self._url = ""
        self._depth = 0
        self._level = 0

    def read(self, element: Element) -> None:
        """The content of an element, without the element itself."""
        if element.text:
            self._add_text(element.text)
        for child in element:
            self._visit(child)
            if child.tail:
                self._add_text(child.tail)

    def _visit(self, element: Element) -> None:
        if self._depth >= DEEPEST:
            self._read_flat(element)
            return
        self._depth += 1
        self._read_meaning(element, str(element.tag))
        self._depth -= 1

    def _read_flat(self, element: Element) -> None:
        etree.strip_elements(element, *_INVISIBLE, with_tail=False)
        for text in element.itertext():
            self._add_text(f"{text} ")

    def _read_meaning(self, element: Element, tag: str) -> None:
        special = self._special.get(tag)
        if special is not None and (meaning := special(element)) is not None:
            self._add(*(meaning if isinstance(meaning, Sequence) else (meaning,)))
        elif style := _STYLES.get(tag):
            self._read_styled(element, style)
        elif tag in _BLOCK_TAGS:
            self._end_paragraph()
            self.read(element)
            self._end_paragraph()
        elif tag not in _INVISIBLE:
            _READERS.get(tag, _Reader.read)(self, element)

    def read_break(self, _element: Element) -> None:
        self._add(LineBreak())

    def read_underlined(self, element: Element) -> None:
        self.degraded.append("underline")
        self.read(element)

    def read_bullets(self, element: Element) -> None:
        self._add_block(BulletList(self._items(element)))

    def read_numbers(self, element: Element) -> None:
        start = _START.fullmatch(element.get("start", "").strip())
        self._add_block(NumberedList(self._items(element), int(start[0]) if start else 1))

    def read_quote(self, element: Element) -> None:
        self._add_block(Quote(tuple(self._collect(element))))

    def read_code_block(self, element: Element) -> None:
        self._add_block(_code_block(element))

    def read_rule(self, _element: Element) -> None:
        self.degraded.append("rule")
        self._add_block(Paragraph((Text(_RULE),)))

    def read_image(self, element: Element) -> None:
        self.degraded.append("image")
        alt = _one_line(element.get("alt", ""))
        self._add_text(f"[image: {alt}]" if alt else "[image]")

    def read_table(self, element: Element) -> None:
        self.degraded.append("table")
        self._add_block(_table(self._collect(element)))

    def read_row(self, element: Element) -> None:
        self._add_block(self._row(element))

    def _read_styled(self, element: Element, style: Style) -> None:
        before, self._style = self._style, self._style | style
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
            items.append((Paragraph((Text(_one_line(element.text)),)),))
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

    def _row(self, element: Element) -> Paragraph:
        row: list[Inline] = []
        for number, cell in enumerate(element):
            row += [Text(" | ")] if number else []
            row += _flat(self._collect(cell))
        return Paragraph(tuple(row))

    def _add_text(self, text: str) -> None:
        text = _BLANKS.sub(" ", text)
        if text[0] == " " and self._after_blank():
            text = text[1:]
        if not text:
            return
        self._runs.append(Link(self._url, text, self._style) if self._url else Text(text, self._style))

    def _after_blank(self) -> bool:
        """Whether a space would vanish here, as it does at the start of a line and after another."""
        match self._runs[-1] if self._runs else None:
            case Text(text) | Link(text=text):
                return text.endswith(" ")
            case last:
                return last is None or isinstance(last, LineBreak)

    def _add(self, *meaning: Inline) -> None:
        for inline in meaning:
            match inline:
                case Text(text, style):
                    before, self._style = self._style, self._style | style
                    self._add_text(text) if text else None
                    self._style = before
                case _:
                    self._runs.append(inline)

    def _add_block(self, block: Block) -> None:
        self._end_paragraph()
        self.blocks.append(block)

    def _end_paragraph(self) -> None:
        if not self._runs:
            return
        content = tuple(map(_with_spaces, self._runs))
        self.blocks.append(Heading(content, self._level) if self._level else Paragraph(content))
        self._runs = []


_READERS: dict[str, Callable[[_Reader, Element], None]] = {
    "a": _Reader.read_link,
    "blockquote": _Reader.read_quote,
    "br": _Reader.read_break,
    "codeblock": _Reader.read_code_block,
    "hr": _Reader.read_rule,
    "img": _Reader.read_image,
    "ins": _Reader.read_underlined,
    "ol": _Reader.read_numbers,
    "pre": _Reader.read_code_block,
    "table": _Reader.read_table,
    "tr": _Reader.read_row,
    "u": _Reader.read_underlined,
    "ul": _Reader.read_bullets,
    **dict.fromkeys(_HEADINGS, _Reader.read_heading),
}


def _with_spaces(inline: Inline) -> Inline:
    match inline:
        case Text(text, style) if "\xa0" in text:
            return Text(_spaces(text), style)
        case Link(url, text, style) if "\xa0" in text:
            return Link(url, _spaces(text), style)
    return inline


def _one_line(text: str) -> str:
    return _BLANKS.sub(" ", _spaces(text)).strip()


def _code_block(element: Element) -> CodeBlock:
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
    text = _spaces("".join(pieces)).replace("\r\n", "\n")
    if element.tag == "pre" and (element.text or "").startswith("\n"):
        text = text[1:]
    return CodeBlock(text.removesuffix("\n"), language.strip())


def _language(node: Element) -> str:
    names = node.get("class", "").split() if node.tag == "code" else []
    return next((name.removeprefix("language-") for name in names if name.startswith("language-")), "")


def _flat(blocks: Iterable[Block]) -> list[Inline]:
    """Blocks as one run without line breaks, for a table's cell."""
    run: list[Inline] = []
    for block in blocks:
        code = (Text(" ".join(block.text.split("\n")), Style.CODE),) if isinstance(block, CodeBlock) else ()
        run += [Text(" ")] if run else []
        run += code or (Text(" ") if isinstance(inline, LineBreak) else inline for inline in inlines([block]))
    return list(normal_inlines(run))


def _table(rows: Iterable[Block]) -> Paragraph:
    lines: list[Inline] = []
    for row in rows:
        lines += [LineBreak()] if lines else []
        lines += row.content if isinstance(row, Paragraph) else _flat([row])
    return Paragraph(tuple(lines))
