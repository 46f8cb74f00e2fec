"""Lists as Zoom shows them, and code as it has to be typed (§4.1): what ``render`` writes with."""

import re

from connectors.richtext import BulletList, Inline, LineBreak, NumberedList, Paragraph

_BACKTICKS = re.compile("`+")
_LANGUAGE = re.compile(r"[\w+#.-]{1,30}\Z")

Line = tuple[int, type[BulletList | NumberedList], tuple[Inline, ...]]
"""A line of a list: its depth, the kind of its list, what it says."""


def one_line(text: str) -> str:
    """A name or the text of a link: without line breaks."""
    return " ".join(text.split()) if "\n" in text or "\r" in text else text


def list_lines(block: BulletList | NumberedList, depth: int) -> list[Line] | None:
    """A list as lines that Zoom shows rightly; None if it must be typed out.

    Zoom numbers each run of lines from 1, and one line is one item: an item is a paragraph without line breaks, and only
    a list with bullets holds further lists.
    """
    numbered = isinstance(block, NumberedList)
    if numbered and block.start != 1:  # type: ignore[union-attr]
        return None
    lines: list[Line] = []
    for item in block.items:
        match item:
            case (Paragraph(content),):
                inner: list[Line] | None = []
            case (Paragraph(content), BulletList() | NumberedList() as nested) if not numbered:
                inner = list_lines(nested, depth + 1)
            case _:
                return None
        if inner is None or any(isinstance(inline, LineBreak) for inline in content):
            return None
        lines += [(depth, type(block), content), *inner]
    return lines


def inline_code(text: str) -> str:
    """Inline code between backticks, as many as it takes to hold the backticks within."""
    fence = "`" * next(n for n in range(1, len(text) + 2) if n not in set(map(len, _BACKTICKS.findall(text))))
    padded = text.startswith("`") or text.endswith("`") or (text[:1] == text[-1:] == " " and text.strip())
    return f"{fence} {text} {fence}" if padded else f"{fence}{text}{fence}"


def fenced(text: str, language: str) -> str:
    """A code block between fences, longer than any in it."""
    longest = max(map(len, _BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language if _LANGUAGE.match(language) else ''}\n{text}\n{fence}"
