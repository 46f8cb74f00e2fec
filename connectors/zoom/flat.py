"""A written message as plain text: what an edit can still say, since it takes neither spans nor mentions (§3.1)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.zoom.spans import Span, read_spans

_MARKS = {"Quote": "> ", "BulletedList": "• "}


def flat(payload: Mapping[str, Any]) -> str:
    """The text of a rendered message with its lists, quotes and addresses typed out. Bold and the like are lost."""
    text = payload["message"]
    pieces, at = [], 0
    for position, mark in sorted(_marks(text, read_spans(payload.get("rich_text"), text)), key=lambda found: found[0]):
        pieces += [text[at:position], mark]
        at = position
    return "".join([*pieces, text[at:]])


def _marks(text: str, spans: Sequence[Span]) -> Iterator[tuple[int, str]]:
    """Where something is to be written in, and what. A quote's mark comes before that of a list on the same line."""
    for span in spans:
        if span.kind == "AddLink" and span.attr != text[span.start : span.end]:
            yield span.end, f" ({span.attr})"
        elif span.kind == "NumberedList":
            yield from ((start, f"{number}. ") for number, start in enumerate(_lines(text, span), 1))
        elif mark := _MARKS.get(span.kind):
            yield from ((start, mark) for start in _lines(text, span, indented=span.kind != "Quote"))


def _lines(text: str, span: Span, indented: bool = True) -> Iterator[int]:
    """Where the lines of a span begin, behind their blanks where these stand for nesting."""
    start = span.start
    for line in text[span.start : span.end].split("\n"):
        yield start + (len(line) - len(line.lstrip(" ")) if indented else 0)
        start += len(line) + 1
