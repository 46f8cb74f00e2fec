"""What stands on the platform that is written to: the text of every message, and the lines of reactions under it."""

from collections import defaultdict
from collections.abc import Callable

from mio_hub.bench.traffic import Mark


class Wall:
    """Messages go by the mark they were first said with; what stands there now is the marks of its words.

    ``named`` knows messages that somebody calls by another id than the one they were given here.
    """

    def __init__(self) -> None:
        self.named: Callable[[str], Mark | None] = lambda id_: None
        self.clear()

    def clear(self) -> None:
        """Take everything down."""
        self._messages: dict[str, Mark] = {}
        self._texts: dict[Mark, Mark] = {}
        self._lines: defaultdict[Mark, dict[str, list[Mark]]] = defaultdict(dict)

    def post(self, id_: str, said: list[Mark], parent: str) -> bool:
        """A new message, or a line under ``parent``. False where that is not here."""
        message = self._message(parent) if parent else said[-1]
        if message is None:
            return False
        self._messages[id_] = message
        if parent:
            self._lines[message][id_] = said
        else:
            self._texts[message] = said[-1]
        return True

    def edit(self, id_: str, said: list[Mark]) -> bool:
        """Other words for a message or a line. False where it is not here."""
        message = self._message(id_)
        if message is None:
            return False
        if id_ in self._lines.get(message, {}):
            self._lines[message][id_] = said
        else:
            self._texts[message] = said[-1]
        return True

    def shows(self, message: Mark) -> tuple[Mark | None, list[Mark]]:
        """The text of a message and all reactions to it, one as often as it stands there."""
        lines = self._lines.get(message, {}).values()
        return self._texts.get(message), sorted(mark for line in lines for mark in line)

    def _message(self, id_: str) -> Mark | None:
        return self._messages.get(id_) or self.named(id_)
