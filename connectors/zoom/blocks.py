"""Lines of a Zoom message to blocks (§4.1). Block spans cover whole lines; what they do not cover is plain text.

Read back from plain text: a blank line parts two paragraphs, and backticks are code, since Zoom has no span for it.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.richtext import Block, BulletList, CodeBlock, Heading, NumberedList, Paragraph, Quote
from connectors.zoom.inlines import Flow
from connectors.zoom.spans import NEST, Span, read_mentions, read_spans

_HEADINGS = {"h1": 1, "h2": 2, "h3": 3}
_LISTS: Mapping[str, type[BulletList | NumberedList]] = {"BulletedList": BulletList, "NumberedList": NumberedList}
_FENCE = re.compile(r"(`{3,})([\w+#.-]{0,30})[ \t]*\Z")

_Items = list[list[Block]]


class _Line:
    """One line: where it is and which blocks cover it. ``heading`` is the span, so that two headings stay two."""

    __slots__ = ("end", "heading", "kind", "quoted", "start")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self.quoted = False
        self.kind: type[BulletList | NumberedList] | None = None
        self.heading: Span | None = None


def read(text: str, content: Mapping[str, Any]) -> tuple[list[Block], list[str]]:
    """The blocks of a message's text, and the names of what could not be kept."""
    spans = read_spans(content.get("rich_text"), text)
    flow = Flow(text, spans, read_mentions(content.get("at_items"), text))
    lines = _lines(text)
    _mark(lines, spans)
    return _Reader(text, flow).blocks(lines), flow.degraded


def _lines(text: str) -> list[_Line]:
    lines, start = [], 0
    for line in text.split("\n"):
        lines.append(_Line(start, start + len(line)))
        start += len(line) + 1
    return lines


def _mark(lines: Sequence[_Line], spans: Sequence[Span]) -> None:
    starts = [line.start for line in lines]
    for span in spans:
        if span.kind == "Quote" or span.kind in _LISTS or (span.kind == "Paragraph" and span.attr in _HEADINGS):
            for line in lines[max(bisect_right(starts, span.start) - 1, 0) : bisect_right(starts, span.end - 1)]:
                _mark_line(line, span)


def _mark_line(line: _Line, span: Span) -> None:
    if span.kind == "Quote":
        line.quoted = True
    elif span.kind == "Paragraph":
        line.heading = span
    else:
        line.kind = _LISTS[span.kind]


class _Reader:
    def __init__(self, text: str, flow: Flow) -> None:
        self.text = text
        self.flow = flow

    def blocks(self, lines: Sequence[_Line]) -> list[Block]:
        """Quotes hold what their lines say; the rest is read in runs of lines of one kind."""
        found: list[Block] = []
        at = 0
        while at < len(lines):
            end = _run(lines, at, lambda line, first: line.quoted == first.quoted)
            inner = self.unquoted(lines[at:end])
            found += [Quote(tuple(inner))] if lines[at].quoted else inner
            at = end
        return found

    def unquoted(self, lines: Sequence[_Line]) -> list[Block]:
        found: list[Block] = []
        at = 0
        while at < len(lines):
            line = lines[at]
            if line.kind:
                end = _run(lines, at, lambda line, first: line.kind is not None and not self.blank(line))
                found += self.lists(lines[at:end])
            elif line.heading:
                end = _run(lines, at, lambda line, first: line.heading is first.heading)
                level = _HEADINGS[line.heading.attr]
                found.append(Heading(self.flow.read(line.start, lines[end - 1].end), level))
            elif close := self.closing_fence(lines, at):
                end = close + 1
                found.append(self.code(lines[at : end - 1]))
            else:
                end = self.paragraph_end(lines, at)
                found.append(Paragraph(self.flow.read(line.start, lines[end - 1].end)))
            at = end
        return found

    def blank(self, line: _Line) -> bool:
        return not self.text[line.start : line.end].strip()

    def closing_fence(self, lines: Sequence[_Line], at: int) -> int:
        """The line that closes the code block opened at ``at``; 0 if none is opened there."""
        if not self.text.startswith("```", lines[at].start):
            return 0
        opening = _FENCE.match(self.text[lines[at].start : lines[at].end])
        if not opening:
            return 0
        for number in range(at + 1, len(lines)):
            mark = self.text[lines[number].start : lines[number].end].rstrip()
            if len(mark) >= len(opening[1]) and mark.strip("`") == "":
                return number
        return 0

    def code(self, lines: Sequence[_Line]) -> CodeBlock:
        opening = _FENCE.match(self.text[lines[0].start : lines[0].end])
        text = self.text[lines[1].start : lines[-1].end] if len(lines) > 1 else ""
        return CodeBlock(text, opening[2] if opening else "")

    def paragraph_end(self, lines: Sequence[_Line], at: int) -> int:
        """Up to the next blank line or line of another kind; a blank line is an empty paragraph of its own."""
        for number in range(at + 1, len(lines)):
            line = lines[number]
            if line.kind or line.heading or self.blank(line) or self.closing_fence(lines, number):
                return number
        return len(lines)

    def lists(self, lines: Sequence[_Line]) -> list[Block]:
        """Lines of lists, nested by the blanks before them."""
        found: list[Block] = []
        open_lists: list[tuple[type[Block], _Items]] = []
        for line in lines:
            if self.blank(line) or line.kind is None:
                continue
            text = self.text[line.start : line.end]
            indent = len(text) - len(text.lstrip(" "))
            depth = min(indent // NEST, len(open_lists))
            _close(open_lists, depth, found)
            if len(open_lists) > depth and open_lists[-1][0] is not line.kind:
                _close(open_lists, depth - 1, found)
            if len(open_lists) <= depth:
                open_lists.append((line.kind, []))
            open_lists[-1][1].append([Paragraph(self.flow.read(line.start + indent, line.end))])
        _close(open_lists, -1, found)
        return found


def _close(open_lists: list[tuple[type[Block], _Items]], depth: int, found: list[Block]) -> None:
    """Finish the lists deeper than ``depth``, each into the last item of the list around it."""
    while len(open_lists) > depth + 1:
        kind, items = open_lists.pop()
        make = BulletList if kind is BulletList else NumberedList
        (open_lists[-1][1][-1] if open_lists else found).append(make(tuple(map(tuple, items))))


def _run(lines: Sequence[_Line], at: int, same: Any) -> int:
    """The end of the run of lines that are the ``same`` as the one at ``at``, which always belongs to it."""
    end = at + 1
    while end < len(lines) and same(lines[end], lines[at]):
        end += 1
    return end
