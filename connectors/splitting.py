"""Cutting a document that is longer than one message may be.

Borders, softest first: between blocks, list items, lines, words, and at last between characters as a reader sees them.
A code block that is too long becomes several code blocks, a quote several quotes, a list several lists, so that every
part is well formed. Read one after the other, the parts say all that the document said.
"""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Generic, TypeVar

from connectors.richtext import (
    Block,
    BulletList,
    CodeBlock,
    Document,
    Heading,
    Inline,
    LineBreak,
    NumberedList,
    Paragraph,
    Quote,
    Rule,
    Table,
    Text,
    normal_inlines,
    plain,
    plain_inline,
)

Blocks = tuple[Block, ...]
Inlines = tuple[Inline, ...]
P = TypeVar("P")

_MARKS = (
    "\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f"  # variation selectors, keycap, skin tones, flag tags
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0900-\u0903\u093a-\u094f"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
)
_CLUSTER = re.compile(f"(?:[\U0001f1e6-\U0001f1ff]{{2}}|.)(?:[{_MARKS}]|\u200d.?)*", re.DOTALL)
"""One character as a reader sees it: flags are two letters, families are joined by U+200D, marks stay on their letter."""

_WORD = re.compile(r"\S+\s*|\s+")


def clusters(text: str) -> list[str]:
    """``text`` cut between the characters a reader sees, never inside one."""
    return _CLUSTER.findall(text)


def split(document: Document, fits: Callable[[Document], bool]) -> list[Document]:
    """Cut ``document`` into parts that each ``fits``.

    A single visible character that does not fit makes a part of its own: the platform will refuse it.
    """
    parts: list[Document] = []
    rest = document.blocks
    while rest:
        taken, rest = _take(rest, lambda blocks: fits(Document(blocks)))
        parts.append(Document(taken, document.degraded if not parts else ()))
    return parts


def _take(blocks: Blocks, fits: Callable[[Blocks], bool]) -> tuple[Blocks, Blocks]:
    """The longest beginning of ``blocks`` that fits, and what is left. Always takes something."""
    whole = _most(len(blocks), lambda count: fits(blocks[:count]))
    if whole:
        return blocks[:whole], blocks[whole:]
    head, tail = _cut(blocks[0], lambda block: fits((block,)))
    return (head,), ((tail,) if tail else ()) + blocks[1:]


def _most(count: int, fits: Callable[[int], bool]) -> int:
    """The largest n from 0 to ``count`` for which ``fits(n)``: what fits keeps fitting when it gets shorter.

    Looks from the small end, doubling: a probe renders all it asks about, and what is left may be very long.
    """
    low, high = 0, 1
    while high < count and fits(high):
        low, high = high, high * 2
    high = min(high, count)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def _cut(block: Block, fits: Callable[[Block], bool]) -> tuple[Block, Block | None]:
    """Cut one block that does not fit as a whole into a head that does and a tail."""
    match block:
        case Paragraph(content) | Heading(content):
            head, tail = _cut_inlines(content, lambda some: fits(replace(block, content=some)))
            return replace(block, content=head), replace(block, content=tail) if tail else None
        case CodeBlock(text):
            code, rest = _cut_code(text, lambda some: fits(replace(block, text=some)))
            return replace(block, text=code), replace(block, text=rest) if rest else None
        case Quote(blocks):
            quoted, left = _take(blocks, lambda some: fits(Quote(some)))
            return Quote(quoted), Quote(left) if left else None
        case BulletList() | NumberedList():
            return _cut_list(block, fits)
        case Table(rows):
            whole = _most(len(rows), lambda count: fits(replace(block, rows=rows[:count])))
            if whole:
                return replace(block, rows=rows[:whole]), replace(block, rows=rows[whole:], header=False)
            return _cut(Paragraph(normal_inlines((Text(plain(Document((block,)))),))), fits)
        case Rule():
            return block, None


def _cut_list(block: BulletList | NumberedList, fits: Callable[[Block], bool]) -> tuple[Block, Block | None]:
    whole = _most(len(block.items), lambda count: fits(replace(block, items=block.items[:count])))
    if whole:
        head, tail = block.items[:whole], block.items[whole:]
    else:
        taken, left = _take(block.items[0], lambda some: fits(replace(block, items=(some,))))
        head, tail = (taken,), ((left,) if left else ()) + block.items[1:]
    if not tail:
        return replace(block, items=head), None
    if isinstance(block, NumberedList):
        return replace(block, items=head), replace(block, items=tail, start=block.start + whole)
    return replace(block, items=head), replace(block, items=tail)


def _cut_code(text: str, fits: Callable[[str], bool]) -> tuple[str, str]:
    def longest(pieces: Sequence[str]) -> int:
        return _most(len(pieces), lambda count: fits("".join(pieces[:count]).removesuffix("\n")))

    pieces: Sequence[str] = text.splitlines(keepends=True)
    taken = longest(pieces)
    if not taken:
        pieces = clusters(text)
        taken = longest(pieces) or 1
    return "".join(pieces[:taken]).removesuffix("\n"), "".join(pieces[taken:])


def _cut_inlines(content: Inlines, fits: Callable[[Inlines], bool]) -> tuple[Inlines, Inlines]:
    """Cut at the last line break that leaves a head that fits, else between words, else between characters."""
    whole = min(_most(len(content), lambda count: fits(content[:count])), len(content) - 1)
    for place in range(whole, 0, -1):
        if isinstance(content[place], LineBreak) and (head := normal_inlines(content[:place])):
            return head, normal_inlines(content[place + 1 :])
    begun = content[: whole + 1]
    ends = _Reached(_word_ends(begun))
    taken = _most(sys.maxsize, lambda count: ends.reach(count) and fits(normal_inlines(_before(begun, ends.at(count)))))
    if taken and (head := normal_inlines(_before(begun, ends.at(taken)))):
        return head, normal_inlines(_behind(content, ends.at(taken)))
    first = ends.at(1)
    head, tail = _cut_word(_before(begun, first), fits)
    return head, normal_inlines((*tail, *_behind(content, first)))


def _cut_word(word: Inlines, fits: Callable[[Inlines], bool]) -> tuple[Inlines, Inlines]:
    """Cut between characters; a link or mention too long for any message becomes its text."""
    whole = min(_most(len(word), lambda count: fits(word[:count])), len(word) - 1)
    head, inline, tail = word[:whole], word[whole], word[whole + 1 :]
    if not isinstance(inline, Text):
        if head:
            return head, (inline, *tail)
        inline = Text(plain_inline(inline))
    text, style = inline.text, inline.style
    ends = _Reached(found.end() for found in _CLUSTER.finditer(text))
    taken = _most(sys.maxsize, lambda count: ends.reach(count) and fits((*head, Text(text[: ends.at(count)], style))))
    taken = taken or (0 if head else 1)
    end = ends.at(taken) if taken else 0
    begun = (Text(text[:end], style),) if taken else ()
    return (*head, *begun), (Text(text[end:], style), *tail)


class _Reached(Generic[P]):
    """Places read one after the other as far as somebody asks: what lies far behind the first part is not looked at."""

    def __init__(self, places: Iterator[P]) -> None:
        self._coming = places
        self._known: list[P] = []

    def reach(self, count: int) -> bool:
        """Whether there are so many."""
        self._known.extend(islice(self._coming, max(0, count - len(self._known))))
        return count <= len(self._known)

    def at(self, count: int) -> P:
        """The last of so many, of which ``reach`` has told that they are there."""
        return self._known[count - 1]


Place = tuple[int, int]
"""Behind which inline, or within which and behind how many of its letters: an end of the part before it."""


def _word_ends(content: Inlines) -> Iterator[Place]:
    """The ends of runs between blanks: a word that changes its style midway stays one word."""
    end: Place | None = None
    for number, inline in enumerate(content):
        for letters, is_end in _pieces(inline):
            end = (number, letters)
            if is_end:
                yield end
                end = None
    if end:
        yield end


def _pieces(inline: Inline) -> Iterator[tuple[int, bool]]:
    """How far each of its words goes, and whether that is followed by a blank; all of what is no text is one."""
    if isinstance(inline, Text):
        yield from ((found.end(), found[0][-1].isspace()) for found in _WORD.finditer(inline.text))
    else:
        yield 0, isinstance(inline, LineBreak)


def _before(content: Inlines, place: Place) -> Inlines:
    number, letters = place
    inline = content[number]
    return (*content[:number], replace(inline, text=inline.text[:letters]) if isinstance(inline, Text) else inline)


def _behind(content: Inlines, place: Place) -> Inlines:
    number, letters = place
    inline = content[number]
    left = (replace(inline, text=inline.text[letters:]),) if isinstance(inline, Text) else ()
    return (*left, *content[number + 1 :])
