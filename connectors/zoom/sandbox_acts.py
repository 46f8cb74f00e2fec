"""What happens in the fake Zoom, whoever does it, a person in the client or an app through the API: it is kept, and told."""

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from connectors.messages import ConversationId
from connectors.sandbox import Fake, Webhook, digest
from connectors.zoom import ids
from connectors.zoom.events import OF_PEOPLE
from connectors.zoom.oauth import Registration
from connectors.zoom.sandbox_company import GROUP, Card, Room, Said, Stored, User, message_id, pair
from connectors.zoom.sandbox_events import (
    app_mention_event,
    channel_event,
    legacy_event,
    message_event,
    reaction_event,
    slash_event,
)
from connectors.zoom.sandbox_files import Files
from connectors.zoom.sandbox_rules import Refusal
from connectors.zoom.sandbox_tokens import Tokens
from connectors.zoom.webhook import signature

ROBOT = "v1miohub@xmpp.zoom.us"
BOT_NAME = "Mio Hub"
"""The chatbot of an app whose registration names none."""

_FAMILIES: Mapping[str, Callable[[str, Said, Room, User, float], dict[str, Any]]] = {
    "team_chat": message_event,
    "chat_message": legacy_event,
}


class Acts(Fake):
    """``families`` are the event families subscribed to: ``team_chat``, the legacy ``chat_message``, or both (§2.12).
    ``braces`` writes message ids in braces and lower case, as some clients do (§5); ``lower_hex`` the emoji of reactions;
    ``redirects`` sends those who bring or fetch files on to another host (§3.3). ``whispered`` is what the chatbot told
    single people: channel or own chat with it, user id, card, time; ``greeted`` what it told them in their own chat: user
    id, text with the addresses of links. ``former`` are deactivated users, ``outsiders`` people of other accounts,
    ``personal`` users' own tokens by user id. ``rooms`` are channels and group chats, ``chats`` those of two people."""

    retries: ClassVar[tuple[float, ...]] = (300.0, 1200.0, 3600.0)
    app: Registration
    tokens: Tokens

    def __init__(self, secrets: Any, hub: str, clock: Callable[[], float] = time.time) -> None:
        super().__init__(secrets, hub, clock)
        user_app = (f"people-client-of-{self.slug}", digest("client secret", self.slug, "people"))
        self.app = Registration(self.app.client_id, self.app.client_secret, ROBOT, BOT_NAME, *user_app)
        self.families: tuple[str, ...] = ("team_chat",)
        self.braces = False
        self.lower_hex = False
        self.redirects = False
        self.files_kept = Files(clock)
        self.whispered: list[tuple[ConversationId, str, Card, float]] = []
        self.greeted: list[tuple[str, str]] = []
        self.rooms: dict[str, Room] = {}
        self.chats: dict[ConversationId, Room] = {}
        self.former: list[User] = []
        self.outsiders: list[User] = []
        self.personal: dict[str, str] = {}
        self._said = 0

    @property
    def robot(self) -> str:
        """The chatbot's JID."""
        return self.app.robot_jid or ROBOT

    @property
    def bot_name(self) -> str:
        return self.app.bot_name or BOT_NAME

    def say(
        self,
        room: Room,
        author: User,
        message: str,
        rich_text: list[dict[str, Any]],
        at_items: list[dict[str, Any]],
        root: str = "",
        files: Sequence[Stored] = (),
    ) -> Said:
        """Keep a new message."""
        self._said += 1
        name = message_id(self.clock(), self._said)
        shown = "{" + name.lower() + "}" if self.braces else name
        said = Said(shown, author, int(self.clock() * 1000), message, rich_text, at_items, root, list(files))
        room.keep(said, name)
        self._tell_message("posted", said, room, author)
        return said

    def edit(
        self, room: Room, said: Said, message: str, rich_text: list[dict[str, Any]], at_items: list[dict[str, Any]]
    ) -> None:
        """Put a text in the place of another, with its spans and mentions."""
        said.message, said.rich_text, said.at_items, said.edited = message, rich_text, at_items, True
        self._tell_message("updated", said, room, said.author)

    def delete(self, room: Room, key: str) -> None:
        """Take a message away; the replies to it stay."""
        said = room.messages.pop(key)
        self._tell_message("deleted", said, room, said.author)

    def react(self, room: Room, said: Said, person: User, emoji: str, on: bool) -> None:
        """Put an emoji on a message or take it back; what is so already is not told again."""
        people = said.reactions.setdefault(emoji, [])
        changed = (person in people) is not on
        if changed:
            (people.append if on else people.remove)(person)
        if not people:
            del said.reactions[emoji]
        if changed:
            shown = emoji.lower().replace("u+", "U+") if self.lower_hex and emoji.startswith("U+") else emoji
            event = reaction_event(said, room, person, shown, on, self.clock())
            if room.is_pair:
                self.tell_people(event, [room.other(said.author)])
            else:
                self.tell(event)

    def chat_of(self, one: User, other: User) -> Room:
        """The chat of two people, which nobody has to open."""
        key = ids.pair(*(ids.account(each.id, each.member_id) for each in (one, other)))
        return self.chats.setdefault(key, pair(one, other))

    def at(self, conversation: ConversationId) -> Room:
        """A channel, a group chat or a chat of two that is there."""
        return self.chats.get(conversation) or self.rooms[conversation]

    def group(self, owner: User, others: Sequence[User], name: str = "") -> Room:
        """A new group chat."""
        key = digest("zoom", "group", repr(self.clock()), str(len(self.rooms)))[:32]
        shown = name or ", ".join(one.name for one in others)
        made = self.rooms[key] = Room(key, shown, False, [owner, *others], type=GROUP)
        self.tell(channel_event("chat_channel.created", made, owner, self.clock(), made.members))
        return made

    def move(self, room: Room, actor: User, member: User, here: bool) -> None:
        """Somebody joins or leaves, or is brought or sent away by the actor."""
        if here and member not in room.members:
            room.members.append(member)
        elif not here and member in room.members:
            room.members.remove(member)
        if actor is member:
            self.tell(channel_event(f"chat_channel.member_{'joined' if here else 'left'}", room, actor, self.clock()))
        else:
            name = f"chat_channel.member_{'invited' if here else 'removed'}"
            self.tell(channel_event(name, room, actor, self.clock(), [member]))

    def bring(self, room: Room, actor: User, members: Sequence[User]) -> None:
        """Several people are brought at once, which is told once."""
        room.members.extend(members)
        self.tell(channel_event("chat_channel.member_invited", room, actor, self.clock(), members))

    def create(self, owner: User, name: str, kind: int) -> Room:
        """A channel of somebody's, who is alone in it."""
        key = digest("zoom", "created", name, repr(self.clock()), str(len(self.rooms)))[:32]
        made = self.rooms[key] = Room(key, name, False, [owner], owner=owner, type=kind)
        self.tell(channel_event("chat_channel.created", made, owner, self.clock(), [owner]))
        return made

    def drop(self, room: Room, actor: User) -> None:
        """A channel is deleted, with all that was said in it."""
        del self.rooms[room.id]
        self.tell(channel_event("chat_channel.deleted", room, actor, self.clock()))

    def rename(self, room: Room, actor: User, name: str) -> None:
        room.name = name
        self.tell(channel_event("chat_channel.updated", room, actor, self.clock()))

    def archive(self, room: Room, actor: User, on: bool) -> None:
        """Nothing can be sent to an archived channel (§3.1)."""
        room.archived = on
        name = f"team_chat.channel_{'archived' if on else 'unarchived'}"
        self.tell(channel_event(name, room, actor, self.clock()))

    def command(self, room: Room | None, actor: User, words: str) -> None:
        """A slash command, or without a room what somebody tells the chatbot: no message is kept of it."""
        self.tell(slash_event(room, actor, words, self.robot, self.clock()))

    def tell_app_mention(self, room: Room, said: Said) -> None:
        self.tell(app_mention_event(said, room, self.clock()))

    def said(self, room: Room, key: str) -> Said:
        """A message of a channel; ``Refusal`` in Zoom's words if it is not there."""
        found = room.messages.get(key)
        if found is None:
            raise Refusal(400, 300, f"Message does not exist: {key}.")
        return found

    def _tell_message(self, what: str, said: Said, room: Room, actor: User) -> None:
        """The account's app is told of everything; of direct chats only in the older family, as its manifest names
        no other for them. The app of people is told once for each of the two who consented, in a channel for its speaker
        (§2.4, §8.6)."""
        for family in self.families:
            if (actor.id or family == "team_chat") and not (room.is_pair and family == "team_chat"):
                self.tell(_FAMILIES[family](what, said, room, actor, self.clock()))
        if actor.id:
            event = legacy_event(what, said, room, actor, self.clock())
            self.tell_people(event, room.members if room.is_pair else [actor])

    def tell_people(self, event: Mapping[str, Any], people: Sequence[User]) -> None:
        """Tell the user-managed app, once for each of these who has consented to the scope that the event takes."""
        secret, app = self.secrets.user_webhook_secret_token, self.app.user_client_id
        for one in people:
            if secret and OF_PEOPLE[event["event"]] in self.tokens.consents.get(one.id, ()):
                self._send(event, secret, app)

    def tell(self, event: Mapping[str, Any]) -> None:
        """Tell the account's app."""
        self._send(event, self.secrets.webhook_secret_token, self.app.client_id)

    def _send(self, event: Mapping[str, Any], secret: str, client_id: str) -> None:
        """Compact JSON, signed over exactly these bytes; the request id stays over retries, the time does not."""
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        request_id = str(uuid.uuid4())

        def sign() -> Mapping[str, str]:
            at = str(int(self.clock()))
            signed = {
                "x-zm-request-timestamp": at,
                "x-zm-signature": signature(secret, at, body),
            }
            fixed = {"content-type": "application/json; charset=utf-8", "user-agent": "Zoom Marketplace/1.0a"}
            return signed | fixed | {"x-zm-request-id": request_id, "clientid": client_id}

        self.deliver(Webhook(f"{self.hub}/webhooks/zoom/", body, sign))
