"""Emoji of reactions, between Zoom's code points and characters (§2.8, §4.4)."""

import re

from connectors import emoji
from connectors.errors import NotSupported

_CODE_POINTS = re.compile(r"U\+[0-9A-F]{2,6}(?:(?:[\s,_+-]+|(?=U\+))(?:U\+)?[0-9A-F]{2,6})*\Z", re.IGNORECASE)
"""One or several code points. How Zoom joins several is not published, so every usual way is read."""

_HEX = re.compile(r"(?:U\+)?([0-9A-F]{2,6})", re.IGNORECASE)
_MODIFIERS = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]|\u200d[\u2640\u2642]")
"""Presentation, skin tone and gender: what an emoji may lose and still say the same."""


def read(value: object) -> str:
    """The emoji of an event or a message: a character with its modifiers, or ``:name:``. Empty if it is neither."""
    told = value.strip() if isinstance(value, str) else ""
    if _CODE_POINTS.match(told):
        return _coloured(_characters(told))
    if not told.isascii() and emoji.shortcode(told):
        return _coloured(told)
    name = told.strip(":")
    return f":{name}:" if name and name.isprintable() and " " not in name else ""


def _characters(told: str) -> str:
    points = [int(point, 16) for point in _HEX.findall(told)]
    known = all(point < 0x110000 and not 0xD800 <= point < 0xE000 for point in points)
    return "".join(map(chr, points)) if known else ""


def _coloured(character: str) -> str:
    """The form that emoji data give it: Zoom leaves out the mark that asks for the coloured one."""
    name = emoji.shortcode(character)
    return (emoji.character(name) if name else None) or character


def written(character: str) -> str:
    """``U+1F44D`` for the reaction call, without modifiers. Raises ``NotSupported`` for what one code point cannot say."""
    stem = _MODIFIERS.sub("", character)
    if len(stem) != 1 or stem.isascii():
        raise NotSupported("Zoom takes emoji of one code point only")
    return f"U+{ord(stem):04X}"
