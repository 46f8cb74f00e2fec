"""What happens in a channel, in which order: nothing but new messages, or seven of them with an edit and two reactions."""

from collections.abc import Callable

from connectors.messages import Kind

Plan = Callable[[int, int], tuple[Kind, int]]
"""From a channel and the number of what happens there to its kind and the number of the message that it is about."""

_NEW, _EDIT, _REACTION = Kind.POSTED, Kind.EDITED, Kind.REACTED

MIX = (_NEW, _NEW, _NEW, _REACTION, _REACTION, _EDIT, _NEW, _NEW, _NEW, _NEW)
"""People react to what was said last and change it. Two reactions to one message: where platforms show a line for them, one
makes it and one changes it; the edit leaves it alone."""


def only_new(channel: int, number: int) -> tuple[Kind, int]:
    """New messages."""
    return _NEW, number


def mixed(channel: int, number: int) -> tuple[Kind, int]:
    """``MIX`` over and over, in every channel from another place: they do not go in step. Each begins with a message."""
    about = number
    while about and _at(channel, about) is not _NEW:
        about -= 1
    return (_NEW if about == number else _at(channel, number)), about


def _at(channel: int, number: int) -> Kind:
    return MIX[(channel + number) % len(MIX)]
