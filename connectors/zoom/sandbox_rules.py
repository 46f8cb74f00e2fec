"""What the fake Zoom refuses: the published limits and formats, as pure checks (§3.1, §3.8, §4.1)."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors.calls import Response
from connectors.sandbox import digest
from connectors.zoom.spans import units

LONGEST_MESSAGE = 1024
"""Characters of one message."""

PAGE_TOKEN_SECONDS = 900
"""A page token lives 15 minutes (§3.8)."""

FORMATS = frozenset(
    (
        *("Bold", "Italic", "Strikethrough", "Underline", "FontSize", "FontColor", "BackgroundColor", "AddLink"),
        *("BulletedList", "NumberedList", "LeftIndent", "Paragraph", "Quote"),
    )
)
_EMOJI = re.compile("U[+][0-9A-F]{4,6}")
_ATTRIBUTES: Mapping[str, re.Pattern[str]] = {
    "AddLink": re.compile(r"https?://\S+"),
    "Paragraph": re.compile("h[123]"),
    "FontSize": re.compile("[sml]"),
    "FontColor": re.compile("[0-9A-Fa-f]{6}"),
    "BackgroundColor": re.compile("[0-9A-Fa-f]{6}"),
    "LeftIndent": re.compile("[0-9]+"),
}


class Refusal(Exception):
    """An answer other than success, in Zoom's own words."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.response = answer(status, {"code": code, "message": message})


def answer(status: int, body: Any) -> Response:
    """JSON with the tracking id that every answer of Zoom's carries."""
    headers = {"content-type": "application/json;charset=UTF-8", "x-zm-trackingid": "v=2.0;clid=sandbox"}
    return Response(status, json.dumps(body, ensure_ascii=False).encode(), headers)


def invalid(parameter: str) -> Refusal:
    return Refusal(400, 300, f"Invalid parameter: {parameter}.")


def check_text(message: object) -> str:
    """The text of a message to be sent."""
    if not isinstance(message, str) or not message.strip() or units(message) > LONGEST_MESSAGE:
        raise invalid("message")
    return message


def check_spans(entries: object, message: str) -> list[dict[str, Any]]:
    """``rich_text`` as published: known formats, positions within the text, ``format_attr`` always there."""
    spans = _objects(entries, "rich_text")
    for span in spans:
        kind, attr = span.get("format_type"), span.get("format_attr")
        if (
            kind not in FORMATS
            or not isinstance(attr, str)
            or not _ATTRIBUTES.get(kind, re.compile("")).fullmatch(attr)
        ):
            raise invalid("rich_text")
        covered = _covered(span, message, 0)
        if kind == "AddLink" and "\n" in covered:
            raise invalid("rich_text")
    return spans


def check_mentions(
    entries: object, message: str, contact: Callable[[str], Mapping[str, str] | None]
) -> list[dict[str, Any]]:
    """``at_items`` with everyone named by e-mail or member id and found among the channel's members."""
    found = []
    for item in _objects(entries, "at_items"):
        if not _covered(item, message, 1).startswith("@"):
            raise invalid("at_items")
        if item.get("at_type") == 1:
            person = contact(str(item.get("at_contact")))
            if person is None:
                raise invalid("at_items.at_contact")
            found.append(item | dict(person))
        elif item.get("at_type") == 2:
            found.append(item)
        else:
            raise invalid("at_items.at_type")
    return found


def check_emoji(emoji: object) -> str:
    """The emoji of a reaction: one code point in upper-case hex (§4.4)."""
    if not isinstance(emoji, str) or not _EMOJI.fullmatch(emoji):
        raise invalid("emoji")
    return emoji


def _objects(entries: object, name: str) -> list[dict[str, Any]]:
    if entries is None:
        return []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise invalid(name)
    return entries


def _covered(span: Mapping[str, Any], message: str, inclusive: int) -> str:
    start, end = span.get("start_position"), span.get("end_position")
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end + inclusive <= units(message):
        raise invalid("position")
    raw = message.encode("utf-16-le", "surrogatepass")
    return raw[2 * start : 2 * (end + inclusive)].decode("utf-16-le", "replace")


def page_of(
    items: Sequence[Any], query: Mapping[str, str], default: int, most: int, now: float
) -> tuple[list[Any], dict[str, Any]]:
    """One page of ``items`` and the fields that go with it. A token fits only the query it was given for."""
    size = query.get("page_size", str(default))
    if not (size.isascii() and size.isdigit()) or not 1 <= int(size) <= most:
        raise invalid("page_size")
    start = _offset(query, now)
    end = start + int(size)
    token = _token(query, end, int(now)) if end < len(items) else ""
    return list(items[start:end]), {"page_size": int(size), "next_page_token": token}


def _token(query: Mapping[str, str], offset: int, issued: int) -> str:
    identical = sorted((name, value) for name, value in query.items() if name != "next_page_token")
    return f"{offset}.{issued}.{digest('zoom', 'page', str(identical), str(offset), str(issued))[:16]}"


def _offset(query: Mapping[str, str], now: float) -> int:
    token = query.get("next_page_token", "")
    if not token:
        return 0
    offset, _, rest = token.partition(".")
    issued = rest.partition(".")[0]
    known = offset.isdigit() and issued.isdigit() and token == _token(query, int(offset), int(issued))
    if known and now - int(issued) <= PAGE_TOKEN_SECONDS:
        return int(offset)
    raise Refusal(400, 300, "The next page token is invalid or expired.")
