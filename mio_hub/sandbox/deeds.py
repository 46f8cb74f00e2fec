"""What people do in the panes. Everything is checked before it is done: a fake's doors trust whoever comes through them."""

import base64
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeVar

from connectors.emoji import character, shortcode
from connectors.messages import ConversationId, MessageId
from connectors.sandbox import Fake, Person, Shown, World
from mio_hub.sandbox.faults import Invalid

LARGEST_FILE = 1024 * 1024
"""Bytes; a photo from a web page, and little enough to travel inside JSON."""

TOO_LARGE = f"This file is too large: {LARGEST_FILE // 1024**2} MB is the most that can be shared here."

LONGEST_NAME = 120
"""Characters of a file's name: more than a pane can show, fewer than any platform takes."""

_COMMAND = re.compile(r"/mio(?:\s+(.*))?", re.DOTALL)
_BAD_IN_NAMES = re.compile(r'[\x00-\x1f\x7f"*:<>?/\\|]|^[ .]|[ .]$')
"""What Teams refuses in names, which is more than the others do."""

Chosen = TypeVar("Chosen")


class Unfit(Invalid):
    """What makes no sense, in a sentence for somebody who looks at a pane."""

    def __init__(self, field: str, sentence: str) -> None:
        Exception.__init__(self, sentence)
        self.field = field


class Scene:
    """Who does what where, read from JSON. Each part raises ``Invalid`` when it is asked for and makes no sense."""

    def __init__(self, world: World, data: Any) -> None:
        self._world = world
        self._data: Mapping[str, Any] = data if isinstance(data, Mapping) else {}

    @cached_property
    def fake(self) -> Fake:
        return _known("platform", self.given("platform"), self._world.fakes)

    @cached_property
    def person(self) -> Person:
        people = self.fake.people()
        names = {person.name: person for person in people}
        return _known("person", self.given("person"), names, {person.id: person for person in people})

    @cached_property
    def conversation(self) -> ConversationId:
        names = {place.name: place.conversation for place in self.fake.places()}
        return _known("conversation", self.given("conversation"), names, {each: each for each in names.values()})

    @cached_property
    def message(self) -> Shown:
        """The message that it is about."""
        wanted = self.given("message")
        found = next((each for each in self.fake.shown(self.conversation) if each.id == wanted), None)
        if found is None:
            raise Unfit("message", "This message is not there any more.")
        return found

    @property
    def own_message(self) -> MessageId:
        """The same, where the person said it."""
        if self.message.is_app or self.message.author != self.person.name:
            raise Unfit("message", f"Only {self.message.author} can change this message.")
        return self.message.id

    @property
    def emoji(self) -> str:
        """One standard emoji, given as it is or by name, or one that is on the message already."""
        wanted = self.given("emoji").strip()
        name = shortcode(wanted) or wanted.strip(":").lower()
        if wanted in (emoji for emoji, _ in self.message.reactions):
            return wanted
        if not (found := character(name)):
            raise Unfit("emoji", f"“{wanted[:20]}” is not an emoji.")
        return found

    @property
    def file(self) -> tuple[str, bytes]:
        """A file's name and content."""
        name = self.given("name")
        if len(name) > LONGEST_NAME or _BAD_IN_NAMES.search(name):
            raise Unfit("file", "Not every platform takes this file name. Rename the file and share it again.")
        try:
            data = base64.b64decode(self._data.get("data") or "", validate=True)
        except (TypeError, ValueError):
            raise Invalid("data", "Base64 is expected") from None
        if not 0 < len(data) <= LARGEST_FILE:
            raise Unfit("file", TOO_LARGE if data else "This file is empty.")
        return name, data

    def given(self, name: str) -> str:
        """A field's text, which must not be blank."""
        value = self._data.get(name)
        if not isinstance(value, str) or not value.strip():
            raise Invalid(name, "a text is expected")
        return value

    def optional(self, name: str) -> str:
        """A field's text, if there is any."""
        return self.given(name) if self._data.get(name) else ""


def _known(name: str, wanted: str, options: Mapping[str, Chosen], ids: Mapping[str, Chosen] | None = None) -> Chosen:
    found = {**options, **(ids or {})}.get(wanted)
    if found is None:
        raise Invalid(name, f"is one of {', '.join(options)}{', or an id' if ids else ''}")
    return found


def _say(scene: Scene) -> MessageId | None:
    fake, text = scene.fake, scene.given("text")
    command = _COMMAND.fullmatch(text)
    if not command:
        return fake.type_as(scene.person.id, scene.conversation, text)
    words = command[1] or ""
    if not fake.calls_app.startswith("/"):
        raise Unfit("text", f"There are no slash commands here. Write “{fake.calls_app} {words or 'help'}”.")
    fake.command_as(scene.person.id, scene.conversation, words)
    return None


def _reply(scene: Scene) -> MessageId:
    root = scene.message.thread or scene.message.id
    return scene.fake.reply_as(scene.person.id, scene.conversation, root, scene.given("text"))


def _edit(scene: Scene) -> None:
    scene.fake.edit_as(scene.person.id, scene.conversation, scene.own_message, scene.given("text"))


def _delete(scene: Scene) -> None:
    scene.fake.delete_as(scene.person.id, scene.conversation, scene.own_message)


def _react(scene: Scene) -> None:
    """Put it there, or take it back where the person has put it there before."""
    emoji, message = scene.emoji, scene.message
    mine = scene.person.name in dict(message.reactions).get(emoji, ())
    scene.fake.react_as(scene.person.id, scene.conversation, message.id, emoji, not mine)


def _share(scene: Scene) -> MessageId:
    return scene.fake.share_as(scene.person.id, scene.conversation, *scene.file, scene.optional("text"))


DEEDS: Mapping[str, Callable[[Scene], MessageId | None]] = {
    "say": _say,
    "reply": _reply,
    "edit": _edit,
    "delete": _delete,
    "react": _react,
    "share": _share,
}
"""By name; each returns the message that came of it, if one did. They raise ``Invalid``, and then nothing was done."""
