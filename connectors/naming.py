"""Names and topics of conversations: what no platform takes in one, and cutting to a length. Pure."""

import re
from collections.abc import Callable
from itertools import accumulate, takewhile

from connectors.splitting import clusters

NAMELESS = "channel"
"""What a conversation is called of whose name nothing is left that a platform takes."""

_NEVER_SHOWN = re.compile("[\ud800-\udfff\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Halves of surrogate pairs, and marks that turn or hide the text around a name."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def one_line(text: str) -> str:
    """``text`` in one line, with single blanks, and without what a reader never sees."""
    return " ".join(_CONTROL.sub(" ", _NEVER_SHOWN.sub("", text)).split())


def units(text: str) -> int:
    """UTF-16 code units: never fewer than the characters that a platform may count."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def shortened(text: str, longest: int, size: Callable[[str], int] = units) -> str:
    """``text`` within ``longest``, by ``size``: cut between the characters a reader sees, and then with ``…`` at the end."""
    if size(text) <= longest:
        return text
    beginnings = accumulate(clusters(text))
    return max(takewhile(lambda start: size(start) < longest, beginnings), key=len, default="").rstrip() + "…"
