"""A stretch of a Zoom message to inlines: styles, links, mentions, and code between backticks (§4.1, §4.2)."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence

from connectors.richtext import STYLES, Broadcast, Inline, LineBreak, Link, Mention, Style, Text
from connectors.zoom import ids
from connectors.zoom.spans import EVERYONE, Named, Span

_STYLES = {
    "Bold": Style.BOLD,
    "Italic": Style.ITALIC,
    "Strikethrough": Style.STRIKE,
    "Underline": Style.UNDERLINE,
    "Code": Style.CODE,
}
_BITS = {kind: style.value for kind, style in _STYLES.items()}
_UNKEPT = {
    "FontSize": "font size",
    "FontColor": "colour",
    "BackgroundColor": "background colour",
    "LeftIndent": "indent",
}
_BLOCKS = frozenset(["Quote", "BulletedList", "NumberedList", "Paragraph"])
_BACKTICKS = re.compile("`+")
_WEB = re.compile(r"https?://\S+\Z", re.IGNORECASE)


class Flow:
    """A message's text cut where anything begins or ends, ready to be read in stretches."""

    def __init__(self, text: str, spans: Sequence[Span], mentions: Sequence[Named]) -> None:
        self.text = text
        self.degraded: list[str] = []
        self.jumps: dict[int, tuple[int, Inline | None]] = {}
        for named in mentions:
            self.jumps[named.start] = (named.end, self.mentioned(named))
        kept = [span for span in map(self.kept, spans) if span]
        if "`" in text:
            kept += self.code(mentions)
        self.cuts = [-1]
        self.looks = [(Style.PLAIN, "")]
        self.cut(kept)
        self.cuts.append(len(text))

    def mentioned(self, named: Named) -> Inline:
        """Who is meant. Everybody is ``@all`` in Zoom, in whatever language the author's client writes it."""
        shown, item = self.text[named.start : named.end], named.item
        if str(item.get("at_type")) == str(EVERYONE):
            return Broadcast("all")
        account = ids.account(item.get("at_contact_user_id"), item.get("at_contact_member_id"))
        address = item.get("at_contact")
        return Mention(shown[1:], account or None, address if isinstance(address, str) and "@" in address else "")

    def kept(self, span: Span) -> Span | None:
        """A style or link, without the blanks at its end; None for what is not kept here."""
        if span.kind in _BLOCKS:
            return None
        if span.kind not in _STYLES and not (span.kind == "AddLink" and _WEB.match(span.attr)):
            self.degraded.append(_UNKEPT.get(span.kind, "link" if span.kind == "AddLink" else "formatting"))
            return None
        if not self.text[span.end - 1].isspace():
            return span
        end = span.start + len(self.text[span.start : span.end].rstrip())
        return span._replace(end=end) if end > span.start else None

    def code(self, mentions: Sequence[Named]) -> Iterator[Span]:
        """Code between equal runs of backticks on one line; the runs themselves are dropped."""
        start = 0
        for line in self.text.split("\n"):
            end = start + len(line)
            if "`" in line:
                for opening, closing in _pairs([run.span() for run in _BACKTICKS.finditer(self.text, start, end)]):
                    if not any(named.start < closing[1] and named.end > opening[0] for named in mentions):
                        yield self.code_between(opening, closing)
            start = end + 1

    def code_between(self, opening: tuple[int, int], closing: tuple[int, int]) -> Span:
        start, end = opening[1], closing[0]
        inside = self.text[start:end]
        if inside[0] == inside[-1] == " " and inside.strip():
            start, end = start + 1, end - 1
        self.jumps[opening[0]] = (start, None)
        self.jumps[end] = (closing[1], None)
        return Span(start, end, "Code", "")

    def cut(self, spans: Sequence[Span]) -> None:
        """Fill ``cuts`` with every border and ``looks`` with how the text from there on looks."""
        changes: dict[int, list[tuple[int, Span]]] = defaultdict(list, {start: [] for start in self.jumps})
        for span in spans:
            changes[span.start].append((1, span))
            changes[span.end].append((-1, span))
        counts = dict.fromkeys(_BITS.values(), 0)
        urls: list[str] = []
        bits = 0
        for position in sorted(changes):
            for step, span in changes[position]:
                if bit := _BITS.get(span.kind):
                    counts[bit] += step
                    bits = bits | bit if counts[bit] else bits & ~bit
                elif step > 0:
                    urls.append(span.attr)
                else:
                    urls.remove(span.attr)
            self.cuts.append(position)
            self.looks.append((STYLES[bits], urls[-1] if urls else ""))

    def read(self, start: int, end: int) -> tuple[Inline, ...]:
        """The inlines of a stretch, piece by piece: whoever makes a document of them makes them normal."""
        found: list[Inline] = []
        at, border = start, bisect_right(self.cuts, start)
        while at < end:
            if at in self.jumps:
                at, inline = self.jumps[at]
                found += [inline] if inline else []
                border = bisect_right(self.cuts, at, border)
                continue
            (style, url), stop = self.looks[border - 1], min(self.cuts[border], end)
            if url:
                found += _linked(self.text[at:stop], url, style)
            else:
                found.append(Text(self.text[at:stop], style))
            at, border = stop, border + 1
        return tuple(found)


def _linked(text: str, url: str, style: Style) -> Iterator[Inline]:
    """A link of Zoom's may not cross a line break (§4.1), ours cannot."""
    for number, line in enumerate(text.split("\n")):
        if number:
            yield LineBreak()
        yield Link(url, line, style)


def _pairs(runs: list[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Each run of backticks with the next one of its length; runs without a partner are just text."""
    at = 0
    while at < len(runs):
        length = runs[at][1] - runs[at][0]
        partner = next((n for n in range(at + 1, len(runs)) if runs[n][1] - runs[n][0] == length), 0)
        if partner:
            yield runs[at], runs[partner]
        at = (partner or at) + 1
