"""Reading mrkdwn, Slack's old text form (reference §4.1): for messages that have no blocks, and for blocks of apps.

Tokens in angle brackets are found first, the three entities are decoded afterwards, once.
"""

import re
from collections.abc import Iterator
from itertools import groupby

from connectors.emoji import character
from connectors.richtext import Block, CodeBlock, Inline, Quote, Style, Text, encodable
from connectors.slack.inlines import broadcast, channel, date, link, paragraphs, person, user_group

_FENCE = re.compile(r"```(.+?)```", re.DOTALL)
_QUOTE = re.compile(r"^(?:&gt;|>) ?")
_LONG_QUOTE = re.compile(r"^(?:&gt;|>){3} ?", re.MULTILINE)
_TOKEN = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")
_LABEL = re.compile(r"<[@#!](?:subteam\^)?([A-Z0-9]+)\|([^<>]+)>")

_SHORTCODE = r"[a-z0-9_+'-]+(?:::skin-tone-[2-6](?:-[2-6])?)?"
_EMOJI = re.compile(f":({_SHORTCODE}):")

_SECONDS = re.compile(r"[0-9]{1,12}")

_STYLED = r"(?<![\w{0}]){0}(?=[^\s{0}])(?P<{1}>(?:<[^<>\n]*>|[^{0}<\n])+?)(?<=\S){0}(?![\w{0}])"
"""Markers hug their text and stand at the borders of words; everything else is literal."""
_PIECE = re.compile(
    "|".join(
        [
            r"`(?P<code>[^`\n]+)`",
            r"(?P<token><[@#!]?[^<>|]+(?:\|[^<>]*)?>)",
            f":(?P<emoji>{_SHORTCODE}):",
            _STYLED.format(r"\*", "bold"),
            _STYLED.format("_", "italic"),
            _STYLED.format("~", "strike"),
        ]
    )
)
_STYLES = {"bold": Style.BOLD, "italic": Style.ITALIC, "strike": Style.STRIKE}


def with_emoji(text: str) -> str:
    """``:tada:`` as a character, where a text has no other markup."""
    return _EMOJI.sub(lambda found: character(found[1]) or found[0], text)


def unescape(text: str) -> str:
    """The three entities that Slack knows; nothing else is one."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def labels(text: str) -> dict[str, str]:
    """The names that a message's ``text`` gives to channels, groups and people, by id: its blocks have only ids."""
    return {found: unescape(label) for found, label in _LABEL.findall(text)}


def read_mrkdwn(text: str, degraded: list[str]) -> list[Block]:
    """A mrkdwn text as blocks, not yet in normal form."""
    blocks: list[Block] = []
    for number, piece in enumerate(_FENCE.split(encodable(text))):
        if number % 2:
            blocks.append(CodeBlock(literal(piece.strip("\n"))))
        else:
            blocks += _outside_code(piece, degraded)
    return blocks


def read_inlines(text: str, degraded: list[str]) -> list[Inline]:
    """A mrkdwn text as one run; line breaks stay in its texts."""
    return list(_inlines(encodable(text), Style.PLAIN, degraded))


def _outside_code(text: str, degraded: list[str]) -> Iterator[Block]:
    text, *long_quote = _LONG_QUOTE.split(text, maxsplit=1)
    for quoted, lines in groupby(text.split("\n"), lambda line: bool(_QUOTE.match(line))):
        content = "\n".join(_QUOTE.sub("", line) if quoted else line for line in lines)
        found = paragraphs(_inlines(content, Style.PLAIN, degraded))
        yield from [Quote(tuple(found))] if quoted else found
    for rest in long_quote:
        yield Quote(tuple(paragraphs(_inlines(rest, Style.PLAIN, degraded))))


def literal(text: str) -> str:
    """Code, or another text without formatting, as it was typed: Slack makes links even there."""
    return unescape(_TOKEN.sub(lambda found: found[3] or found[1] + found[2], text))


def _inlines(text: str, style: Style, degraded: list[str]) -> Iterator[Inline]:
    end = 0
    for found in _PIECE.finditer(text):
        if found.start() > end:
            yield Text(unescape(text[end : found.start()]), style)
        yield from _piece(found, style, degraded)
        end = found.end()
    if end < len(text):
        yield Text(unescape(text[end:]), style)


def _piece(found: re.Match[str], style: Style, degraded: list[str]) -> Iterator[Inline]:
    name = found.lastgroup or ""
    inner = found[name]
    match name:
        case "code":
            yield Text(literal(inner), style | Style.CODE)
        case "token":
            yield _token(inner, style, degraded)
        case "emoji":
            yield Text(character(inner) or found[0], style)
        case _:  # a style's text never holds its own marker, so this goes three deep at most
            yield from _inlines(inner, style | _STYLES[name], degraded)


def _token(token: str, style: Style, degraded: list[str]) -> Inline:
    found = _TOKEN.fullmatch(token)
    sign, target, label = (unescape(group or "") for group in found.groups()) if found else ("", token, "")
    match sign:
        case "@":
            return person(target, label)
        case "#":
            return channel(target, label)
        case "!":
            return _special(target, label, degraded)
    return link(target, label, style, degraded)


def _special(target: str, label: str, degraded: list[str]) -> Inline:
    name, *arguments = target.split("^")
    match name, arguments:
        case "subteam", [group, *_]:
            return user_group(label or group, degraded)
        case "date", [timestamp, *_]:
            return date(int(timestamp) if _SECONDS.fullmatch(timestamp) else -1, label, degraded)
    return broadcast(name, degraded)
