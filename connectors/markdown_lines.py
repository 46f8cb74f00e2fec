"""Writes one line of Markdown: escaping, code, links, and emphasis that CommonMark will read as it was meant."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeGuard
from urllib.parse import quote

from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace

from connectors.markdown_reading import SAFE_SCHEME, from_markdown
from connectors.richtext import STYLES, Broadcast, Inline, Link, Mention, Paragraph, Style, Text, plain_inline

_SPECIAL = re.compile(r"[\\`*_\[\]~<&\r\0]|:(?=//)")
_ESCAPES = {"<": "&lt;", "&": "&amp;", "\r": " ", "\0": "\ufffd"}
_NOT_IN_ADDRESS = re.compile(r"[\s<>\\\x00-\x20\x7f]")
_NOT_IN_DESTINATION = re.compile(r"[\s<>\\\x00-\x20\x7f()\[\]`]")
_ENTITY = re.compile(r"&(?=#?\w+;)")
BACKTICKS = re.compile(r"`+")

WrittenMention = Callable[[Mention | Broadcast], str]
"""Writes a person or everybody as Markdown source that is used as it is; it begins and ends with a sign, not a letter."""


def escape(text: str) -> str:
    """``text`` such that Webex shows it literally within a line."""
    return text if text.isalnum() else _SPECIAL.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0]) or "\\" + found[0]


def write_line(line: list[Inline], mention: WrittenMention) -> str:
    """The inlines of one line, without line breaks. A mention without account becomes a bold name."""
    if len(line) == 1 and isinstance(text := line[0], Text) and text.style in _UNMARKED:
        return escape(text.text).rstrip()
    runs = _runs(line, mention)
    writer = _Emphasis(inside_words=True)
    written = writer.write(runs)
    if writer.touched_words and not _reads_back(line):
        written = _Emphasis(inside_words=False).write(runs)
    return written.rstrip()


class _Run(NamedTuple):
    """One piece of a line: text to escape, code, or ``_SOLID`` Markdown source used as it is. ``marks`` are bits."""

    text: str
    marks: int
    kind: int = 0


_TEXT, _CODE, _SOLID = range(3)
_BOLD, _ITALIC = 1, 2
_INNER = {_BOLD: _ITALIC, _ITALIC: 0}
_INWARD = {_BOLD: _BOLD | _ITALIC, _ITALIC: _ITALIC, 0: 0}
"""A mark and all that are written within it."""
_MARKS = {style: _BOLD * (Style.BOLD in style) + _ITALIC * (Style.ITALIC in style) for style in STYLES}
"""Plain numbers, because flags are slow to combine and this is the hot path."""
_KINDS = {style: _CODE if Style.CODE in style else _TEXT for style in STYLES}
_UNMARKED = frozenset(style for style in STYLES if not style & ~(Style.STRIKE | Style.UNDERLINE))


def _runs(line: Iterable[Inline], mention: WrittenMention) -> list[_Run]:
    """The pieces of a line, neighbours of one style joined."""
    joined: list[_Run] = []
    for inline in line:
        run = _as_run(inline, mention)
        last = joined[-1] if joined else None
        if last and run.marks == last.marks and run.kind == last.kind != _SOLID:
            joined[-1] = _Run(last.text + run.text, run.marks, run.kind)
        elif run.text:
            joined.append(run)
    return [_Run(_code_span(run.text), run.marks, _SOLID) if run.kind == _CODE else run for run in joined]


def _as_run(inline: Inline, mention: WrittenMention) -> _Run:
    if isinstance(inline, Text):
        return _Run(inline.text, _MARKS[inline.style], _KINDS[inline.style])
    match inline:
        case Link(url, text, style):
            return _link(url, text.replace("\n", " "), style)
        case Mention(name, None):
            return _Run(f"@{name}", _BOLD)
        case Mention() | Broadcast():
            return _Run(mention(inline), 0, _SOLID)
        case _:
            return _Run(plain_inline(inline), 0)


def _code_span(text: str) -> str:
    text = text.replace("\r", " ")
    ticks = "`" * (1 + max(map(len, BACKTICKS.findall(text)), default=0))
    padded = text[0] in "` " or text[-1] in "` "
    return f"{ticks} {text} {ticks}" if padded and text.strip(" ") else f"{ticks}{text}{ticks}"


def _link(url: str, text: str, style: Style) -> _Run:
    marks = _MARKS[style]
    if not SAFE_SCHEME.match(url):
        return _Run(f"{text} ({url})", marks)
    if url == f"mailto:{text}":
        return _Run(text, marks)
    if url == text and not _NOT_IN_ADDRESS.search(url):
        return _Run(f"<{url}>", marks, _SOLID)
    address = _ENTITY.sub("&amp;", _NOT_IN_DESTINATION.sub(lambda found: quote(found[0], safe=""), url))
    label = _code_span(text) if _KINDS[style] == _CODE else escape(text)
    return _Run(f"[{label}]({address})", marks, _SOLID)


class _Emphasis:
    """Writes markers around runs. Bold is the outer one, and blanks are left outside.

    Without ``inside_words`` a marker that would touch a letter or digit from outside is left out; ``touched_words`` tells
    afterwards whether there was such a marker.
    """

    def __init__(self, inside_words: bool) -> None:
        self.inside_words = inside_words
        self.touched_words = False

    def write(self, runs: Sequence[_Run], mark: int = _BOLD, before: str = "", after: str = "") -> str:
        """``before`` and ``after`` are the characters around the runs, empty at a line's ends."""
        if len(runs) == 1 and not runs[0].marks & _INWARD[mark]:
            return _source(runs[0])
        while mark and not any([run.marks & mark for run in runs]):  # noqa: C419 (a list is quicker for a handful)
            mark = _INNER[mark]
        if not mark:
            return _joined(list(map(_source, runs)))
        groups = _groups(runs, mark)
        written = []
        for place, group in enumerate(groups):
            left = groups[place - 1][-1].text[-1] if place else before
            right = groups[place + 1][0].text[0] if place + 1 < len(groups) else after
            if group[0].marks & mark:
                written.append(self._marked(group, mark, left, right))
            else:
                written.append(self.write(group, _INNER[mark], left, right))
        return _joined(written)

    def _marked(self, group: list[_Run], mark: int, left: str, right: str) -> str:
        lead, group = _cut_edge(group, 0, _is_word(left))
        trail, group = _cut_edge(group, -1, _is_word(right))
        if not group:
            return escape(lead + trail)
        left, right = lead[-1:] or left, trail[:1] or right
        touches = _is_word(left) or _is_word(right)
        self.touched_words |= touches
        if touches and not self.inside_words:
            return f"{escape(lead)}{self.write(group, _INNER[mark], left, right)}{escape(trail)}"
        marker = "**" if mark == _BOLD else "*" if touches else "_"
        return f"{escape(lead)}{marker}{self.write(group, _INNER[mark], '*', '*')}{marker}{escape(trail)}"


def _source(run: _Run) -> str:
    return run.text if run.kind == _SOLID else escape(run.text)


def _joined(pieces: list[str]) -> str:
    """One after the other; two code spans that lost the markers between them would become one, so a blank parts them."""
    joined = "".join(pieces)
    if "``" not in joined:
        return joined
    for place in range(1, len(pieces)):
        if pieces[place][:1] == "`" == pieces[place - 1][-1:]:
            pieces[place] = " " + pieces[place]
    return "".join(pieces)


def _groups(runs: Sequence[_Run], mark: int) -> list[list[_Run]]:
    """Neighbours that have ``mark``, and neighbours that have it not."""
    groups = [[runs[0]]]
    for run in runs[1:]:
        if (run.marks ^ groups[-1][0].marks) & mark:
            groups.append([run])
        else:
            groups[-1].append(run)
    return groups


def _cut_edge(group: list[_Run], edge: int, next_to_word: bool) -> tuple[str, list[_Run]]:
    """Take from one end of a group (``edge`` 0 or -1) what cannot stand directly inside a marker.

    That is blanks, and next to a word punctuation too: there CommonMark sees no emphasis.
    """
    if group and group[edge].text[edge].isalnum():
        return "", group
    taken, group = "", list(group)
    while group and group[edge].kind != _SOLID:
        text = group[edge].text
        found = (_WORDLESS if next_to_word and not taken else _BLANKS)[edge].search(text)
        cut = found[0] if found else ""
        taken = taken + cut if edge == 0 else cut + taken
        if cut != text:
            rest = text.removeprefix(cut) if edge == 0 else text.removesuffix(cut)
            group[edge] = _Run(rest, group[edge].marks, group[edge].kind)
            break
        group.pop(edge)
    return taken, group


_BLANKS = (re.compile(r"\A\s*"), re.compile(r"\s*\Z"))
_WORDLESS = (re.compile(r"\A[\W_]*"), re.compile(r"[\W_]*\Z"))


def _is_word(character: str) -> bool:
    """What is neither blank nor punctuation for CommonMark; the end of a line counts as blank."""
    if not character or character.isalnum():
        return bool(character)
    return not (isWhiteSpace(ord(character)) or isMdAsciiPunct(ord(character)) or isPunctChar(character))


def _reads_back(line: Sequence[Inline]) -> bool:
    """Whether CommonMark reads a line with markers inside words as it was meant; its rules there have odd corners."""
    known = [Text(f"<@{inline.name}>") if _is_call(inline) else inline for inline in line]
    runs = _runs(known, lambda called: called.name)
    blocks = from_markdown(f". {_Emphasis(inside_words=True).write(runs)}").blocks
    if len(blocks) != 1 or not isinstance(blocks[0], Paragraph):
        return False
    return _look(blocks[0].content) == _look([Text(". "), *known])


def _is_call(inline: Inline) -> TypeGuard[Mention | Broadcast]:
    """Whether it is written by a ``WrittenMention``."""
    return isinstance(inline, Broadcast) or (isinstance(inline, Mention) and inline.account is not None)


def _look(content: Iterable[Inline]) -> list[tuple[str, int]]:
    """Every visible character with its marks; blanks and punctuation may stand outside the markers."""
    return [
        (character, run.marks if character.isalnum() else 0)
        for run in (_as_seen(inline) for inline in content)
        for character in run.text
        if not character.isspace()
    ]


def _as_seen(inline: Inline) -> _Run:
    match inline:
        case Text(text, style) | Link(text=text, style=style):
            return _Run(text, _MARKS[style])
        case Mention(name):
            return _Run(f"@{name}", _BOLD)
        case _:
            return _Run(plain_inline(inline), 0)
