"""A fake Zoom: one account with its people and channels, strict as §8 asks. See ``connectors.sandbox.Fake``."""

import json
import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from connectors import emoji
from connectors.calls import Response
from connectors.contract import Credentials, Request
from connectors.html import to_html
from connectors.markdown import from_markdown
from connectors.messages import Account, ConversationId, Draft, Kind, MessageId, Posted, Reference
from connectors.richtext import Inline, Style, Text, map_inlines
from connectors.sandbox import CHANNELS, Fake, Person, Place, Shown, Webhook, cast_of
from connectors.zoom import ids
from connectors.zoom.parse import parse
from connectors.zoom.render import render
from connectors.zoom.sandbox_api import Api
from connectors.zoom.sandbox_company import (
    ACCOUNT,
    Room,
    Said,
    User,
    legacy_event,
    message_id,
    outsider,
    posted_event,
    room,
    user,
)
from connectors.zoom.sandbox_tokens import ADMIN_SCOPES, PERSONAL_SCOPES, Token, Tokens
from connectors.zoom.spans import units, written_mention
from connectors.zoom.webhook import URL_VALIDATION, signature

SERVICE_USER = user("Mio Hub", "mio-hub@acme.example")

_SHORT_NAME = re.compile(r":([\w+-]+(?:::skin-tone-\d)?):")
_EVENTS: Mapping[str, Callable[[Said, Room, float], dict[str, Any]]] = {
    "team_chat": posted_event,
    "chat_message": legacy_event,
}


class FakeZoom(Fake):
    """``families`` are the event families subscribed to: ``team_chat``, the legacy ``chat_message``, or both (§2.12).
    ``braces`` writes message ids in braces and lower case, as some clients do (§5)."""

    slug = "zoom"
    hosts = ("api.zoom.us", "zoom.us")
    retries: ClassVar[tuple[float, ...]] = (300.0, 1200.0, 3600.0)

    def __init__(self, secrets: Any, hub: str, clock: Callable[[], float] = time.time) -> None:
        super().__init__(secrets, hub, clock)
        self.families: tuple[str, ...] = ("team_chat",)
        self.braces = False
        self.users = [*(user(actor.name, actor.email) for actor in cast_of(self.slug)), SERVICE_USER]
        self.outsiders: list[User] = []
        self.rooms: dict[str, Room] = {}
        self.tokens = Tokens(SERVICE_USER, clock)
        self._admin = self.tokens.seed("admin", Token(SERVICE_USER, ADMIN_SCOPES))
        self._personal = {
            one.id: self.tokens.seed(one.email, Token(one, PERSONAL_SCOPES, personal=True)) for one in self.users[:-1]
        }
        self._said = 0
        self.api = Api(self.users, self.rooms, self.tokens, clock, self._say)
        for channel in CHANNELS:
            self._open(channel.name, channel.linked)

    def handle(self, request: Request) -> Response:
        return self.api.handle(request)

    # --- The doors of the sandbox

    def people(self) -> list[Person]:
        return [Person(one.name, one.id, self._personal[one.id]) for one in self.users if one.id in self._personal]

    def places(self) -> list[Place]:
        return [_place(one) for one in self.rooms.values()]

    def credentials(self) -> Credentials:
        account, workspace = ids.account(SERVICE_USER.id), ids.workspace(ACCOUNT)
        return Credentials(workspace, account, {"admin": self._admin}, {"email": SERVICE_USER.email})

    def directory(self) -> list[Account]:
        return [Account(ids.account(one.id), one.name, one.email) for one in self.users]

    def add_place(self, name: str) -> Place:
        return _place(self._open(name, linked=False))

    def add_outsider(self, name: str) -> Person:
        """A person of another account who joins every channel: has a member id only, and no token here."""
        stranger = outsider(name)
        self.outsiders.append(stranger)
        for one in self.rooms.values():
            one.members.append(stranger)
        return Person(name, stranger.member_id, "")

    def type_as(self, person: str, conversation: ConversationId, text: str) -> MessageId:
        place = self.rooms[conversation]
        author = place.member(person) or next(member for member in place.members if member.name == person)
        body = map_inlines(from_markdown(text), _with_emoji)
        written = render(Draft(conversation, body, "")).payload
        mentions = _typed_mentions(written["message"], place)
        said = self._say(place, author, written["message"], written.get("rich_text", []), mentions)
        return ids.message(said.id)

    def shown(self, conversation: ConversationId) -> list[Shown]:
        return [_shown(key, said) for key, said in self.rooms[conversation].messages.items()]

    def revalidate(self) -> None:
        """Check the Hub's address, as Zoom does on saving it and every 72 hours (§2.2)."""
        token = {"plainToken": uuid.uuid4().hex[:22]}
        self._tell({"event": URL_VALIDATION, "payload": token, "event_ts": int(self.clock() * 1000)})

    # --- What happens

    def _open(self, name: str, linked: bool) -> Room:
        opened = room(name, linked, [*self.users, *self.outsiders])
        return self.rooms.setdefault(opened.id, opened)

    def _say(
        self,
        place: Room,
        author: User,
        message: str,
        rich_text: list[dict[str, Any]],
        at_items: list[dict[str, Any]],
        root: str = "",
    ) -> Said:
        self._said += 1
        name = message_id(self.clock(), self._said)
        shown = "{" + name.lower() + "}" if self.braces else name
        said = Said(shown, author, int(self.clock() * 1000), message, rich_text, at_items, root)
        place.keep(said, name)
        for family in self.families:
            if author.id or family == "team_chat":
                self._tell(_EVENTS[family](said, place, self.clock()))
        return said

    def _tell(self, event: Mapping[str, Any]) -> None:
        """Compact JSON, signed over exactly these bytes; the request id stays over retries, the time does not."""
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        request_id = str(uuid.uuid4())

        def sign() -> Mapping[str, str]:
            at = str(int(self.clock()))
            signed = {"x-zm-request-timestamp": at, "x-zm-signature": self._signature(at, body)}
            fixed = {"content-type": "application/json; charset=utf-8", "user-agent": "Zoom Marketplace/1.0a"}
            return signed | fixed | {"x-zm-request-id": request_id, "clientid": self.tokens.client_id}

        self.deliver(Webhook(f"{self.hub}/webhooks/zoom/", body, sign))

    def _signature(self, at: str, body: bytes) -> str:
        return signature(self.secrets.webhook_secret_token, at, body)


def _place(one: Room) -> Place:
    return Place(one.name, one.id, ids.conversation(one.id), one.linked)


def _with_emoji(inline: Inline) -> Inline:
    """Zoom's client writes a typed short name as the emoji itself."""
    if not isinstance(inline, Text) or Style.CODE in inline.style:
        return inline
    text = _SHORT_NAME.sub(lambda found: emoji.character(found[1]) or found[0], inline.text)
    return Text(text, inline.style)


def _typed_mentions(message: str, place: Room) -> list[dict[str, Any]]:
    """``@First Last`` of a member, as if picked from the client's list."""
    by_name = {member.name: member for member in place.members}
    names = "|".join(re.escape(name) for name in sorted(by_name, key=len, reverse=True))
    mentions = []
    for found in re.finditer(rf"(?<![\w`])@({names})(?!\w)", message):
        start = units(message[: found.start()])
        mention = written_mention(start, start + units(found[0]), "")
        mentions.append(mention | by_name[found[1]].contact)
    return mentions


def _shown(key: str, said: Said) -> Shown:
    event = parse(said.body, Reference(Kind.POSTED, ConversationId(""), MessageId(key)))
    html = to_html(event.message.body) if isinstance(event, Posted) else ""
    return Shown(MessageId(key), said.author.name, "", html, said.at / 1000, said.author == SERVICE_USER)
