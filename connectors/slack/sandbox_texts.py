"""How the fake Slack treats texts: what it refuses, what it makes of a posted ``text``, and what its client stores."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from connectors.emoji import shortcode
from connectors.sandbox_typing import from_typed
from connectors.slack.mrkdwn import read_mrkdwn
from connectors.slack.plain_text import escape, fallback
from connectors.slack.render import message_blocks
from connectors.slack.rich_text import objects
from connectors.slack.rich_text_writing import elements
from connectors.splitting import clusters

Element = dict[str, Any]

MOST_BUTTONS, LONGEST_CAPTION, LONGEST_ADDRESS = 25, 75, 3_000
"""Elements in one block of actions, characters on and behind a button (§4.3)."""
MOST_BLOCKS = 50
"""Blocks per message (§4.3)."""
LONGEST_BLOCKS = 13_000
"""Characters in all blocks together, as observed (§4.3)."""

_TOKEN = re.compile(r"(<(?:[@#!][^<>|\s]+|(?:https?|mailto|tel):[^<>|\s]+)(?:\|[^<>]*)?>)")
_SPECIAL = re.compile(r"<[#!]")
_BARE_ADDRESS = re.compile(r"https?://[^\s<>|]*[^\s<>|.,;:!?)\]'\"]")
_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt);)")

_CONTAINERS = {"rich_text_section", "rich_text_quote", "rich_text_preformatted", "rich_text_list"}
_REQUIRED: Mapping[str, tuple[str, type]] = {
    "text": ("text", str),
    "link": ("url", str),
    "user": ("user_id", str),
    "usergroup": ("usergroup_id", str),
    "channel": ("channel_id", str),
    "broadcast": ("range", str),
    "emoji": ("name", str),
    "date": ("timestamp", int),
    "color": ("value", str),
    "team": ("team_id", str),
}
_STYLES = {"bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"}
_OTHER_BLOCKS = {"section", "header", "divider", "image", "context", "markdown", "video", "file", "table"}


def faults(blocks: Any, is_person: Callable[[str], bool]) -> list[str]:
    """What Slack would complain about in ``blocks``; nothing where they are good."""
    if not isinstance(blocks, list) or len(blocks) > MOST_BLOCKS or len(objects(blocks)) != len(blocks):
        return ["blocks must be an array of at most 50 objects [json-pointer:/blocks]"]
    found: list[str] = []
    for number, block in enumerate(blocks):
        place = f"[json-pointer:/blocks/{number}]"
        if block.get("type") == "rich_text":
            found += [f"{fault} {place}" for fault in _rich_text_faults(block, is_person)]
        elif block.get("type") == "actions":
            found += [f"{fault} {place}" for fault in _actions_faults(block)]
        elif block.get("type") not in _OTHER_BLOCKS:
            found.append(f"unsupported type: {block.get('type')} {place}")
    return found


def _actions_faults(block: Element) -> Iterator[str]:
    inner = block.get("elements")
    if not isinstance(inner, list) or not 0 < len(inner) <= MOST_BUTTONS:
        yield "must provide 1 to 25 elements"
    pressed = [element for element in objects(inner) if element.get("type") == "button"]
    if len({str(button.get("action_id")) for button in pressed}) != len(pressed):
        yield "action_id must be unique"
    for button in pressed:
        text = button.get("text")
        caption = text.get("text") if isinstance(text, dict) and text.get("type") == "plain_text" else None
        if not isinstance(caption, str) or not 0 < len(caption) <= LONGEST_CAPTION:
            yield "a button needs a plain text of at most 75 characters"
        if (
            not re.match("https?://", str(button.get("url", "https://")))
            or len(str(button.get("url"))) > LONGEST_ADDRESS
        ):
            yield "invalid url"


def _rich_text_faults(block: Element, is_person: Callable[[str], bool]) -> Iterator[str]:
    inner = block.get("elements")
    if not isinstance(inner, list) or not inner:
        yield "must provide elements"
    for element in objects(inner):
        if element.get("type") not in _CONTAINERS or not objects(element.get("elements")):
            yield f"invalid element {element.get('type')}"
        if element.get("type") == "rich_text_list":
            yield from _list_faults(element)
        for inline in _inlines_of(element):
            yield from _inline_faults(inline, is_person)


def _list_faults(element: Mapping[str, Any]) -> Iterator[str]:
    if element.get("style") not in ("bullet", "ordered") or element.get("indent", 0) not in range(9):
        yield "invalid list"
    if any(item.get("type") != "rich_text_section" for item in objects(element.get("elements"))):
        yield "a list holds sections only"


def _inlines_of(element: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for inner in objects(element.get("elements")):
        yield from objects(inner.get("elements")) if element.get("type") == "rich_text_list" else [inner]


def _inline_faults(inline: Mapping[str, Any], is_person: Callable[[str], bool]) -> Iterator[str]:
    key, kind = _REQUIRED.get(str(inline.get("type")), ("", object))
    value = inline.get(key)
    if not key or not isinstance(value, kind) or value == "":
        yield f"invalid {inline.get('type')} element"
    if key == "user_id" and not is_person(str(value)):
        yield "invalid user_id"
    if not set(inline.get("style", {})) <= _STYLES:
        yield "invalid style"


def length(blocks: Iterable[Mapping[str, Any]]) -> int:
    """Characters of text in ``blocks``."""
    inlines = (i for block in blocks for element in objects(block.get("elements")) for i in _inlines_of(element))
    return sum(len(str(inline.get("text", inline.get("url", "")))) for inline in inlines)


def stored_text(text: str) -> str:
    """A posted ``text`` as Slack keeps it: escaped where the sender did not, bare addresses made links."""
    pieces = _TOKEN.split(text)
    return "".join(piece if number % 2 else _outside_tokens(piece) for number, piece in enumerate(pieces))


def _outside_tokens(text: str) -> str:
    text = _AMPERSAND.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")
    return _BARE_ADDRESS.sub(lambda found: f"<{found[0]}>", text)


def made_blocks(text: str) -> list[Element]:
    """The blocks Slack makes for a post that came with ``text`` only.

    Slack does so for channels, groups and broadcasts too; here such a post keeps its ``text`` alone.
    """
    made = [] if _SPECIAL.search(text) else list(elements(read_mrkdwn(text, [])))
    return [{"type": "rich_text", "block_id": "made", "elements": made}] if made else []


def typed(text: str, people: Mapping[str, str], channels: Mapping[str, str]) -> tuple[str, list[Element]]:
    """``text`` and ``blocks`` of a message typed in Slack's client; ``people`` and ``channels`` are ids by name."""
    document = from_typed(text)
    calls = _Calls(people, channels)
    made = [_with_typed(block, calls) for block in message_blocks(document.blocks)]
    plain = calls.pattern.sub(lambda found: calls.token(found[1]), fallback(document.blocks))
    return plain, [block | {"block_id": f"typed{number}"} for number, block in enumerate(made)]


class _Calls:
    """What the client finds in a typed text: ``@`` and a person's name, or ``here``, or ``#`` and a channel's name."""

    def __init__(self, people: Mapping[str, str], channels: Mapping[str, str]) -> None:
        self.elements: dict[str, Element] = {f"#{n}": {"type": "channel", "channel_id": c} for n, c in channels.items()}
        self.elements |= {f"@{n}": {"type": "broadcast", "range": n} for n in ("here", "channel", "everyone")}
        self.elements |= {f"@{name}": {"type": "user", "user_id": user} for name, user in people.items()}
        self.pattern = re.compile(r"(?<!\w)(" + "|".join(map(re.escape, self.elements)) + r")\b")

    def token(self, called: str) -> str:
        element = self.elements[called]
        match element["type"]:
            case "user":
                return f"<@{element['user_id']}>"
            case "channel":
                return f"<#{element['channel_id']}|{escape(called[1:])}>"
        return f"<!{element['range']}>"


def _with_typed(element: Element, calls: _Calls) -> Element:
    """An element with the mentions and emoji that its texts spell."""
    if element["type"] == "rich_text_preformatted" or "elements" not in element:
        return element
    inner: list[Element] = []
    for piece in element["elements"]:
        if "elements" in piece:
            inner.append(_with_typed(piece, calls))
        elif piece["type"] == "text" and not piece.get("style", {}).get("code"):
            inner += _pieces(piece, calls)
        else:
            inner.append(piece)
    return element | {"elements": inner}


def _pieces(text: Element, calls: _Calls) -> Iterator[Element]:
    for number, piece in enumerate(calls.pattern.split(text["text"])):
        if number % 2:
            yield calls.elements[piece]
        else:
            yield from _with_emoji(text, piece)


def _with_emoji(text: Element, piece: str) -> Iterator[Element]:
    plain = ""
    for cluster in [piece] if piece.isascii() else clusters(piece):
        name = None if cluster.isascii() else shortcode(cluster)
        if name is None:
            plain += cluster
            continue
        if plain:
            yield text | {"text": plain}
        yield {"type": "emoji", "name": name, "unicode": "-".join(f"{ord(char):x}" for char in cluster)}
        plain = ""
    if plain:
        yield text | {"text": plain}
