"""A fake Zoom: one account with its people and channels, strict as §8 asks. See ``connectors.sandbox.Fake``."""

import re
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from connectors.calls import Response
from connectors.contract import Credentials, Request
from connectors.html import escape, to_html
from connectors.messages import Account, ConversationId, Draft, MessageId
from connectors.richtext import Document, Link, Paragraph, document
from connectors.sandbox import CHANNELS, Person, Place, Shown, cast_of
from connectors.sandbox_data import Data
from connectors.sandbox_typing import from_typed
from connectors.zoom import ids, reactions
from connectors.zoom.blocks import read
from connectors.zoom.render import render
from connectors.zoom.sandbox_api import Api
from connectors.zoom.sandbox_company import ACCOUNT, GROUP, Card, Room, Said, User, room, user
from connectors.zoom.sandbox_events import deauthorized_event
from connectors.zoom.sandbox_files import ELSEWHERE, HOST
from connectors.zoom.sandbox_oauth import Door
from connectors.zoom.sandbox_people import People
from connectors.zoom.sandbox_routes import DOWNLOAD, ROUTES
from connectors.zoom.sandbox_tokens import ADMIN_SCOPES, BOT_SCOPES, Token, Tokens
from connectors.zoom.spans import units, written_broadcast, written_mention
from connectors.zoom.webhook import URL_VALIDATION

SERVICE_USER = user("Mio Hub", "mio-hub@acme.example", "Admin")

_SERVICE = Credentials(ids.workspace(ACCOUNT), ids.account(SERVICE_USER.id), {})


class FakeZoom(People):
    """See the module, and ``Acts`` for its switches."""

    slug = "zoom"
    hosts: ClassVar[tuple[str, ...]] = ("api.zoom.us", "zoom.us", HOST, ELSEWHERE)
    calls_app = "/mio"

    def __init__(self, secrets: Any, hub: str, clock: Callable[[], float] = time.time) -> None:
        super().__init__(secrets, hub, clock)
        self.service_user = SERVICE_USER
        self.users = [*(user(actor.name, actor.email) for actor in cast_of(self.slug)), SERVICE_USER]
        self.tokens = Tokens(SERVICE_USER, clock, lambda: self.app)
        self.door = Door(hub, lambda: self.users, self.tokens)
        self._admin = self.tokens.seed("admin", Token(SERVICE_USER, ADMIN_SCOPES))
        self._bot = self.tokens.seed("bot", Token(SERVICE_USER, BOT_SCOPES, bot=True))
        for one in self.users[:-1]:
            self._let_in(one)
        self.api = Api(self.users, self.tokens, self, (*ROUTES, DOWNLOAD))
        for channel in CHANNELS:
            self._open(channel.name, channel.linked)

    def handle(self, request: Request) -> Response:
        return self.door.handle(request) or self.api.handle(request)

    @property
    def registered(self) -> set[str]:
        """The scopes that the admin-managed app is registered with, which is what a consent grants (§1.2)."""
        return self.tokens.registered

    @registered.setter
    def registered(self, scopes: Iterable[str]) -> None:
        self.tokens.registered = set(scopes)

    def revoke_app(self) -> None:
        """The account's administrator takes the app away: its tokens die, and the Hub is told (§1.7)."""
        self.tokens.deauthorize()
        self.tell(deauthorized_event(SERVICE_USER, self.app.client_id, self.clock()))

    # --- The doors of the sandbox

    def people(self) -> list[Person]:
        return [self._known(one) for one in self.users if one.id in self.personal]

    def places(self) -> list[Place]:
        return [_place(one) for one in self.rooms.values() if one.type != GROUP]

    def credentials(self) -> Credentials:
        account, workspace = ids.account(SERVICE_USER.id), ids.workspace(ACCOUNT)
        extra = {"email": SERVICE_USER.email, "robot_jid": self.robot, "bot_name": self.bot_name}
        return Credentials(workspace, account, {"admin": self._admin, "bot": self._bot}, extra)

    def directory(self) -> list[Account]:
        return [
            Account(ids.account(one.id), one.name, one.email, is_deleted=one.status != "active")
            for one in (*self.users, *self.former)
        ]

    def add_place(self, name: str) -> Place:
        return _place(self._open(name, linked=False))

    # --- What people do in their client

    def type_as(self, person: str, conversation: ConversationId, text: str) -> MessageId:
        return self._typed(person, conversation, text)

    def reply_as(self, person: str, conversation: ConversationId, root: MessageId, text: str) -> MessageId:
        """Answer in a thread. The client offers it on the first message and on replies alike: both go to the root."""
        return self._typed(person, conversation, text, self.at(conversation).messages[root].root or root)

    def edit_as(self, person: str, conversation: ConversationId, message: MessageId, text: str) -> None:
        """Change one's own message, formatting and mentions included: only the API cannot."""
        place = self.at(conversation)
        self.edit(place, self._own(person, place, message), *_written(text, place))

    def delete_as(self, person: str, conversation: ConversationId, message: MessageId) -> None:
        place = self.at(conversation)
        self._own(person, place, message)
        self.delete(place, message)

    def react_as(self, person: str, conversation: ConversationId, message: MessageId, emoji: str, on: bool) -> None:
        place = self.at(conversation)
        self.react(place, place.messages[message], _member(place, person), _picked(emoji), on)

    def share_as(self, person: str, conversation: ConversationId, name: str, data: bytes, text: str = "") -> MessageId:
        """Share a file, with a text or without."""
        place, file = self.at(conversation), self.files_kept.keep(name, data)
        written = _written(text, place) if text else ("", [], [])
        return ids.message(self.say(place, _member(place, person), *written, files=[file]).id)

    def join_as(self, person: str, conversation: ConversationId) -> None:
        """Join a channel one has left."""
        one = self.anybody(person)
        self.move(self.at(conversation), one, one, here=True)

    def leave_as(self, person: str, conversation: ConversationId) -> None:
        one = self.anybody(person)
        self.move(self.at(conversation), one, one, here=False)

    def invite_as(self, person: str, conversation: ConversationId, other: str, here: bool = True) -> None:
        """Bring somebody else into a channel, or send them away."""
        self.move(self.at(conversation), self.anybody(person), self.anybody(other), here)

    def rename_as(self, person: str, conversation: ConversationId, name: str) -> None:
        self.rename(self.at(conversation), self.anybody(person), name)

    def drop_as(self, person: str, conversation: ConversationId) -> None:
        """Delete a channel."""
        self.drop(self.at(conversation), self.anybody(person))

    def archive_as(self, person: str, conversation: ConversationId, archived: bool = True) -> None:
        """Archive a channel or bring it back."""
        self.archive(self.at(conversation), self.anybody(person), archived)

    def command_as(self, person: str, conversation: ConversationId, words: str) -> None:
        """Type the app's slash command."""
        self.command(self.at(conversation), self.anybody(person), words)

    def tell_app_as(self, person: str, words: str) -> None:
        """Write to the chatbot in one's own chat with it."""
        self.command(None, self.anybody(person), words)

    def mention_app_as(self, person: str, conversation: ConversationId, words: str) -> MessageId:
        """Mention the chatbot, which is told twice: to the bot, and as the ordinary message that it is."""
        place = self.at(conversation)
        text, named = f"@{self.bot_name} {words}", units(f"@{self.bot_name}")
        item = written_mention(0, named, self.robot) | {"at_contact_member_id": self.robot.partition("@")[0]}
        said = self.say(place, _member(place, person), text, [], [item])
        self.tell_app_mention(place, said)
        return ids.message(said.id)

    def _typed(self, person: str, conversation: ConversationId, text: str, root: str = "") -> MessageId:
        place = self.at(conversation)
        return ids.message(self.say(place, _member(place, person), *_written(text, place), root).id)

    def _own(self, person: str, place: Room, message: MessageId) -> Said:
        said = place.messages[message]
        if said.author != _member(place, person):
            raise ValueError("the client lets people change their own messages only")
        return said

    # --- What is seen

    def shown(self, conversation: ConversationId) -> list[Shown]:
        return [_shown(key, said) for key, said in self.at(conversation).messages.items()]

    def files(self, conversation: ConversationId) -> list[tuple[str, Data]]:
        found = [file for said in self.at(conversation).messages.values() for file in said.files]
        return [(file.name, self.files_kept.data(file.id)) for file in found]

    def whispers(self, conversation: ConversationId) -> list[Shown]:
        return [
            Shown(MessageId(f"whisper {number}"), SERVICE_USER.name, "", _drawn(card), at, is_app=True, only_for=person)
            for number, (where, person, card, at) in enumerate(self.whispered)
            if where == conversation
        ]

    def revalidate(self) -> None:
        """Check the Hub's address, as Zoom does on saving it and every 72 hours (§2.2)."""
        token = {"plainToken": uuid.uuid4().hex[:22]}
        self.tell({"event": URL_VALIDATION, "payload": token, "event_ts": int(self.clock() * 1000)})

    def _open(self, name: str, linked: bool) -> Room:
        opened = room(name, linked, [*self.users, *self.outsiders])
        return self.rooms.setdefault(opened.id, opened)


def _member(place: Room, person: str) -> User:
    """By user id, member id, e-mail or name."""
    return place.member(person) or next(member for member in place.members if member.name == person)


def _written(text: str, place: Room) -> tuple[str, list[dict[str, Any]], list[dict[str, Any]]]:
    """What Zoom's client makes of typed text: the message, its spans, its mentions, which a chat of two has not."""
    written = render(Draft(ConversationId(place.id), from_typed(text), ""), _SERVICE).payload
    mentions = [] if place.is_pair else _typed_mentions(written["message"], place)
    return written["message"], written.get("rich_text", []), mentions


def _picked(emoji: str) -> str:
    """An emoji as Zoom writes it: code points, without the mark that asks for the coloured form."""
    if emoji.startswith(":"):
        return emoji.strip(":")
    return " ".join(f"U+{ord(character):X}" for character in emoji.replace("\ufe0f", ""))


def _place(one: Room) -> Place:
    return Place(one.name, one.id, ids.conversation(one.id), one.linked)


def _typed_mentions(message: str, place: Room) -> list[dict[str, Any]]:
    """``@First Last`` of a member, and ``@all``, as if picked from the client's list."""
    by_name = {member.name: member for member in place.members}
    names = "|".join(re.escape(name) for name in sorted([*by_name, "all"], key=len, reverse=True))
    mentions = []
    for found in re.finditer(rf"(?<![\w`])@({names})(?!\w)", message):
        start = units(message[: found.start()])
        end = start + units(found[0])
        member = by_name.get(found[1])
        everyone = written_broadcast(start, end)
        mentions.append(written_mention(start, end, "") | member.contact if member else everyone)
    return mentions


def _shown(key: str, said: Said) -> Shown:
    people = [(emoji, tuple(person.name for person in people)) for emoji, people in said.reactions.items()]
    return Shown(
        id=MessageId(key),
        author=said.author.name,
        avatar_url="",
        html=to_html(_read(said)),
        at=said.at / 1000,
        is_app=said.author == SERVICE_USER,
        thread=ids.message(said.root) or None,
        reactions=tuple((reactions.read(emoji), names) for emoji, names in people),
        edited=said.edited,
        files=tuple(file.name for file in said.files),
    )


def _drawn(card: Card) -> str:
    links = document([Paragraph((Link(url, label),)) for label, url in card.links])
    return "<p>" + escape(card.text).replace("\n", "<br>") + "</p>" + to_html(links)


def _read(said: Said) -> Document:
    return document(read(said.message, said.body)[0])
