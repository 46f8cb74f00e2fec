"""Reading ``rich_text``, the lossless form of what people type (reference §4.2).

Its text is neither mrkdwn nor escaped. Lists are flat: nesting is an ``indent``, and a list that goes on after a nested
one is a new element. A ``border`` marks lists and code that stand in the quote above them.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.emoji import character
from connectors.richtext import (
    STYLES,
    Block,
    BulletList,
    CodeBlock,
    Emoji,
    Inline,
    LineBreak,
    NumberedList,
    Quote,
    Style,
    Text,
    encodable,
)
from connectors.slack.inlines import broadcast, channel, date, link, paragraphs, person, user_group
from connectors.slack.mrkdwn import labels

Object = Mapping[str, Any]

DEEPEST = 8
"""The largest indent of a list (§4.2)."""
_UNIFIED = re.compile(r"[0-9a-f]{2,6}(?:-[0-9a-f]{2,6})*")
_FLAGS = {
    "bold": Style.BOLD,
    "italic": Style.ITALIC,
    "strike": Style.STRIKE,
    "code": Style.CODE,
    "underline": Style.UNDERLINE,
}
_VALUES = {name: flag.value for name, flag in _FLAGS.items()}


def objects(value: Any) -> list[Object]:
    """The objects of a list from the wire; anything else holds none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_of(element: Object, *keys: str) -> str:
    """The first text that stands under one of ``keys``, or an empty one."""
    for key in keys:
        value = element.get(key)
        if isinstance(value, str) and value:
            return encodable(value)
    return ""


def number_of(element: Object, key: str) -> int:
    value = element.get(key)
    return value if isinstance(value, int) else 0


@dataclass(slots=True)
class Reading:
    """One message being read: what could not be kept, and the names that its ``text`` knows."""

    text: str
    degraded: list[str] = field(default_factory=list)
    _labels: dict[str, str] | None = None

    def name_of(self, identifier: str) -> str:
        """A label for a channel, group or person, or an empty text."""
        if self._labels is None:
            self._labels = labels(self.text)
        return encodable(self._labels.get(identifier, ""))


def read_rich_text(block: Object, reading: Reading) -> list[Block]:
    """A ``rich_text`` block as blocks, not yet in normal form."""
    elements = objects(block.get("elements"))
    if len(elements) == 1 and elements[0].get("type") == "rich_text_section":
        return paragraphs(_inlines(elements[0], reading))
    blocks: list[Block] = []
    for quoted, group in _quotes(elements):
        found = _fold(group, reading)
        blocks += [Quote(tuple(found))] if quoted else found
    return blocks


def _quotes(elements: Iterable[Object]) -> Iterator[tuple[bool, list[Object]]]:
    """Elements by the quote they stand in; what is outside any quote is grouped as well."""
    group: list[Object] = []
    in_quote = False
    for element in elements:
        opens = element.get("type") == "rich_text_quote"
        quoted = opens or bool(number_of(element, "border"))
        if group and (quoted != in_quote or (opens and group[-1].get("type") == "rich_text_quote")):
            yield in_quote, group
            group = []
        group.append(element)
        in_quote = quoted
    if group:
        yield in_quote, group


def _fold(elements: Iterable[Object], reading: Reading) -> list[Block]:
    """Neighbouring sections become one text, neighbouring lists one tree."""
    blocks: list[Block] = []
    text: list[Inline] = []
    lists: list[Object] = []
    for element in elements:
        kind = element.get("type")
        if kind != "rich_text_list" and lists:
            blocks += _tree(lists, reading)
            lists = []
        if kind in ("rich_text_list", "rich_text_preformatted") and text:
            blocks += paragraphs(text)
            text = []
        match kind:
            case "rich_text_list":
                lists.append(element)
            case "rich_text_preformatted":
                blocks.append(_code(element, reading))
            case _:
                text += [LineBreak(), *_inlines(element, reading)] if text else _inlines(element, reading)
    return blocks + _tree(lists, reading) + paragraphs(text)


def _code(element: Object, reading: Reading) -> CodeBlock:
    text = "".join(text_of(piece, "text", "url") for piece in objects(element.get("elements")))
    return CodeBlock(text.removesuffix("\n"), text_of(element, "language"))


@dataclass(slots=True)
class _List:
    """A list while it grows: a nested one is the last of the item it stands in."""

    indent: int
    ordered: bool
    start: int
    items: list[list["Block | _List"]] = field(default_factory=list)

    def goes_on_with(self, other: "_List") -> bool:
        counts_on = other.start == self.start + len(self.items)
        return self.indent == other.indent and self.ordered == other.ordered and (counts_on or not self.ordered)

    def finished(self) -> Block:
        items = tuple(tuple(b.finished() if isinstance(b, _List) else b for b in item) for item in self.items)
        return NumberedList(items, self.start) if self.ordered else BulletList(items)


def _tree(elements: Iterable[Object], reading: Reading) -> list[Block]:
    roots: list[_List] = []
    path: list[_List] = []
    for element in elements:
        found = _list(element, reading)
        while path and (path[-1].indent > found.indent):
            path.pop()
        if path and path[-1].goes_on_with(found):
            path[-1].items += found.items
            continue
        if path and path[-1].indent == found.indent:
            path.pop()
        if path and path[-1].items:
            path[-1].items[-1].append(found)
        else:
            roots.append(found)
        path.append(found)
    return [root.finished() for root in roots]


def _list(element: Object, reading: Reading) -> _List:
    indent = min(max(number_of(element, "indent"), 0), DEEPEST)
    start = max(number_of(element, "offset"), 0) + 1
    items = [list[Block | _List](paragraphs(_inlines(item, reading))) for item in objects(element.get("elements"))]
    return _List(indent, element.get("style") == "ordered", start, items)


def _inlines(element: Object, reading: Reading) -> list[Inline]:
    return [_inline(inline, reading) for inline in objects(element.get("elements"))]


def _inline(element: Object, reading: Reading) -> Inline:
    kind = element.get("type")
    style = _style(element["style"]) if "style" in element else Style.PLAIN
    if kind == "text":
        return Text(text_of(element, "text"), style)
    reader = _INLINES.get(kind) if isinstance(kind, str) else None
    if reader is None:
        return _unknown(element, style, reading)
    return reader(element, style, reading)


def _style(given: Any) -> Style:
    value = 0
    if isinstance(given, dict):
        for name, wanted in given.items():
            if wanted and name in _VALUES:
                value |= _VALUES[name]
    return STYLES[value]


def _unknown(element: Object, style: Style, reading: Reading) -> Inline:
    kind = text_of(element, "type") or "element"
    reading.degraded.append("unknown element")
    return Text(text_of(element, "text", "fallback", "name", "value") or f"[{kind}]", style)


def _emoji(element: Object, style: Style, reading: Reading) -> Inline:
    name, unified = text_of(element, "name"), text_of(element, "unicode")
    tone = number_of(element, "skin_tone")
    found = _from_unified(unified) or (character(f"{name}::skin-tone-{tone}") if tone else None) or character(name)
    return Text(found, style) if found else Emoji(name or "emoji")


def _from_unified(unified: str) -> str | None:
    """``1f44b-1f3fd`` as characters."""
    if not _UNIFIED.fullmatch(unified):
        return None
    codes = [int(code, 16) for code in unified.split("-")]
    return "".join(map(chr, codes)) if all(0x20 < c < 0xD800 or 0xDFFF < c < 0x110000 for c in codes) else None


def _link(element: Object, style: Style, reading: Reading) -> Inline:
    return link(text_of(element, "url"), text_of(element, "text"), style, reading.degraded)


def _user(element: Object, style: Style, reading: Reading) -> Inline:
    account = text_of(element, "user_id")
    return person(account, reading.name_of(account)) if account else _unknown(element, style, reading)


def _channel(element: Object, style: Style, reading: Reading) -> Inline:
    identifier = text_of(element, "channel_id")
    return channel(identifier, reading.name_of(identifier))


def _user_group(element: Object, style: Style, reading: Reading) -> Inline:
    identifier = text_of(element, "usergroup_id", "team_id")
    return user_group(reading.name_of(identifier) or identifier, reading.degraded)


def _broadcast(element: Object, style: Style, reading: Reading) -> Inline:
    return broadcast(text_of(element, "range") or "channel", reading.degraded)


def _date(element: Object, style: Style, reading: Reading) -> Inline:
    return date(number_of(element, "timestamp"), text_of(element, "fallback"), reading.degraded)


def _message_mention(element: Object, style: Style, reading: Reading) -> Inline:
    reading.degraded.append("message mention")
    return link(text_of(element, "url"), text_of(element, "text"), style, reading.degraded)


_INLINES: dict[str, Callable[[Object, Style, Reading], Inline]] = {
    "broadcast": _broadcast,
    "channel": _channel,
    "date": _date,
    "emoji": _emoji,
    "link": _link,
    "message_mention": _message_mention,
    "team": _user_group,
    "user": _user,
    "usergroup": _user_group,
}
