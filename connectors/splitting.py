"""Cutting a document that is longer than one message may be.

Borders, softest first: between blocks, list items, lines, words, and at last between characters as a reader sees them.
A code block that is too long becomes several code blocks, a quote several quotes, a list several lists, so that every
part is well formed. Read one after the other, the parts say all that the document said.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import chain

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
    words, rest = _words(content[: whole + 1]), content[whole + 1 :]
    taken = _most(len(words), lambda count: fits(_joined(words[:count])))
    if taken and (head := _joined(words[:taken])):
        return head, _joined([*words[taken:], rest])
    head, tail = _cut_word(words[0], fits)
    return head, _joined([tail, *words[1:], rest])


def _joined(pieces: Iterable[Inlines]) -> Inlines:
    return normal_inlines(chain.from_iterable(pieces))


def _cut_word(word: Inlines, fits: Callable[[Inlines], bool]) -> tuple[Inlines, Inlines]:
    """Cut between characters; a link or mention too long for any message becomes its text."""
    whole = min(_most(len(word), lambda count: fits(word[:count])), len(word) - 1)
    head, inline, tail = word[:whole], word[whole], word[whole + 1 :]
    if not isinstance(inline, Text):
        if head:
            return head, (inline, *tail)
        inline = Text(plain_inline(inline))
    pieces, style = clusters(inline.text), inline.style
    taken = _most(len(pieces), lambda count: fits((*head, Text("".join(pieces[:count]), style))))
    taken = taken or (0 if head else 1)
    begun = (Text("".join(pieces[:taken]), style),) if taken else ()
    return (*head, *begun), (Text("".join(pieces[taken:]), style), *tail)


def _words(content: Iterable[Inline]) -> list[Inlines]:
    """Runs between blanks: a word that changes its style midway stays one word."""
    words: list[list[Inline]] = [[]]
    for inline in content:
        pieces = [Text(w, inline.style) for w in _WORD.findall(inline.text)] if isinstance(inline, Text) else [inline]
        for piece in pieces:
            words[-1].append(piece)
            if isinstance(piece, LineBreak) or (isinstance(piece, Text) and piece.text[-1].isspace()):
                words.append([])
    return [tuple(word) for word in words if word]
