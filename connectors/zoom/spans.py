"""Positions in Zoom's text (§4.1, §4.2): the one place that knows how Zoom counts and where its spans end.

Zoom counts UTF-16 code units, as its JavaScript clients do; Python counts characters. Where a span ends is published in
two ways that contradict each other, so sending follows the two constants and reading is tolerant.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from unicodedata import category

RICHTEXT_END = 0
"""Added to the position after the last character: 0 is exclusive (the API reference), -1 would be inclusive (a forum)."""

MENTION_END = -1
"""The same for mentions: -1 is inclusive, as in the reference's own example of a mention."""

EVERYONE = 2
"""The ``at_type`` of a mention of everybody in the channel; 1 is a person."""

NEST = 4
"""Blanks before a list item for each level of nesting: a list clears Zoom's own indent, so we write and read blanks."""

_PAIRS = re.compile("[\U00010000-\U0010ffff]")
"""What takes two code units: most emoji."""


class Span(NamedTuple):
    """A stretch of text, in characters, the end exclusive."""

    start: int
    end: int
    kind: str
    attr: str


class Named(NamedTuple):
    """A mention's stretch of text, and the item that tells who is meant."""

    start: int
    end: int
    item: Mapping[str, Any]


def units(text: str) -> int:
    """The length of ``text`` as Zoom counts it: UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def written(start: int, end: int, kind: str, attr: str = "") -> dict[str, Any]:
    """A ``rich_text`` entry over ``start`` to ``end`` (code units, exclusive). ``format_attr`` is always sent (§4.1)."""
    return {"start_position": start, "end_position": end + RICHTEXT_END, "format_type": kind, "format_attr": attr}


def written_mention(start: int, end: int, contact: str) -> dict[str, Any]:
    """An ``at_items`` entry for one person."""
    return {"at_type": 1, "at_contact": contact, "start_position": start, "end_position": end + MENTION_END}


def written_broadcast(start: int, end: int) -> dict[str, Any]:
    """An ``at_items`` entry for everybody in the channel."""
    return {"at_type": EVERYONE, "start_position": start, "end_position": end + MENTION_END}


def read_spans(entries: object, text: str) -> list[Span]:
    """The readable entries of ``rich_text``, cut to ``text``."""
    index = _indexer(text)
    found = []
    for entry, first, last in _positioned(entries):
        start, end = index(first), index(last - RICHTEXT_END)
        if start < end:
            kind, attr = entry.get("format_type"), entry.get("format_attr")
            found.append(Span(start, end, str(kind), attr if isinstance(attr, str) else ""))
    return found


def read_mentions(entries: object, text: str) -> list[Named]:
    """The readable entries of ``at_items``, in order and apart from each other. Each covers an ``@`` and a name."""
    index = _indexer(text)
    found: list[Named] = []
    for item, first, last in sorted(_positioned(entries), key=lambda entry: entry[1]):
        start = index(first)
        end = _mention_end(text, start, index(last), index(last + 1))
        names = end - start > 1 and text[start] == "@" and "\n" not in text[start:end]
        if names and not (found and start < found[-1].end):
            found.append(Named(start, end, item))
    return found


def _mention_end(text: str, start: int, exclusive: int, inclusive: int) -> int:
    """Both readings of an end: the longer one unless it takes in a blank or a punctuation mark (§4.1)."""
    last = text[inclusive - 1 : inclusive]
    of_a_name = last.isalnum() or (last and category(last).startswith("M"))
    closing = last == ")" and "(" in text[start:exclusive]
    return inclusive if of_a_name or closing else exclusive


def _positioned(entries: object) -> Iterator[tuple[Mapping[str, Any], int, int]]:
    for entry in entries if isinstance(entries, Sequence) else ():
        if isinstance(entry, dict):
            start, end = _position(entry.get("start_position")), _position(entry.get("end_position"))
            if start is not None and end is not None:
                yield entry, start, end


def _position(value: object) -> int | None:
    if type(value) is int:
        return value
    try:
        return int(value) if isinstance(value, int | float | str) else None
    except (ValueError, OverflowError):
        return None


def _indexer(text: str) -> Callable[[int], int]:
    """From code units to characters, kept within ``text``."""
    length = len(text)
    found = [] if text.isascii() else [pair.start() for pair in _PAIRS.finditer(text)]
    starts = [start + number for number, start in enumerate(found)]

    def index(position: int) -> int:
        at = position - bisect_left(starts, position)
        return at if 0 <= at <= length else max(0, min(at, length))

    return index
