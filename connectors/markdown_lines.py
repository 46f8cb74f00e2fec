"""Writes one line of Markdown: escaping, code, links, and emphasis that CommonMark will read as it was meant."""

import re
import string
from collections.abc import Callable, Iterable, Sequence
from typing import TypeGuard
from urllib.parse import quote

from markdown_it.common.utils import isPunctChar, isWhiteSpace

from connectors.markdown_reading import SAFE_SCHEME, from_markdown
from connectors.richtext import STYLES, Broadcast, Inline, Link, Mention, Paragraph, Style, Text, plain_inline

_SPECIAL = re.compile(r"[\\`*_\[\]~<&\r\0:]")
"""One set of characters: to look for ``://`` itself would take twice as long."""
_ESCAPES = {"<": "&lt;", "&": "&amp;", "\r": " ", "\0": "\ufffd"}
_NOT_IN_ADDRESS = re.compile(r"[\s<>\\\x00-\x20\x7f]")
_NOT_IN_DESTINATION = re.compile(r"[\s<>\\\x00-\x20\x7f()\[\]`]")
_ENTITY = re.compile(r"&(?=#?\w+;)")
BACKTICKS = re.compile(r"`+")

WrittenMention = Callable[[Mention | Broadcast], str]
"""Writes a person or everybody as Markdown source that is used as it is; it begins and ends with a sign, not a letter."""


def escape(text: str) -> str:
    """``text`` such that Webex shows it literally within a line."""
    return _SPECIAL.sub(_escaped, text) if text and not text.isalnum() else text


def _escaped(found: re.Match[str]) -> str:
    if found[0] == ":" and not found.string.startswith("//", found.end()):
        return ":"
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


_Run = tuple[str, int]
"""One piece of a line: what it says, and how that looks, in bits: text to escape, ``_CODE``, or ``_SOLID`` Markdown source
that is used as it is. Nothing richer: there is one for every change of style, and this is the hot path."""

_BOLD, _ITALIC, _CODE, _SOLID = 1, 2, 4, 8
_MARKS = _BOLD | _ITALIC
_OUTER = (0, _BOLD, _ITALIC, _BOLD)
"""The mark that is written around the others, for every combination of marks."""
_WITHIN = {_BOLD: _ITALIC, _ITALIC: 0}
"""The marks that are written inside a mark."""
_BITS = {Style.BOLD: _BOLD, Style.ITALIC: _ITALIC, Style.CODE: _CODE}
_LOOKS = {style: sum(bit for flag, bit in _BITS.items() if flag in style) for style in STYLES}
_UNMARKED = frozenset(style for style, look in _LOOKS.items() if not look)


def _runs(line: Iterable[Inline], mention: WrittenMention) -> list[_Run]:
    """The pieces of a line, neighbours of one style joined."""
    joined: list[_Run] = []
    for inline in line:
        text, look = run = _as_run(inline, mention)
        if joined and look == joined[-1][1] < _SOLID:
            joined[-1] = (joined[-1][0] + text, look)
        elif text:
            joined.append(run)
    return [(_code_span(text), look & _MARKS | _SOLID) if look & _CODE else (text, look) for text, look in joined]


def _as_run(inline: Inline, mention: WrittenMention) -> _Run:
    if isinstance(inline, Text):
        return inline.text, _LOOKS[inline.style]
    match inline:
        case Link(url, text, style):
            return _link(url, text.replace("\n", " "), style)
        case Mention(name, None):
            return f"@{name}", _BOLD
        case Mention() | Broadcast():
            return mention(inline), _SOLID
        case _:
            return plain_inline(inline), 0


def _code_span(text: str) -> str:
    text = text.replace("\r", " ")
    ticks = "`" * (1 + max(map(len, BACKTICKS.findall(text)), default=0))
    padded = text[0] in "` " or text[-1] in "` "
    return f"{ticks} {text} {ticks}" if padded and text.strip(" ") else f"{ticks}{text}{ticks}"


def _link(url: str, text: str, style: Style) -> _Run:
    look = _LOOKS[style]
    marks = look & _MARKS
    if not SAFE_SCHEME.match(url):
        return f"{text} ({url})", marks
    if url == f"mailto:{text}":
        return text, marks
    if url == text and not _NOT_IN_ADDRESS.search(url):
        return f"<{url}>", marks | _SOLID
    address = _ENTITY.sub("&amp;", _NOT_IN_DESTINATION.sub(lambda found: quote(found[0], safe=""), url))
    label = _code_span(text) if look & _CODE else escape(text)
    return f"[{label}]({address})", marks | _SOLID


class _Emphasis:
    """Writes markers around runs. Bold is the outer one, and blanks are left outside.

    Without ``inside_words`` a marker that would touch a letter or digit from outside is left out; ``touched_words`` tells
    afterwards whether there was such a marker.
    """

    def __init__(self, inside_words: bool) -> None:
        self.inside_words = inside_words
        self.touched_words = False

    def write(self, runs: list[_Run], marks: int = _MARKS, before: str = "", after: str = "") -> str:
        """``marks`` are those to write; ``before`` and ``after`` the characters around the runs, empty at a line's ends."""
        if len(runs) == 1 and not runs[0][1] & marks:
            return _source(runs[0])
        written: list[str] = []
        outer = [_OUTER[look & marks] for _, look in runs]
        at = 0
        while at < len(runs):
            begin, mark = at, outer[at]
            at += 1
            if not mark:
                written.append(_source(runs[begin]))
                continue
            while at < len(runs) and outer[at] == mark:
                at += 1
            left = runs[begin - 1][0][-1] if begin else before
            right = runs[at][0][0] if at < len(runs) else after
            written.append(self._marked(runs[begin:at], mark, left, right))
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
            return f"{escape(lead)}{self.write(group, _WITHIN[mark], left, right)}{escape(trail)}"
        marker = "**" if mark == _BOLD else "*" if touches else "_"
        return f"{escape(lead)}{marker}{self.write(group, _WITHIN[mark], '*', '*')}{marker}{escape(trail)}"


def _source(run: _Run) -> str:
    text, look = run
    return text if look & _SOLID else escape(text)


def _joined(pieces: list[str]) -> str:
    """One after the other; two code spans that lost the markers between them would become one, so a blank parts them."""
    joined = "".join(pieces)
    if "``" not in joined:
        return joined
    for place in range(1, len(pieces)):
        if pieces[place][:1] == "`" == pieces[place - 1][-1:]:
            pieces[place] = " " + pieces[place]
    return "".join(pieces)


def _cut_edge(group: list[_Run], edge: int, next_to_word: bool) -> tuple[str, list[_Run]]:
    """Take from one end of a group (``edge`` 0 or -1) what cannot stand directly inside a marker.

    That is blanks, and next to a word punctuation too: there CommonMark sees no emphasis.
    """
    if group and group[edge][0][edge].isalnum():
        return "", group
    taken, group = "", list(group)
    while group and not group[edge][1] & _SOLID:
        text, look = group[edge]
        found = (_WORDLESS if next_to_word and not taken else _BLANKS)[edge].search(text)
        cut = found[0] if found else ""
        taken = taken + cut if edge == 0 else cut + taken
        if cut != text:
            rest = text.removeprefix(cut) if edge == 0 else text.removesuffix(cut)
            group[edge] = (rest, look)
            break
        group.pop(edge)
    return taken, group


_BLANKS = (re.compile(r"\A\s*"), re.compile(r"\s*\Z"))
_WORDLESS = (re.compile(r"\A[\W_]*"), re.compile(r"[\W_]*\Z"))
_SIGNS = frozenset(["", *string.whitespace, *string.punctuation])
"""The commonest blanks and punctuation: to ask Unicode takes longer. The end of a line counts as blank."""


def _is_word(character: str) -> bool:
    """What is neither blank nor punctuation for CommonMark."""
    if character in _SIGNS:
        return False
    return character.isalnum() or not (isWhiteSpace(ord(character)) or isPunctChar(character))


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
        (character, look & _MARKS if character.isalnum() else 0)
        for text, look in map(_as_seen, content)
        for character in text
        if not character.isspace()
    ]


def _as_seen(inline: Inline) -> _Run:
    match inline:
        case Text(text, style) | Link(text=text, style=style):
            return text, _LOOKS[style]
        case Mention(name):
            return f"@{name}", _BOLD
        case _:
            return plain_inline(inline), 0
